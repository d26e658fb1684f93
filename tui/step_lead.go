package tui

import (
	"encoding/json"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/observe"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// What passes between a stepped launch and its screen.
type (
	// stepConnected is a connection that will tell of the launch.
	stepConnected struct {
		screen *stepScreen
		conn   *supervisor.Conn
		err    error
	}
	// stepTold is what a supervisor said.
	stepTold struct {
		screen *stepScreen
		conn   *supervisor.Conn
		frame  any    // step.Trace, wire.StepReport or stepEnd
		leaks  string // beside a report
		err    error
	}
	// stepEnd is the end of the launch, with the trace where it is known.
	stepEnd struct {
		report wire.StartedReport
		trace  step.Trace
	}
)

// show connects, unless the launch's own connection is there.
func (s *stepScreen) show() tea.Cmd {
	if s.stage != stageStanding {
		return nil
	}
	sb, conn := s.sandbox, s.conn
	return func() tea.Msg {
		var err error
		if conn == nil {
			if conn, err = sb.Dial(); err != nil {
				return stepConnected{screen: s, err: err}
			}
			err = conn.Watch()
		}
		if err == nil {
			err = conn.Trace()
		}
		return stepConnected{s, conn, err}
	}
}

// hide lets go of the launch, which waits where it is.
func (s *stepScreen) hide() {
	if s.conn != nil {
		s.conn.Close()
	}
	s.conn, s.halted, s.running, s.ahead = nil, false, false, 0
}

func (m stepConnected) deliver() tea.Cmd {
	m.screen.conn, m.screen.err = m.conn, m.err
	if m.err != nil {
		return nil
	}
	return m.screen.listen()
}

// listen waits for the next thing that the supervisor says.
func (s *stepScreen) listen() tea.Cmd {
	conn, sb, first := s.conn, s.sandbox, s.outside()
	return func() tea.Msg {
		told := stepTold{screen: s, conn: conn}
		for told.frame == nil && told.err == nil {
			told.frame, told.err = nextStepFrame(conn, sb)
		}
		if r, ok := told.frame.(wire.StepReport); ok && r.Outer != 0 && first != nil {
			told.leaks = leaked(r.Outer, first)
		}
		return told
	}
}

// nextStepFrame reads one frame; those of other kinds are nil.
func nextStepFrame(conn *supervisor.Conn, sb sandbox.Sandbox) (frame any, err error) {
	kind, payload, err := conn.Next()
	if err != nil {
		return nil, &sandbox.Error{What: "step " + sb.Name, Err: errSupervisorGone}
	}
	switch kind {
	case wire.Traced:
		var t step.Trace
		err = json.Unmarshal(payload, &t)
		return t, err
	case wire.Before:
		var r wire.StepReport
		err = json.Unmarshal(payload, &r)
		return r, err
	case wire.Started:
		var end stepEnd
		if err = json.Unmarshal(payload, &end.report); err != nil {
			return nil, err
		}
		if len(end.report.Trace) > 0 {
			err = json.Unmarshal(end.report.Trace, &end.trace)
		} else if end.report.Error == "" {
			end.trace, err = sb.Trace()
		}
		return end, err
	}
	return nil, nil
}

// outside is what was mounted in the outer mount namespace at first; nil where
// there is none.
func (s *stepScreen) outside() []observe.Mount {
	if state, known := s.trace.StateBefore(1); s.whatIf && known {
		return state.Mounts
	}
	return nil
}

// leaked tells what of the sandbox's mounts shows in the outer mount
// namespace, as it would on the host.
func leaked(outer int, first []observe.Mount) string {
	now, err := observe.Mounts(outer)
	if err != nil {
		return ""
	}
	return strings.Join(observe.Summary(observe.Diff(observe.State{Mounts: first}, observe.State{Mounts: now})), "; ")
}

func (m stepTold) deliver() tea.Cmd {
	s := m.screen
	if s.conn != m.conn {
		return nil // left meanwhile
	}
	if m.err != nil {
		s.err, s.halted, s.running = m.err, false, false
		return nil
	}
	switch frame := m.frame.(type) {
	case step.Trace:
		s.begin(frame)
	case wire.StepReport:
		s.leaks = m.leaks
		s.take(frame)
	case stepEnd:
		if frame.report.Aborted {
			return ask(func(m *root) tea.Cmd { return m.abortedStep(s) })
		}
		s.finish(frame.report, frame.trace)
		return nil // what follows is a viewer's
	}
	if s.abandon && s.halted {
		return tea.Batch(s.abort(), s.listen())
	}
	if s.running || s.ahead > 0 && s.halted {
		s.ahead = max(0, s.ahead-1)
		return tea.Batch(s.goOn(), s.listen())
	}
	return s.listen()
}

// begin takes the plan, and what was recorded before we came.
func (s *stepScreen) begin(t step.Trace) {
	for _, state := range s.trace.States { // a report came first
		if _, known := t.StateBefore(state.Before); !known {
			t.States = append(t.States, state)
		}
	}
	if len(t.Events) < len(s.trace.Events) {
		t.Events = s.trace.Events
	}
	s.trace, s.at, s.weaker = t, max(s.at, len(t.Events)), t.Weaker
	if plan, err := t.Plan(); err == nil && len(plan.Steps) > 0 {
		_, s.whatIf = plan.Steps[0].Op.(*step.Outer)
	}
	s.read()
}

// tell sends an answer.
func (s *stepScreen) tell(send func() error) tea.Cmd {
	return func() tea.Msg {
		if err := send(); err != nil {
			return errand(func(m *root) tea.Cmd { m.fail(err); return nil })
		}
		return nil
	}
}

// leaveStep goes back to the panels, and says how to come back.
func (m *root) leaveStep() tea.Cmd {
	s, ok := m.screen().(*stepScreen)
	cmd := m.closeScreen()
	if ok && s.stage == stageStanding && s.err == nil {
		m.notice = fmt.Sprintf("%s waits before step %d: S on it goes on", visible(s.sandbox.Name), s.at+1)
	}
	return cmd
}

// abortedStep closes the screen of a launch that was undone.
func (m *root) abortedStep(s *stepScreen) tea.Cmd {
	cmd := m.closeScreen()
	m.notice = visible(s.sandbox.Name) + " is aborted: nothing of it is left"
	return cmd
}

// attachStepped shows the program that a stepped launch has ended in, over the
// connection that led it.
func (m *root) attachStepped(s *stepScreen) tea.Cmd {
	conn, sb, store := s.conn, s.sandbox, s.store
	s.conn = nil
	m.typing.waiting = true
	find := func() tea.Msg {
		if now, err := store.Find(sb.ID); err == nil {
			sb = now
		}
		return sandboxLaunched{sb, conn, nil}
	}
	return tea.Batch(m.closeScreen(), find)
}
