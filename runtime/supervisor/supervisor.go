// Package supervisor is the small process beside each sandbox: it starts
// init, holds the terminal, keeps the output, serves any number of viewers,
// waits for the exit and records it. It outlives whoever started it.
//
// The package imports only the standard library; package reexec says why.
package supervisor

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"

	"aquarium/runtime/kernel"
	"aquarium/runtime/step"
	"aquarium/runtime/wire"
)

// Name is argv[0] of a supervisor; package reexec takes over by it.
const Name = "aquarium-supervise"

// bootSocket is the descriptor on which the creator sends Boot, and on which
// it then is the first viewer.
const bootSocket = 3

// Preparation is what a supervisor needs to start init, which then waits for
// its plan while the creator still makes the sandbox's directories.
type Preparation struct {
	Name       string          `json:"name"`
	Clone      step.Step       `json:"clone"` // the plan's first step
	TTY        bool            `json:"tty"`
	Stdin      bool            `json:"stdin"` // keep standard input open
	Size       wire.Dimensions `json:"size"`
	Scrollback int64           `json:"scrollback"` // bytes; 0 is the default
}

// Boot is the rest of what a supervisor needs to know.
type Boot struct {
	Plan   step.Encoded `json:"plan"`
	State  State        `json:"state"`
	Run    string       `json:"run"`    // directory of the socket and the running state
	Remove []string     `json:"remove"` // what else to delete with the sandbox
	Exec   ExecDefaults `json:"exec"`
}

// ExecDefaults is what a program that is run later has in common with the
// sandbox's first.
type ExecDefaults struct {
	Env        []string `json:"env"`
	Dir        string   `json:"dir"`
	User       string   `json:"user"`
	Keep       []string `json:"keep"` // bounding set
	NoNewPrivs bool     `json:"noNewPrivs"`
	KeepGroups bool     `json:"keepGroups"` // setgroups(2) is denied
	Filter     []byte   `json:"filter"`     // system calls, as step.Seccomp has it
}

// Files in a sandbox's directories.
const (
	SocketName = "socket"     // in Run
	OutputName = "output"     // in the bundle, once stopped: frames of package wire
	TraceName  = "trace.json" // in the bundle
)

// supervisor is the process's state.
type supervisor struct {
	boot    Boot
	session *session
	launch  *step.Launch
	goOn    chan struct{} // stepped launch: a viewer said go on

	mu     sync.Mutex
	before *wire.StepReport // the step that a stepped launch waits for
}

// Main runs a supervisor and never returns.
func Main() {
	kernel.DefaultSignals()
	if kernel.CloseOnExecFrom(bootSocket) != nil {
		os.Exit(exitBroken)
	}
	conn := wire.Socket(bootSocket, "creator")
	s := &supervisor{goOn: make(chan struct{}, 1)}
	var p Preparation
	mustRead(conn, wire.Prepare, &p)
	setTitle(p.Name)
	cloned := s.prepare(p)
	mustRead(conn, wire.Boot, &s.boot) // if not, init dies with this process
	s.run(conn, cloned)
	os.Exit(0)
}

// exitBroken is the status of a supervisor whose creator gave up.
const exitBroken = 125

// mustRead reads a frame of the creator's, or ends the process.
func mustRead(conn *os.File, want wire.Type, message any) {
	kind, payload, err := wire.Read(conn)
	if err != nil || kind != want || json.Unmarshal(payload, message) != nil {
		os.Exit(exitBroken)
	}
}

// prepare starts init, which waits for its plan.
func (s *supervisor) prepare(p Preparation) error {
	s.session = newSession(p.Scrollback, p.Size)
	s.session.decided = make(chan struct{})
	stdio, err := s.stdio(p)
	if err != nil {
		return err
	}
	defer closeAll(stdio)
	s.launch, err = step.Spawn(p.Clone, stdio)
	if err == nil {
		s.session.started(s.launch.Process)
	}
	return err
}

