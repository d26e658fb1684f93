package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// logsTab is the sandbox's output, to read back and to search.
type logsTab struct {
	theme   theme
	subject *subject
	query   string
	height  int
}

func (*logsTab) title() string { return "Logs" }
func (*logsTab) key() string   { return "l" }

func (t *logsTab) show(s *subject) tea.Cmd {
	if t.subject != nil && s != nil && t.subject.ID != s.ID {
		t.query = ""
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
	switch key.String() {
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
	hints := []hint{{"j k", "scroll"}, {"/", "search"}}
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
