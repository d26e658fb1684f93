package tui

import (
	"errors"
	"strings"

	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"
)

// messageDialog shows text until it is dismissed: errors, help, plans.
type messageDialog struct {
	heading string
	text    []paragraph
	page    viewport.Model
}

// paragraph is text that is wrapped beside its head.
type paragraph struct{ head, text string }

func newMessage(heading string, text []paragraph) *messageDialog {
	return &messageDialog{heading: heading, text: text, page: viewport.New()}
}

// rows wraps the text to w columns, to the right of the head.
func (p paragraph) rows(w int) []string {
	indent := width(p.head)
	rows := wrap(p.text, max(8, w-indent))
	for i := range rows {
		if i == 0 {
			rows[i] = p.head + rows[i]
		} else {
			rows[i] = spaces(indent) + rows[i]
		}
	}
	return rows
}

// newErrorDialog shows an error in full, with the way out where one is known.
func newErrorDialog(err error) *messageDialog {
	text := []paragraph{{"", visible(err.Error())}}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		text = append(text, paragraph{}, paragraph{"Way out: ", visible(hinted.Hint())})
	}
	return newMessage("That did not work", text)
}

func (d *messageDialog) title() string { return d.heading }

func (d *messageDialog) press(key tea.KeyPressMsg) decision {
	switch key.String() {
	case "j", "down":
		d.page.ScrollDown(1)
	case "k", "up":
		d.page.ScrollUp(1)
	case "pgdown", "space":
		d.page.PageDown()
	case "pgup":
		d.page.PageUp()
	case "g", "home":
		d.page.GotoTop()
	case "G", "end":
		d.page.GotoBottom()
	case "esc", "enter", "q", "ctrl+c", "?":
		return dismissed{}
	}
	return nil
}

func (d *messageDialog) view(w, h int) dialogView {
	var rows []string
	for _, p := range d.text {
		rows = append(rows, p.rows(w)...)
	}
	widest := 0 // of all rows, so that the box keeps its width while they scroll
	for _, row := range rows {
		widest = max(widest, width(row))
	}
	keys := []hint{{"Enter", "close"}}
	if len(rows) > h {
		keys = append(keys, hint{"j k", "scroll"})
	}
	d.page.SetWidth(w)
	d.page.SetHeight(min(h, len(rows)))
	d.page.SetContentLines(rows)
	text := d.page.View()
	rows = strings.Split(text, "\n")
	for i := range rows {
		rows[i] = strings.TrimRight(rows[i], " ")
	}
	rows[0] += spaces(widest - width(rows[0]))
	return dialogView{rows: rows, keys: keys}
}