// run brings the sandbox up, holds it, and cleans up after it. cloned is what
// came of starting init.
func (s *supervisor) run(creator *os.File, cloned error) {
	first := newViewer(creator)
	first.creator = true
	go func() {
		s.serve(first)
		s.session.decide()
	}()
	err := cloned
	if err == nil {
		err = s.keep()
	}
	if err == nil {
		err = s.bringUp()
	}
	if err != nil {
		report := failure(err)
		s.undo()
		first.send(wire.Started, report)
		first.finish()
		s.session.decide()
		s.session.finish(wire.ExitReport{Code: report.Code, Reason: report.Error})
		within(flushTime, first.waitEnd)
		return
	}
	first.send(wire.Started, wire.StartedReport{PID: s.launch.Process.Pid})
	go s.trace(s.launch)
	report := s.session.wait() // its end is the end of the whole pid namespace
	s.settle(report)
	s.session.finish(report)
	first.finish()
	within(flushTime, first.waitEnd)
}

// keep takes the sandbox over from its creator, who may go from then on.
func (s *supervisor) keep() error {
	st := &s.boot.State
	start, err := StartTime(os.Getpid())
	if err != nil {
		return err
	}
	st.Keeper, st.KeepStart = os.Getpid(), start
	return st.Save(s.boot.Run)
}

// bringUp gives init its plan and waits until the program runs; nothing is
// left of the sandbox on error but its directories.
func (s *supervisor) bringUp() error {
	listener, err := wire.Listen(s.boot.Run + "/" + SocketName)
	if err == nil {
		go s.accept(listener)
		err = s.launch.Send(s.boot.Plan)
	}
	if err == nil {
		err = s.follow(s.launch)
	}
	s.launch.Close()
	if err != nil {
		s.launch.Process.Kill()
		s.launch.Process.Wait()
	}
	return err
}

// follow waits until the program runs, stopping before each step when the
// launch is stepped.
func (s *supervisor) follow(l *step.Launch) error {
	for {
		before, err := l.Next()
		if errors.Is(err, io.EOF) {
			return s.running(l)
		}
		if err != nil {
			return err
		}
		if l.Console != nil && s.session.terminal == nil {
			s.takeTerminal(l.Console)
		}
		if before >= 0 {
			s.waiting(l, before)
			<-s.goOn
			if err := l.GoOn(); err != nil {
				return err
			}
		}
	}
}

func (s *supervisor) takeTerminal(console *os.File) {
	s.session.mu.Lock()
	s.session.terminal = console
	s.session.mu.Unlock()
	s.session.drain(wire.Output, console)
}

// waiting records that the launch stands before a step.
func (s *supervisor) waiting(l *step.Launch, before int) {
	s.boot.State.Status = Created
	s.setPID(l.Process.Pid)
	s.boot.State.Save(s.boot.Run)
	report := &wire.StepReport{Before: before, PID: l.Process.Pid}
	s.mu.Lock()
	s.before = report
	s.mu.Unlock()
	s.session.tell(wire.Before, report)
}

func (s *supervisor) running(l *step.Launch) error {
	s.mu.Lock()
	s.before = nil
	s.mu.Unlock()
	s.boot.State.Status = Running
	s.boot.State.Started = now()
	s.setPID(l.Process.Pid)
	return s.boot.State.keep(s.boot.Run)
}

func (s *supervisor) setPID(pid int) {
	s.boot.State.PID = pid
	s.boot.State.PIDStart, _ = StartTime(pid) // gone already: 0 matches no process
}

// stdio makes the program's descriptors 0, 1 and 2. With a terminal they are
// /dev/null until init has opened it.
func (s *supervisor) stdio(p Preparation) (theirs [3]*os.File, err error) {
	if !p.TTY {
		return s.session.pipes(p.Stdin)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	return [3]*os.File{null, null, null}, err
}

// failure words a failed launch, with the exit status docker gives it.
func failure(err error) wire.StartedReport {
	report := wire.StartedReport{Error: err.Error(), Code: 125}
	var refused *step.CallError
	if errors.As(err, &refused) {
		report.Errno, report.Call = int(refused.Errno), refused.Call
		if isExec(refused) {
			report.Code = step.ExitCode(refused.Errno)
		}
	}
	return report
}
