package tui

import (
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/step"
)

// replayDialog asks for the trace to replay: one of the launches that failed
// here, or any file.
type replayDialog struct {
	theme  theme
	failed []string // names of launches whose traces are kept
	list   list
	file   *pathEditor
}

// askReplay opens the dialog, once it is known what is kept.
func (m *root) askReplay() tea.Cmd {
	m.typing.waiting = true
	store := m.store
	return func() tea.Msg {
		failed := store.FailedLaunches()
		return errand(func(m *root) tea.Cmd { return m.openReplayDialog(failed) })
	}
}

func (m *root) openReplayDialog(failed []string) tea.Cmd {
	line := &textEditor{}
	d := &replayDialog{theme: m.theme, failed: failed, file: newPathEditor(&line.input, line)}
	entries := make([]entry, len(failed))
	for i, name := range failed {
		entries[i] = entry{key: name, text: name}
	}
	d.list.set(entries)
	early := m.typing.release()
	m.open(d)
	return m.takeTyped(early)
}

func (*replayDialog) title() string { return "Replay a launch" }

func (d *replayDialog) press(key tea.KeyPressMsg) decision {
	switch key.String() {
	case "esc", "ctrl+c":
		return dismissed{}
	case "enter":
		return d.decide()
	case "down":
		d.list.moveBy(1)
	case "up":
		d.list.moveBy(-1)
	case "tab":
		return pressTab(d.file, func(bool) { d.list.setFilter(d.file.line.value()) })
	default:
		if d.file.press(key) {
			d.list.setFilter(d.file.line.value())
		}
	}
	return nil
}

func (d *replayDialog) paste(text string) {
	d.file.insert(text)
	d.list.setFilter(d.file.line.value())
}

// decide takes the name that is chosen, or else what is typed as a path.
func (d *replayDialog) decide() decision {
	typed := strings.TrimSpace(d.file.line.value())
	if i := d.list.index(); i >= 0 && !isPath(typed) {
		name := d.failed[i]
		return replay(func(s *sandbox.Store) (step.Trace, error) { return s.Trace(name) })
	}
	if typed == "" {
		return refused{errors.New("replay: no file is named")}
	}
	return replay(func(*sandbox.Store) (step.Trace, error) { return sandbox.ReadTrace(expandHome(typed)) })
}

// isPath tells whether text is a file rather than the name of a launch.
func isPath(text string) bool {
	return strings.ContainsAny(text, "/~") || strings.HasSuffix(text, ".json")
}

// replay reads a trace and shows it. Where that fails, what was typed stays.
func replay(read func(*sandbox.Store) (step.Trace, error)) errand {
	return func(m *root) tea.Cmd {
		m.notice = "Reading" + m.theme.ellipsis
		store := m.store
		return func() tea.Msg {
			trace, err := read(store)
			return errand(func(m *root) tea.Cmd {
				m.notice = ""
				if err != nil {
					m.fail(err)
					return nil
				}
				m.dialogs = nil
				return m.openScreen(newReplay(m.theme, trace, nil))
			})
		}
	}
}

// mostFailed is how many names are in view.
const mostFailed = 10

func (d *replayDialog) view(w, h int) dialogView {
	const label = "File: "
	text, column := d.file.view(d.theme, w-len(label))
	v := dialogView{
		rows:   []string{label + text},
		cursor: tea.NewCursor(len(label)+column, 0),
		keys:   []hint{{"Enter", "replay"}, {"Esc", "back"}},
	}
	about := "a trace that `aquarium trace SANDBOX --export FILE` wrote"
	if len(d.failed) > 0 {
		about = "a trace's file, or a launch that failed here:"
	}
	v.rows = append(v.rows, paint(d.theme.muted, d.theme.cut(d.file.about(about), w)))
	if len(d.failed) == 0 {
		return v
	}
	d.list.resize(min(len(d.list.all), mostFailed, max(1, h-2)))
	rows := d.list.rows(d.theme, w, true, func(i int) string { return visible(d.failed[i]) })
	for len(rows) < d.list.height {
		rows = append(rows, "")
	}
	v.rows = append(v.rows, rows...)
	return v
}
