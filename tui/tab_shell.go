package tui

import (
	tea "charm.land/bubbletea/v2"
)

// shellTab is a second program in the sandbox, run with exec. It lives as long
// as somebody looks: leaving Aquarium ends it, the sandbox runs on.
type shellTab struct {
	theme   theme
	subject *subject
	shells  map[string]*feed // by sandbox id
}

func newShellTab(t theme) *shellTab { return &shellTab{theme: t, shells: map[string]*feed{}} }

func (*shellTab) title() string { return "Shell" }
func (*shellTab) key() string   { return "" } // e opens it

// present keeps the tab out of the bar until there is a shell.
func (t *shellTab) present() bool { return t.source() != nil }

func (t *shellTab) source() *feed {
	if t.subject == nil {
		return nil
	}
	return t.shells[t.subject.ID]
}

// add takes over a shell's feed; the one before has ended.
func (t *shellTab) add(f *feed) {
	if old := t.shells[f.id]; old != nil {
		old.close()
	}
	t.shells[f.id] = f
}

// live tells whether the subject's shell still runs.
func (t *shellTab) live() bool {
	f := t.source()
	return f != nil && f.state().live
}

func (t *shellTab) show(s *subject) tea.Cmd {
	t.subject = s
	return nil
}

func (t *shellTab) update(msg tea.Msg) tea.Cmd {
	if ended, ok := msg.(feedEnded); ok && t.shells[ended.feed.id] == ended.feed {
		delete(t.shells, ended.feed.id)
		ended.feed.close()
	}
	return nil
}

func (*shellTab) press(tea.KeyPressMsg) (tea.Cmd, bool) { return nil, false }

func (t *shellTab) wheel(lines int) {
	if f := t.source(); f != nil {
		f.pane.ScrollBy(lines)
	}
}

func (*shellTab) hints() []hint { return nil }

func (t *shellTab) view(w, h int) tabView {
	f := t.source()
	if f == nil {
		return tabView{rows: t.theme.padRows([]string{"", "  The shell has ended."}, w, h)}
	}
	v := crop(t.theme, f.pane, w, h)
	v.note = paneNote(f, w, h)
	return v
}
