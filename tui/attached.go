package tui

import (
	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/supervisor"
	"aquarium/tui/terminal"
)

// kittyFlags is what Bubble Tea asks of the outer terminal for the UI's own keys.
const kittyFlags = 1

// attachSelected gives the keys to the sandbox that is shown: to the terminal
// on the screen, or else to its own.
func (m *root) attachSelected() tea.Cmd {
	s := m.work.subject
	if s == nil || s.Status == supervisor.Stopped {
		return nil
	}
	if _, shell := m.work.tab().(*shellTab); shell && m.focus == panelWork && m.work.source() != nil {
		return m.attachTo(m.work.source())
	}
	return tea.Batch(m.work.openTab(0), m.attachTo(s.feed))
}

// attachTo gives the keys to a terminal, which takes the size of the pane.
func (m *root) attachTo(f *feed) tea.Cmd {
	m.focus, m.scrolling = panelWork, false
	m.keyboard.attach(f)
	m.arrange()
	f.own(m.work.size)
	m.keyboard.modes = f.pane.Modes()
	return sequences(terminal.AttachKeys(m.keyboard.modes))
}

// detach takes the keys back; the program runs on.
func (m *root) detach() tea.Cmd {
	if !m.keyboard.attached() {
		return nil
	}
	m.keyboard.detach()
	m.taught = true
	m.focus, m.zoomed = panelSandboxes, false
	m.arrange()
	return sequences(terminal.DetachKeys(kittyFlags))
}

// takeTyped takes what was held back, each key as what it is after those
// before it.
func (m *root) takeTyped(typed []tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, msg := range typed {
		switch msg := msg.(type) {
		case tea.KeyPressMsg:
			cmds = append(cmds, m.press(msg))
		case tea.PasteMsg:
			m.paste(msg)
		}
	}
	return tea.Batch(cmds...)
}

// pressEarly is a key that was read before the keys were the program's.
func (m *root) pressEarly(key tea.KeyPressMsg) tea.Cmd {
	if c := m.keyboard.early(key); c != 0 {
		return m.takePrefix(prefixPressed{c, m.keyboard.now})
	}
	return nil
}

// takePrefix does what was asked for with the prefix key.
func (m *root) takePrefix(msg prefixPressed) tea.Cmd {
	if msg.from != m.keyboard.now {
		return nil // it has been detached since
	}
	m.notice = ""
	if m.screen() != nil {
		return m.detach() // a screen has nowhere to zoom or scroll to
	}
	switch msg.command {
	case terminal.CommandDetach:
		return m.detach()
	case terminal.CommandZoom:
		return m.toggleZoom()
	case terminal.CommandScroll:
		zoomed := m.zoomed
		cmd := m.detach()
		m.focus, m.zoomed = panelWork, zoomed
		m.arrange()
		m.scrolling = true
		open, _ := m.work.openKey("l")
		m.notice = "Scrolling back: Esc goes back to the program"
		return tea.Batch(cmd, open)
	}
	return nil
}

// leaveWork is Esc on the right side: from scrolling back to the program, from
// a tab to the terminal, from the terminal to the list.
func (m *root) leaveWork() tea.Cmd {
	switch {
	case m.scrolling:
		m.scrolling = false
		if s := m.work.subject; s != nil {
			s.feed.pane.ScrollTo(0)
		}
		return m.attachSelected()
	case m.work.open != 0:
		return m.work.openTab(0)
	}
	return m.focusOn(panelSandboxes)
}

// followProgram keeps up with what the attached program does: asks for other
// keyboard protocols, or ends.
func (m *root) followProgram() tea.Cmd {
	if !m.keyboard.attached() {
		return nil
	}
	feed := m.keyboard.now.feed
	if facts := feed.state(); facts.ready && !facts.live {
		cmd := m.detach()
		if m.cleanups == 0 { // which says more of an end
			m.notice = m.ended(feed)
		}
		return cmd
	}
	modes := feed.pane.Modes()
	if modes.KittyFlags == m.keyboard.modes.KittyFlags && modes.ModifyOtherKeys == m.keyboard.modes.ModifyOtherKeys {
		m.keyboard.modes = modes
		return nil
	}
	m.keyboard.modes = modes
	return sequences(terminal.AttachKeys(modes))
}

func (m *root) ended(f *feed) string {
	what := "the program"
	if sb, ok := m.sandboxes.find(f.id); ok {
		what = visible(sb.Name)
		if m.work.subject.source() != f {
			what = "the shell in " + what
		}
	}
	how := ""
	if report := f.state().exit; report != nil {
		how = " (" + outcome(supervisor.State{ExitCode: &report.Code, Signal: report.Signal}) + ")"
	}
	return what + " has ended" + how + ": the keys are Aquarium's again"
}

func (m *root) toggleZoom() tea.Cmd {
	m.zoomed = !m.zoomed
	if m.zoomed {
		m.focus = panelWork
	}
	m.arrange()
	return nil
}
