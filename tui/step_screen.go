package tui

import (
	"errors"
	"fmt"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/observe"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// stepScreen leads a launch that halts before each step: on the left the plan,
// on the right what the kernel sees of the half-built sandbox.
type stepScreen struct {
	wish
	theme   theme
	store   *sandbox.Store
	sandbox sandbox.Sandbox
	conn    *supervisor.Conn // nil while not shown

	trace   step.Trace // the plan, and what is recorded
	entries []step.Entry
	at      int // the step that the launch waits before, while halted
	halted  bool
	running bool // goes on by itself, up to the mark
	abandon bool // abort as soon as it waits
	ahead   int  // steps asked for while one is under way
	mark    int  // a step to halt before, or -1
	pid     int
	leaks   string // of a launch with steps left out, what shows outside
	whatIf  bool
	ended   *wire.StartedReport // of the launch
	err     error

	plan  list
	state page
	right bool // the keys move on the right side
}

func newStepScreen(t theme, store *sandbox.Store, sb sandbox.Sandbox, conn *supervisor.Conn) *stepScreen {
	return &stepScreen{theme: t, store: store, sandbox: sb, conn: conn, mark: -1, state: page{theme: t}}
}

// stepSelected begins a launch that halts before each step, or goes on with
// one that waits.
func (m *root) stepSelected() tea.Cmd { return m.stepLaunch(false) }

// whatIfSelected begins one in which steps may be left out.
func (m *root) whatIfSelected() tea.Cmd { return m.stepLaunch(true) }

func (m *root) stepLaunch(whatIf bool) tea.Cmd {
	if m.focus != panelRootfs {
		return m.openScreen(newStepScreen(m.theme, m.store, m.work.subject.Sandbox, nil))
	}
	r, ok := m.trees.selected()
	if !ok || r.Problem != "" {
		return m.launchSelected() // which says what the problem is
	}
	m.notice = "Planning the launch of " + visible(r.Name) + m.theme.ellipsis
	store, o := m.store, m.sized(spec.Options{
		Rootfs: r.Name, TTY: true, Interactive: true, RootSwitch: spec.PivotRoot, Stepped: true, WhatIf: whatIf,
	})
	return func() tea.Msg {
		sb, conn, err := store.Launch(o)
		return errand(func(m *root) tea.Cmd {
			m.notice = ""
			if err != nil {
				m.fail(err)
				return nil
			}
			return m.openScreen(newStepScreen(m.theme, m.store, sb, conn))
		})
	}
}

// canStep tells whether a launch can be begun, or one that waits is selected.
func canStep(m *root) bool { return onTrees(m) || onWaiting(m) }

// onWaiting tells whether the selected sandbox's launch waits.
func onWaiting(m *root) bool {
	return m.focus != panelRootfs && hasSandbox(m) && m.work.subject.Status == supervisor.Created
}

// waiting tells whether the launch waits for an answer of ours.
func (s *stepScreen) waiting() bool { return s.halted && !s.running && s.conn != nil && s.ended == nil }

// place is the step that the right side shows the state before: a recorded
// one where the cursor has gone back.
func (s *stepScreen) place() int {
	if i := s.plan.index(); i >= 0 && i < s.at {
		return i
	}
	return s.at
}

func (s *stepScreen) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	key := msg.String()
	switch key {
	case "tab", "shift+tab":
		s.right = !s.right
		s.state.focused = s.right
		return nil, true
	case "esc":
		return s.ask((*root).leaveStep)
	case "n", "enter":
		return s.next()
	case "b", "left":
		s.moveTo(s.place() - 1)
		return nil, true
	case "m":
		s.toggleMark()
		return nil, true
	case "r":
		s.running = s.conn != nil && s.ended == nil
		return s.goOn(), true
	case "x":
		return s.leaveOut(), true
	case "a":
		return s.abort(), true
	}
	if s.right {
		return nil, s.state.press(key)
	}
	place := s.place()
	handled := s.plan.press(key)
	if s.place() != place {
		s.redraw()
	}
	return nil, handled
}

// next shows the next recorded state, does the next step, or attaches.
func (s *stepScreen) next() (tea.Cmd, bool) {
	switch {
	case s.place() < s.at:
		s.moveTo(s.place() + 1)
	case s.started():
		return s.ask(func(m *root) tea.Cmd { return m.attachStepped(s) })
	case !s.halted && s.conn != nil && s.ended == nil:
		s.ahead++
	default:
		return s.goOn(), true
	}
	return nil, true
}

