package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	tea "charm.land/bubbletea/v2"

	"aquarium/tui/terminal"
)

// offer is text that a program wants on the user's clipboard (OSC 52). It goes
// there only when the user says so.
type offer struct {
	from string // the sandbox's name
	text string
}

// noteOffers looks whether the program that is shown wants to set the
// clipboard, and says how to let it.
func (m *root) noteOffers() {
	f := m.work.source()
	if f == nil || m.work.subject == nil {
		return
	}
	for _, request := range f.pane.Clipboard() {
		if len(request.Text) > 0 {
			m.offered = offer{m.work.subject.Name, string(request.Text)}
			m.notice = fmt.Sprintf("%s offers %d bytes for the clipboard: Y takes them", visible(m.offered.from), len(request.Text))
		}
	}
}

func hasOffer(m *root) bool { return m.offered.text != "" }

// takeOffer puts what the program offered on the clipboard.
func (m *root) takeOffer() tea.Cmd {
	text := m.offered.text
	m.offered = offer{}
	m.notice = "Copied: " + m.theme.cut(visible(text), 40)
	return sequences(terminal.SetClipboard(text))
}

// saveSelected writes the selected text of the output, or all of it, to a file
// in the working directory.
func (m *root) saveSelected() tea.Cmd {
	s := m.work.subject
	if s == nil {
		return nil
	}
	pane, name := s.feed.pane, s.Name
	return func() tea.Msg {
		text := pane.SelectedText()
		if !pane.HasSelection() {
			text = pane.AllText()
		}
		path, err := saveText(name, text)
		return requestDone{notice: fmt.Sprintf("Wrote %d bytes to %s", len(text), visible(path)), err: err}
	}
}

// saveText writes to a new file; one that is there already is left alone.
func saveText(name, text string) (string, error) {
	path := fmt.Sprintf("aquarium-%s-%s.txt", filepath.Base(name), time.Now().Format("20060102-150405"))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return path, err
	}
	_, err = file.WriteString(text)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(path)
	}
	return path, err
}

// clicks counts clicks at one place in quick succession: one selects cells,
// two words, three lines.
type clicks struct {
	x, y, count int
	last        time.Time
}

// doubleClick is the longest time between two clicks that belong together.
const doubleClick = 400 * time.Millisecond

// unit notes a click at a cell and returns what it selects.
func (c *clicks) unit(x, y int, now time.Time) terminal.SelectionUnit {
	if x != c.x || y != c.y || now.Sub(c.last) > doubleClick {
		c.count = 0
	}
	c.x, c.y, c.last = x, y, now
	c.count++
	switch c.count % 3 {
	case 2:
		return terminal.SelectWords
	case 0:
		return terminal.SelectLines
	}
	return terminal.SelectCells
}
