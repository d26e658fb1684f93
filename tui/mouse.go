package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// wheelLines is how far one turn of the wheel goes.
const wheelLines = 3

// mouse routes what the attached program did not take.
func (m *root) mouse(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	switch msg.(type) {
	case tea.MouseWheelMsg:
		return m.wheel(at)
	case tea.MouseClickMsg:
		if at.Button == tea.MouseLeft && len(m.dialogs) == 0 && m.screen() == nil {
			return m.click(at)
		}
	case tea.MouseMotionMsg:
		if s := m.work.subject; m.selecting && s != nil {
			r := m.layout.body[panelWork]
			s.feed.pane.SelectTo(at.X-r.x, at.Y-r.y)
		}
	case tea.MouseReleaseMsg:
		m.selecting = false
	}
	return nil
}

func (m *root) wheel(at tea.Mouse) tea.Cmd {
	lines := wheelLines
	switch at.Button {
	case tea.MouseWheelUp:
		lines = -wheelLines
	case tea.MouseWheelDown:
	default:
		return nil
	}
	if s := m.screen(); s != nil && len(m.dialogs) == 0 {
		s.wheel(lines)
		return nil
	}
	if n := len(m.dialogs); n > 0 {
		code := tea.KeyDown
		if lines < 0 {
			code = tea.KeyUp
		}
		m.dialogs[n-1].press(tea.KeyPressMsg{Code: code})
		return nil
	}
	switch m.layout.at(at.X, at.Y) {
	case panelRootfs:
		m.trees.scroll(lines)
	case panelSandboxes:
		m.sandboxes.scroll(lines)
		return m.selectionMoved()
	case panelWork:
		m.work.tab().wheel(lines)
	}
	return nil
}

// click gives the focus and selects. A click elsewhere while attached lets go
// of the program.
func (m *root) click(at tea.Mouse) tea.Cmd {
	p := m.layout.at(at.X, at.Y)
	body := m.layout.body
	var cmd tea.Cmd
	if m.keyboard.attached() && p != panelWork {
		cmd = m.detach()
	}
	if p == panelNone {
		return tea.Batch(cmd, m.clickBar(at))
	}
	cmd = tea.Batch(cmd, m.focusOn(p))
	switch p {
	case panelRootfs:
		m.trees.click(at.Y - body[p].y)
	case panelSandboxes:
		if m.sandboxes.click(at.Y - body[p].y) {
			return tea.Batch(cmd, m.selectionMoved())
		}
	case panelWork:
		if t, ok := m.work.tab().(*facetTab); ok {
			t.click(at.Y - body[p].y)
		} else if s := m.work.subject; s != nil {
			m.selecting = true
			s.feed.pane.ClearSelection()
			s.feed.pane.SelectStart(at.X-body[p].x, at.Y-body[p].y, m.clicks.unit(at.X, at.Y, time.Now()))
		}
	}
	return cmd
}

// clickBar opens the tab whose title was clicked.
func (m *root) clickBar(at tea.Mouse) tea.Cmd {
	r := m.layout.body[panelWork]
	if r.w == 0 || at.Y != r.y-1 || at.X < r.x {
		return nil
	}
	if i, ok := m.work.tabAt(at.X-r.x-1, r.w-2); ok {
		return tea.Batch(m.focusOn(panelWork), m.work.openTab(i))
	}
	return nil
}
