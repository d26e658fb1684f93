package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"aquarium/tui/terminal"
)

// logsTab is the sandbox's output, to read back and to search.
type logsTab struct {
	theme   theme
	subject *subject
	query   string
	height  int
	// selecting: the arrow keys move the end of the selection.
	selecting bool
}

func (*logsTab) title() string { return "Logs" }
func (*logsTab) key() string   { return "l" }

func (t *logsTab) show(s *subject) tea.Cmd {
	if t.subject != nil && s != nil && t.subject.ID != s.ID {
		t.query, t.selecting = "", false
	}
	t.subject = s
	return nil
}

func (t *logsTab) source() *feed { return t.subject.source() }

func (*logsTab) update(tea.Msg) tea.Cmd { return nil }

func (t *logsTab) wheel(lines int) {
	if t.subject != nil {
		t.subject.feed.pane.ScrollBy(lines)
	}
}

// press scrolls as less(1) does.
func (t *logsTab) press(key tea.KeyPressMsg) (tea.Cmd, bool) {
	if t.subject == nil {
		return nil, false
	}
	pane := t.subject.feed.pane
	if t.selecting && t.extend(key.String()) {
		return nil, true
	}
	switch key.String() {
	case "v":
		pane.SelectStart(0, t.height-1, terminal.SelectCells)
		t.selecting = true
	case "V":
		pane.SelectStart(0, t.height-1, terminal.SelectLines)
		t.selecting = true
	case "j", "down":
		pane.ScrollBy(1)
	case "k", "up":
		pane.ScrollBy(-1)
	case "pgdown", "ctrl+f", "space":
		pane.ScrollBy(max(1, t.height-1))
	case "pgup", "ctrl+b", "b":
		pane.ScrollBy(-max(1, t.height-1))
	case "home", "g":
		_, total, _ := pane.ScrollInfo()
		pane.ScrollTo(total)
	case "end", "G":
		pane.ScrollTo(0)
	case "n":
		if t.query == "" {
			return nil, false
		}
		pane.PrevMatch()
	case "N":
		if t.query == "" {
			return nil, false
		}
		pane.NextMatch()
	default:
		return nil, false
	}
	return nil, true
}

// extend moves the end of the selection; Esc lets go of it.
func (t *logsTab) extend(key string) (handled bool) {
	pane := t.subject.feed.pane
	switch key {
	case "h", "left":
		pane.SelectBy(-1, 0)
	case "l", "right":
		pane.SelectBy(1, 0)
	case "k", "up":
		pane.SelectBy(0, -1)
	case "j", "down":
		pane.SelectBy(0, 1)
	case "pgup":
		pane.SelectBy(0, 1-t.height)
	case "pgdown":
		pane.SelectBy(0, t.height-1)
	case "esc":
		pane.ClearSelection()
		t.selecting = false
	default:
		return false
	}
	return true
}

// search looks for text upwards; an empty query ends the search.
func (t *logsTab) search(query string) (found bool) {
	t.query = query
	if t.subject == nil {
		return false
	}
	if query == "" {
		t.subject.feed.pane.ClearSearch()
		return true
	}
	return t.subject.feed.pane.Search(query)
}

func (t *logsTab) hints() []hint {
	if t.selecting {
		return []hint{{"arrows", "extend"}, {"y", "copy"}, {"w", "write to file"}, {"Esc", "let go"}}
	}
	hints := []hint{{"j k", "scroll"}, {"/", "search"}, {"v V", "select"}}
	if t.query != "" {
		hints = append(hints, hint{"n N", "older, newer match"})
	}
	return hints
}

func (t *logsTab) view(w, h int) tabView {
	t.height = h
	pane := t.subject.feed.pane
	v := crop(t.theme, pane, w, h)
	v.cursor = nil
	offset, total, _ := pane.ScrollInfo()
	v.note = fmt.Sprintf(" line %d of %d ", total-offset, total)
	switch {
	case pane.Modes().AltScreen:
		v.note = " a full-screen program has no lines to scroll back "
	case total == 0:
		v.note = " all in view "
	}
	return v
}
