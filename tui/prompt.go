package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// prompt is the line at the bottom where a filter or a search is typed.
type prompt struct {
	label string
	line  input
	list  *list    // what is filtered while typing, or
	logs  *logsTab // what is searched when done
}

// openPrompt begins to filter the list with the focus; on the right side, to
// search the output.
func (m *root) openPrompt() tea.Cmd {
	if l := m.focusedList(); l != nil {
		m.prompt = &prompt{label: "Filter: ", line: newInput(l.filter), list: l}
		return nil
	}
	cmd, _ := m.work.openKey("l")
	logs, ok := m.work.tab().(*logsTab)
	if !ok || m.work.subject == nil {
		return cmd
	}
	m.prompt = &prompt{label: "Search: ", logs: logs}
	return cmd
}

func (m *root) pressPrompt(msg tea.KeyPressMsg) tea.Cmd {
	p := m.prompt
	switch msg.String() {
	case "esc", "ctrl+c":
		p.line = input{}
		m.promptChanged()
		m.prompt = nil
		if p.logs != nil {
			p.logs.search("")
		}
	case "enter":
		m.prompt = nil
		if p.logs != nil && !p.logs.search(p.line.value()) {
			m.notice = fmt.Sprintf("Not found: %s", visible(p.line.value()))
		}
	case "down", "up":
		if p.list != nil {
			p.list.press(msg.String())
		}
	default:
		if p.line.press(msg) {
			m.promptChanged()
		}
	}
	return m.selectionMoved()
}

func (m *root) promptChanged() {
	if m.prompt.list != nil {
		m.prompt.list.setFilter(m.prompt.line.value())
	}
}
