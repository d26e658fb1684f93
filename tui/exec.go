package tui

import (
	"encoding/json"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// execStarted says that a shell runs in a sandbox, or why not. The connection
// is its viewer's.
type execStarted struct {
	sandbox sandbox.Sandbox
	conn    *supervisor.Conn
	err     error
}

// execShell runs a shell beside the sandbox's program, or goes back to the one
// that runs.
func (m *root) execShell() tea.Cmd {
	for i, t := range m.work.tabs {
		if shells, ok := t.(*shellTab); ok && shells.live() {
			return tea.Batch(m.work.openTab(i), m.attachTo(shells.source()))
		}
	}
	m.typing.waiting = true
	return startShell(m.work.subject.Sandbox, m.work.size)
}

func startShell(sb sandbox.Sandbox, size wire.Dimensions) tea.Cmd {
	return func() tea.Msg {
		conn, err := sb.DialExec()
		if err != nil {
			return execStarted{err: err}
		}
		err = conn.Exec(wire.ExecRequest{Dimensions: size, Argv: []string{"/bin/sh"}, TTY: true, Stdin: true})
		if err == nil {
			err = awaitExec(sb, conn)
		}
		if err != nil {
			conn.Close()
			return execStarted{err: err}
		}
		return execStarted{sb, conn, nil}
	}
}

// awaitExec reads up to the frame that says whether the program runs.
func awaitExec(sb sandbox.Sandbox, conn *supervisor.Conn) error {
	for {
		kind, payload, err := conn.Next()
		if err != nil {
			return &sandbox.Error{What: "run a shell in " + sb.Name, Err: err}
		}
		if kind != wire.Started {
			continue
		}
		var report wire.StartedReport
		if err := json.Unmarshal(payload, &report); err != nil {
			return &sandbox.Error{What: "run a shell in " + sb.Name, Err: err}
		}
		if report.Error != "" {
			return &sandbox.LaunchError{Name: "a shell in " + sb.Name, Report: report}
		}
		return nil
	}
}

// takeExec shows the shell and attaches to it.
func (m *root) takeExec(msg execStarted) tea.Cmd {
	early := m.typing.release()
	s := m.work.subject
	switch {
	case msg.err != nil:
		m.fail(msg.err)
		return nil
	case s == nil || s.ID != msg.sandbox.ID:
		msg.conn.Close() // another one was selected meanwhile
		return nil
	}
	f, run := m.work.startShell(msg.sandbox, msg.conn)
	attach := m.attachTo(f)
	return tea.Batch(run, attach, m.takeTyped(early))
}
