package tui

import (
	"errors"
	"fmt"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/tui/terminal"
)

// What the actions do, and what follows from the dialogs' decisions.

// launchSelected launches from the selected root filesystem as it is.
func (m *root) launchSelected() tea.Cmd {
	r, ok := m.trees.selected()
	if !ok {
		return nil
	}
	if r.Problem != "" {
		m.fail(&sandbox.Error{What: "launch " + visible(r.Name), Err: errors.New(r.Problem), Way: "c says more; o launches another command"})
		return nil
	}
	m.notice = "Launching " + visible(r.Name) + m.theme.ellipsis
	m.typing.waiting = true
	return launchSandbox(m.store, m.sized(spec.Options{Rootfs: r.Name, TTY: true, Interactive: true, RootSwitch: spec.PivotRoot}))
}

// sized gives a sandbox the size of the pane it will be seen in.
func (m *root) sized(o spec.Options) spec.Options {
	o.Cols, o.Rows = m.work.size.Cols, m.work.size.Rows
	return o
}

// takeLaunched shows a new sandbox and attaches to it; keys typed meanwhile go
// to it. When the launch failed, what was being edited stays.
func (m *root) takeLaunched(msg sandboxLaunched) tea.Cmd {
	early := m.typing.release()
	m.notice = ""
	if msg.err != nil {
		m.fail(msg.err)
		return nil
	}
	m.dialogs = nil
	m.sandboxes.add(msg.sandbox)
	m.sandboxes.choose(msg.sandbox.ID)
	show := m.work.show(msg.sandbox, usage{}, msg.conn)
	attach := m.attachSelected()
	return tea.Batch(show, attach, m.takeTyped(early))
}

// tellCleanup says what was cleaned up after a crash: the latest, and how many.
func (m *root) tellCleanup(line cleanedUp) {
	m.cleanups++
	m.notice = visible(string(line))
	if m.cleanups > 1 {
		m.notice = fmt.Sprintf("%d times: %s", m.cleanups, m.notice)
	}
}

func (m *root) askStop() tea.Cmd {
	m.open(newStopDialog(m.work.subject.Sandbox))
	return nil
}

func (m *root) askSignal() tea.Cmd {
	m.open(newSignalDialog(m.theme, m.work.subject.Sandbox))
	return nil
}

func (m *root) pauseSelected() tea.Cmd {
	return pauseSandbox(m.work.subject.Sandbox)
}

func (m *root) unpauseSelected() tea.Cmd {
	return unpauseSandbox(m.work.subject.Sandbox)
}

func (m *root) askRemove() tea.Cmd {
	m.open(newRemoveDialog(m.work.subject.Sandbox))
	return nil
}

func (m *root) openHelp() tea.Cmd {
	if s, ok := m.screen().(helped); ok {
		m.open(newScreenHelp(m.theme, s.help(), m.actions))
		return nil
	}
	m.open(newHelpDialog(m.theme, parts(), m.prefix()))
	return nil
}

// openPalette offers everything that can be done here.
func (m *root) openPalette() tea.Cmd {
	var names []string
	var possible []*action
	for i := range m.actions {
		a := &m.actions[i]
		if a.possible(m) && a.about != "" {
			help := a.Help()
			names = append(names, m.theme.fit(help.Desc, 20)+m.theme.fit(help.Key, 10)+a.about)
			possible = append(possible, a)
		}
	}
	m.open(newChoice(m.theme, "Commands", names, func(i int) decision { return actionChosen{possible[i]} }))
	return nil
}

// actionChosen is a choice in the palette.
type actionChosen struct{ action *action }

// copySelected copies the selected text, or else what the focus is on.
func (m *root) copySelected() tea.Cmd {
	text := ""
	switch s := m.work.subject; {
	case s != nil && s.feed.pane.HasSelection():
		text = s.feed.pane.SelectedText()
	case m.focus == panelRootfs:
		r, _ := m.trees.selected()
		text = r.Path
	case s != nil:
		text = s.Name
	}
	if text == "" {
		return nil
	}
	m.notice = "Copied: " + m.theme.cut(visible(text), 40)
	return sequences(terminal.SetClipboard(text))
}

// decide carries out what a dialog led to.
func (m *root) decide(d decision) tea.Cmd {
	switch d := d.(type) {
	case nil:
	case dismissed:
		m.closeDialog()
	case stopDecided:
		m.closeDialog()
		m.notice = "Stopping " + visible(d.sandbox.Name) + m.theme.ellipsis
		return stopSandbox(d.sandbox)
	case signalDecided:
		m.closeDialog()
		return signalSandbox(d.sandbox, d.number)
	case removeDecided:
		m.closeDialog()
		return removeSandbox(d.sandbox)
	case actionChosen:
		m.closeDialog()
		return d.action.do(m)
	case launchDecided:
		if d.options.Stepped {
			return m.beginStepped(d.options)
		}
		m.notice = "Launching" + m.theme.ellipsis
		m.typing.waiting = true
		return launchSandbox(m.store, m.sized(d.options))
	case planAsked:
		return makePlan(m.store, d.options)
	case errand:
		return d(m)
	case refused:
		m.fail(d.err)
	}
	return nil
}

// explain says why a key of the table does nothing here.
func (m *root) explain(msg tea.KeyPressMsg) tea.Cmd {
	for i := range m.actions {
		a := &m.actions[i]
		if !key.Matches(msg, a.Binding) {
			continue
		}
		switch {
		case m.elsewhere(a) != "":
			m.notice = a.Help().Key + " works in the list of " + m.elsewhere(a) + ": Tab goes there"
		case !hasSandbox(m):
			m.notice = a.Help().Key + ": no sandbox is selected"
		case !hasRunning(m):
			m.notice = a.Help().Key + ": " + visible(m.work.subject.Name) + " has stopped"
		case !hasProgram(m):
			m.notice = a.Help().Key + ": the launch of " + visible(m.work.subject.Name) + " waits between two steps: S goes on"
		}
		return nil
	}
	return nil
}

// elsewhere is the list with which an action could be done.
func (m *root) elsewhere(a *action) string {
	now := m.focus
	defer func() { m.focus = now }()
	for _, list := range []struct {
		panel panel
		name  string
	}{{panelRootfs, "root filesystems"}, {panelSandboxes, "sandboxes"}} {
		if m.focus = list.panel; list.panel != now && a.possible(m) {
			return list.name
		}
	}
	return ""
}
