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
	lines   []string // finished; wrapped when they are wider than the box
	page    viewport.Model
}

func newMessage(heading string, lines []string) *messageDialog {
	return &messageDialog{heading: heading, lines: lines, page: viewport.New()}
}

// newErrorDialog shows an error in full, with the way out where one is known.
func newErrorDialog(err error) *messageDialog {
	lines := []string{visible(err.Error())}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		lines = append(lines, "", "Way out: "+visible(hinted.Hint()))
	}
	return newMessage("That did not work", lines)
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
	case "esc", "enter", "q", "ctrl+c", "?":
		return dismissed{}
	}
	return nil
}

func (d *messageDialog) view(w, h int) dialogView {
	var rows []string
	for _, line := range d.lines {
		rows = append(rows, wrap(line, w)...)
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
	return dialogView{rows: rows, keys: keys}
}