// started tells whether the program runs.
func (s *stepScreen) started() bool { return s.ended != nil && s.ended.Error == "" }

func (s *stepScreen) moveTo(number int) {
	s.plan.moveTo(number)
	s.redraw()
}

// toggleMark marks the selected step, to be halted before.
func (s *stepScreen) toggleMark() {
	i := s.plan.index()
	if i == s.mark || i <= s.at {
		s.mark = -1
		return
	}
	s.mark = i
}

// goOn has the step done that the launch waits before.
func (s *stepScreen) goOn() tea.Cmd {
	if !s.halted || s.conn == nil || s.ended != nil {
		return nil
	}
	s.halted = false
	conn, before := s.conn, s.at
	return s.tell(func() error { return conn.GoOn(before) })
}

func (s *stepScreen) leaveOut() tea.Cmd {
	if !s.waiting() || !s.whatIf {
		return nil
	}
	conn, before := s.conn, s.at
	plan, err := s.trace.Plan()
	if err == nil && plan.Unskippable(before) != "" {
		err = fmt.Errorf("leave out step %d: %s", before+1, plan.Unskippable(before))
	}
	if err != nil {
		return ask(func(m *root) tea.Cmd { m.fail(err); return nil })
	}
	s.halted = false
	return s.tell(func() error { return conn.Skip(before) })
}

func (s *stepScreen) abort() tea.Cmd {
	if s.conn == nil || s.ended != nil {
		return nil
	}
	if s.abandon = !s.halted; s.abandon {
		return nil
	}
	s.halted = false
	return s.tell(s.conn.Abort)
}

func (s *stepScreen) wheel(lines int) { s.state.scroll(lines) }

func (s *stepScreen) hints() []hint {
	switch {
	case s.started():
		return []hint{{"Enter", "attach"}, {"b", "back"}, {"Tab", "other side"}}
	case s.ended != nil || s.err != nil:
		return []hint{{"b", "back"}, {"Tab", "other side"}}
	}
	run := "run to the end"
	if s.mark > s.at {
		run = "run to step " + strconv.Itoa(s.mark+1)
	}
	hints := []hint{{"Enter", "next"}, {"b", "back"}, {"r", run}, {"m", "mark"}, {"a", "abort"}}
	if s.whatIf {
		hints = append(hints, hint{"x", "leave out"})
	}
	return append(hints, hint{"Tab", "other side"})
}

// take brings in what a report says.
func (s *stepScreen) take(r wire.StepReport) {
	s.at, s.halted, s.pid = r.Before, true, r.PID
	s.trace.Events = r.Events
	if _, known := s.trace.StateBefore(r.Before); !known && r.State != nil {
		s.trace.States = append(s.trace.States, step.Snapshot{Before: r.Before, State: *r.State})
	}
	if s.running && s.at == s.mark {
		s.running, s.mark = false, -1
	}
	s.read()
}

// read makes the entries of the trace, and draws the place where it stands.
func (s *stepScreen) read() {
	entries, err := s.trace.Entries()
	if err != nil {
		s.err = err
		return
	}
	s.entries = entries
	list := make([]entry, len(entries))
	for i, e := range entries {
		list[i] = entry{key: strconv.Itoa(i), text: e.Text}
	}
	if s.started() {
		list = append(list, entry{key: "end", text: "the program runs"})
	}
	s.plan.set(list)
	s.moveTo(s.at)
}

// finish takes the end of the launch.
func (s *stepScreen) finish(r wire.StartedReport, t step.Trace) {
	s.ended, s.halted, s.running = &r, false, false
	if len(t.Steps) > 0 {
		s.trace = t
	}
	s.pid = r.PID
	s.at = len(s.trace.Steps)
	if e, failed := s.trace.Failure(); failed {
		s.at = e.Seq
	}
	s.read()
}

// now is the state at the place shown, and the one before it.
func (s *stepScreen) now() (before, now observe.State, known bool) {
	place := s.place()
	now, known = s.trace.StateBefore(place)
	before, recorded := s.trace.StateBefore(place - 1)
	if !recorded {
		before = now
	}
	if now.Hostname == "" {
		before.Hostname = "" // it could not be read, and is not gone
	}
	return before, now, known
}

var errSupervisorGone = errors.New("its supervisor is gone")
