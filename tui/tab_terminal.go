package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"aquarium/runtime/supervisor"
	"aquarium/tui/terminal"
)

// terminalTab is the sandbox's terminal, live, attached or not.
type terminalTab struct {
	theme   theme
	subject *subject
}

func (*terminalTab) title() string { return "Terminal" }
func (*terminalTab) key() string   { return "0" }

func (t *terminalTab) show(s *subject) tea.Cmd {
	t.subject = s
	return nil
}

func (t *terminalTab) source() *feed { return t.subject.source() }

func (*terminalTab) update(tea.Msg) tea.Cmd { return nil }

func (*terminalTab) press(tea.KeyPressMsg) (tea.Cmd, bool) { return nil, false }

func (t *terminalTab) wheel(lines int) {
	if t.subject != nil {
		t.subject.feed.pane.ScrollBy(lines)
	}
}

func (*terminalTab) hints() []hint { return nil }

func (t *terminalTab) view(w, h int) tabView {
	facts := t.subject.feed.state()
	if facts.err != nil {
		return tabView{rows: t.theme.padRows(wrap(visible(facts.err.Error()), w), w, h)}
	}
	if !facts.ready {
		return tabView{rows: t.theme.padRows(nil, w, h)}
	}
	v := crop(t.theme, t.subject.feed.pane, w, h)
	v.note = paneNote(t.subject.feed, w, h)
	if t.subject.Status == supervisor.Stopped {
		v.cursor = nil
		end := outcomeRows(t.theme, t.subject.State, w)
		if n := h - len(end); n > 0 {
			v.rows = append(trimTo(v.rows, n), end...)
		}
	}
	return v
}

// trimTo keeps n rows: the last ones that hold something, so that what a
// program printed last stays in view.
func trimTo(rows []string, n int) []string {
	last := len(rows)
	for last > n && ansi.Strip(rows[last-1]) == spaces(width(rows[last-1])) {
		last--
	}
	return append([]string(nil), rows[last-n:last]...)
}

// crop shows a pane in w columns and h rows. A terminal that another viewer
// made larger is cut so that the cursor stays in view.
func crop(t theme, pane *terminal.Pane, w, h int) tabView {
	rows, at := pane.Rows(), pane.Cursor()
	top, left := 0, 0
	if len(rows) > h {
		top = min(max(0, at.Y-h+1), len(rows)-h)
		rows = rows[top : top+h]
	}
	cols, _ := pane.Size()
	out := make([]string, 0, h)
	if cols > w {
		left = min(max(0, at.X-w+1), cols-w)
		for _, row := range rows {
			out = append(out, t.fit(ansi.Cut(row, left, left+w), w))
		}
	} else {
		pad := spaces(w - cols)
		for _, row := range rows {
			out = append(out, row+pad)
		}
	}
	for len(out) < h {
		out = append(out, spaces(w))
	}
	v := tabView{rows: out}
	if at.Visible {
		v.cursor = paneCursor(at, left, top)
	}
	return v
}

func paneCursor(at terminal.Cursor, left, top int) *tea.Cursor {
	c := tea.NewCursor(at.X-left, at.Y-top)
	c.Blink = at.Blink
	switch at.Shape {
	case terminal.CursorUnderline:
		c.Shape = tea.CursorUnderline
	case terminal.CursorBar:
		c.Shape = tea.CursorBar
	default:
		c.Shape = tea.CursorBlock
	}
	return c
}

// paneNote says what the picture alone does not.
func paneNote(f *feed, w, h int) string {
	facts := f.state()
	if offset, _, fresh := f.pane.ScrollInfo(); offset > 0 {
		if fresh {
			return fmt.Sprintf(" %d lines back, more below ", offset)
		}
		return fmt.Sprintf(" %d lines back ", offset)
	}
	if cols, rows := f.pane.Size(); facts.live && (cols > w || rows > h) {
		return fmt.Sprintf(" its size is %dx%d ", cols, rows)
	}
	if facts.skipped {
		return " some output was left out "
	}
	return ""
}

// outcomeRows says how and when a stopped sandbox ended.
func outcomeRows(t theme, st supervisor.State, w int) []string {
	text := visible(st.Name) + " stopped: " + outcomeSentence(st)
	rows := []string{t.line + t.line + " " + text}
	rows = wrap(rows[0], w)
	for i, row := range rows {
		rows[i] = paint(t.bold, t.fit(row, w))
	}
	return rows
}

func outcomeSentence(st supervisor.State) string {
	text := outcome(st)
	if st.Signal > 0 && st.ExitCode != nil {
		text = fmt.Sprintf("killed by %s (exit %d)", signalName(st.Signal), *st.ExitCode)
	}
	if st.Reason != "" {
		text += ", " + visible(st.Reason)
	}
	if !st.Finished.IsZero() {
		text += ", " + st.Finished.Local().Format("2006-01-02 15:04:05")
	}
	return text
}
