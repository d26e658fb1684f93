package tui

import (
	"errors"
	"fmt"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// stepScreen leads a launch that halts before each step.
type stepScreen struct {
	wish
	launchView
	store   *sandbox.Store
	sandbox sandbox.Sandbox
	conn    *supervisor.Conn // nil while not shown

	halted  bool
	running bool // goes on by itself, up to the mark
	abandon bool // abort as soon as it waits
	ahead   int  // steps asked for while one is under way
	whatIf  bool
}

func newStepScreen(t theme, store *sandbox.Store, sb sandbox.Sandbox, conn *supervisor.Conn) *stepScreen {
	v := launchView{theme: t, name: sb.Name, bundle: sb.Bundle, weaker: sb.Weaker, mark: -1, state: page{theme: t}}
	return &stepScreen{launchView: v, store: store, sandbox: sb, conn: conn}
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
	return m.beginStepped(spec.Options{Rootfs: r.Name, TTY: true, Interactive: true, RootSwitch: spec.PivotRoot, Stepped: true, WhatIf: whatIf})
}

// beginStepped begins a launch that halts before each step, one at a time. When
// it cannot be begun, what was being edited stays.
func (m *root) beginStepped(o spec.Options) tea.Cmd {
	m.notice = "Planning the launch of " + visible(o.Rootfs) + m.theme.ellipsis
	if m.stepping {
		return nil
	}
	m.stepping = true
	store := m.store
	o = m.sized(o)
	return func() tea.Msg {
		sb, conn, err := store.Launch(o)
		return errand(func(m *root) tea.Cmd {
			m.notice, m.stepping = "", false
			if err != nil {
				m.fail(err)
				return nil
			}
			m.dialogs = nil
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

// under tells whether the launch is under way, and we are there.
func (s *stepScreen) under() bool { return s.conn != nil && s.stage == stageStanding }

// waiting tells whether the launch waits for an answer of ours.
func (s *stepScreen) waiting() bool { return s.halted && !s.running && s.under() }

func (s *stepScreen) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	key := msg.String()
	switch key {
	case "esc":
		return s.ask((*root).leaveStep)
	case "n", "enter":
		return s.next()
	case "m":
		s.toggleMark()
		return nil, true
	case "r":
		s.running = s.under()
		return s.goOn(), true
	case "x":
		return s.leaveOut(), true
	case "a":
		return s.abort(), true
	case "c":
		return s.askDetails(&s.wish)
	case "y":
		return s.askCopy(&s.wish)
	}
	return nil, s.launchView.press(key)
}

// next shows the next recorded state, does the next step, or attaches.
func (s *stepScreen) next() (tea.Cmd, bool) {
	switch {
	case s.place() < s.at:
		s.moveTo(s.place() + 1)
	case s.stage == stageRunning:
		return s.ask(func(m *root) tea.Cmd { return m.attachStepped(s) })
	case !s.halted && s.under():
		s.ahead++
	default:
		return s.goOn(), true
	}
	return nil, true
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
	if !s.halted || !s.under() {
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
	if !s.under() {
		return nil
	}
	if s.abandon = !s.halted; s.abandon {
		return nil
	}
	s.halted = false
	return s.tell(s.conn.Abort)
}

func (s *stepScreen) hints() []hint {
	look := []hint{{"b", "back"}, {"c", "details"}, {"Tab", "side"}}
	switch {
	case s.stage == stageRunning:
		return append([]hint{{"Enter", "attach"}}, look...)
	case s.stage == stageFailed || s.err != nil:
		return look
	}
	run := "run on"
	if s.mark > s.at {
		run = "run to step " + strconv.Itoa(s.mark+1)
	}
	hints := []hint{{"Enter", "next"}, {"b", "back"}, {"r", run}, {"m", "mark"}, {"a", "abort"}}
	if s.whatIf {
		hints = append(hints, hint{"x", "leave out"})
	}
	return append(hints, look[1:]...)
}

// help explains the keys.
func (s *stepScreen) help() []hint {
	return []hint{
		{"Enter n", "Do the next step; where the cursor has gone back, show the next recorded state; at the end, attach."},
		{"b ←", "Show the state that was recorded before the step before."},
		{"j k g G", "Move through the plan, or through the right side: Tab changes over."},
		{"m r", "Mark a step to halt before; run up to the mark, or to the end."},
		{"x", "Leave the step out on purpose, in a launch that W began."},
		{"a", "Abort: everything is undone."},
		{"c", "All of the selected step: its calls, why, who, the manual page, errno, time, what it changed."},
		{"y", "Copy the selected call or line."},
	}
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

// finish takes the end of the launch.
func (s *stepScreen) finish(r wire.StartedReport, t step.Trace) {
	s.stage, s.halted, s.running = stageRunning, false, false
	if r.Error != "" {
		s.stage = stageFailed
	}
	if len(t.Steps) > 0 {
		s.trace, s.weaker = t, t.Weaker
	}
	s.pid = r.PID
	s.at, s.ending = standing(s.trace, s.stage), r.Error
	s.read()
}

var errSupervisorGone = errors.New("its supervisor is gone")
