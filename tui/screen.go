package tui

import (
	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/inspect"
	"aquarium/runtime/sandbox"
	"aquarium/tui/terminal"
)

// screen is something that takes the place of all panels until Esc: the
// matrix, host beside sandbox, a process that is no sandbox.
type screen interface {
	// show begins, or goes on when what was over it has been closed; hide stops
	// everything that is done to keep it up to date.
	show() tea.Cmd
	hide()
	press(key tea.KeyPressMsg) (cmd tea.Cmd, handled bool)
	wheel(lines int)
	// view draws exactly h rows of w columns.
	view(w, h int) tabView
	hints() []hint
}

// screen is the one in front; nil where the panels are.
func (m *root) screen() screen {
	if n := len(m.screens); n > 0 {
		return m.screens[n-1]
	}
	return nil
}

// openScreen puts a screen in front.
func (m *root) openScreen(s screen) tea.Cmd {
	if front := m.screen(); front != nil {
		front.hide()
	} else {
		m.work.leave()
	}
	m.screens = append(m.screens, s)
	return s.show()
}

// closeScreen goes back to what was behind.
func (m *root) closeScreen() tea.Cmd {
	n := len(m.screens)
	if n == 0 {
		return nil
	}
	m.screens[n-1].hide()
	m.screens = m.screens[:n-1]
	if front := m.screen(); front != nil {
		return front.show()
	}
	if m.alone {
		return m.quit()
	}
	return m.work.tab().show(m.work.subject)
}

// closeScreens goes back to the panels.
func (m *root) closeScreens() tea.Cmd {
	var cmd tea.Cmd
	for len(m.screens) > 0 {
		cmd = m.closeScreen()
	}
	return cmd
}

// onScreen are the actions that work while a screen is in front.
var onScreen = map[string]bool{"?": true, "q": true, ":": true, "ctrl+c": true, "ctrl+z": true}

// pressScreen routes a key to the screen in front.
func (m *root) pressScreen(msg tea.KeyPressMsg) tea.Cmd {
	front := m.screen()
	if cmd, handled := front.press(msg); handled {
		return tea.Batch(cmd, m.grant(front))
	}
	key := msg.String()
	if key == "esc" {
		return m.closeScreen()
	}
	if onScreen[key] {
		return m.act(msg)
	}
	return nil
}

// copyText puts text on the clipboard, and says so.
func (m *root) copyText(text string) tea.Cmd {
	m.notice = "Copied: " + m.theme.cut(visible(text), 40)
	return sequences(terminal.SetClipboard(text))
}

// leaving is a tab that does something only while it is open.
type leaving interface{ leave() }

// leave tells the open tab that it is not seen any more.
func (w *workspace) leave() {
	if t, ok := w.tab().(leaving); ok {
		t.leave()
	}
}

// focusable is a tab that looks different while the keys go to it.
type focusable interface{ focus(has bool) }

// splitSelected puts the host beside the open view, or beside the processes.
func (m *root) splitSelected() tea.Cmd {
	if t, ok := m.work.tab().(*facetTab); ok {
		return openSplit(t.in)(m)
	}
	in := newInspection(m.theme, inspect.New(), processesFacet())
	in.who = whoIs(m.work.subject)
	return openSplit(in)(m)
}

// tellScreens tells the screens which sandboxes there are now.
func (m *root) tellScreens(list []sandbox.Sandbox) {
	for _, s := range m.screens {
		if matrix, ok := s.(*matrixScreen); ok {
			matrix.setSandboxes(list)
		}
	}
}
