package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/inspect"
)

// processScreen is the inspection views of a process that is no sandbox.
type processScreen struct {
	wish
	theme    theme
	observer *inspect.Observer
	who      who
	views    []*inspection
	open     int
}

// openProcess looks at any process of the machine.
func (m *root) openProcess(pid int, name string) tea.Cmd {
	s := &processScreen{theme: m.theme, observer: inspect.New(), who: who{pid: pid, name: name}}
	for _, f := range facets() {
		in := newInspection(m.theme, s.observer, f)
		in.page.focused = true
		s.views = append(s.views, in)
	}
	return m.openScreen(s)
}

// asked is the wish of the view in front, or of the screen itself.
func (s *processScreen) asked() errand {
	if e := s.wish.asked(); e != nil {
		return e
	}
	return s.front().asked()
}

func (s *processScreen) front() *inspection { return s.views[s.open] }

func (s *processScreen) show() tea.Cmd { return s.front().show(s.who) }
func (s *processScreen) hide()         { s.front().hide() }

func (s *processScreen) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	key := msg.String()
	for i, in := range s.views {
		if in.facet.shortcut == key {
			return s.switchTo(i), true
		}
	}
	switch key {
	case "right", "tab":
		return s.switchTo((s.open + 1) % len(s.views)), true
	case "left", "shift+tab":
		return s.switchTo((s.open + len(s.views) - 1) % len(s.views)), true
	case "n":
		return s.ask(openEnterForm(s.observer, s.front().who))
	}
	return s.front().press(msg)
}

func (s *processScreen) switchTo(i int) tea.Cmd {
	s.hide()
	s.who = s.front().who // with its start, once that is known
	s.open = i
	return s.show()
}

func (s *processScreen) wheel(lines int) { s.front().page.scroll(lines) }

func (s *processScreen) hints() []hint {
	return append([]hint{{"1-9", "views"}, {"n", "enter"}}, s.front().hints()...)
}

func (s *processScreen) view(w, h int) tabView {
	t := s.theme
	v := s.front().view(w, h-1)
	title := " " + t.cut(visible(s.who.name), w/3) + " " + t.column + s.bar() + " "
	v.rows = append([]string{t.rule(title, v.note, w)}, v.rows...)
	return v
}

func (s *processScreen) bar() string {
	parts := make([]string, len(s.views))
	for i, in := range s.views {
		parts[i] = in.facet.shortcut
		if i == s.open {
			parts[i] = paint(s.theme.focus, s.theme.pointer+in.facet.shortcut+" "+in.facet.name+" ")
		}
	}
	return strings.Join(parts, s.theme.column)
}
