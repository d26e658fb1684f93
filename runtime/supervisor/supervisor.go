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

// Boot is what a supervisor needs to know, all of it.
type Boot struct {
	Plan       step.Encoded    `json:"plan"`
	State      State           `json:"state"`
	Run        string          `json:"run"`    // directory of the socket and the running state
	Remove     []string        `json:"remove"` // what else to delete with the sandbox
	Stdin      bool            `json:"stdin"`  // keep standard input open
	Size       wire.Dimensions `json:"size"`
	Scrollback int64           `json:"scrollback"` // bytes; 0 is the default
	Exec       ExecDefaults    `json:"exec"`
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
	goOn    chan struct{} // stepped launch: a viewer said go on

	mu     sync.Mutex
	before *wire.StepReport // the step that a stepped launch waits for
}

// Main runs a supervisor and never returns.
func Main() {
	kernel.DefaultSignals()
	conn := wire.Socket(bootSocket, "creator")
	kind, payload, err := wire.Read(conn)
	s := &supervisor{goOn: make(chan struct{}, 1)}
	if err != nil || kind != wire.Boot || json.Unmarshal(payload, &s.boot) != nil {
		os.Exit(exitBroken)
	}
	setTitle(s.boot.State.Name)
	s.run(conn)
	os.Exit(0)
}

// exitBroken is the status of a supervisor that was not started as it must be.
const exitBroken = 125

func (s *supervisor) run(creator *os.File) {
	first := newViewer(creator)
	first.creator = true
	s.session = newSession(s.boot.Scrollback, s.boot.Size)
	s.session.decided = make(chan struct{})
	go func() {
		s.serve(first)
		s.session.decide()
	}()
	launched, err := s.launch()
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
	first.send(wire.Started, wire.StartedReport{PID: launched.Process.Pid})
	go s.trace(launched)
	report := s.session.wait() // its end is the end of the whole pid namespace
	s.settle(report)
	s.session.finish(report)
	first.finish()
	within(flushTime, first.waitEnd)
}

// launch brings the sandbox up; nothing is left of it on error but its
// directories.
func (s *supervisor) launch() (*step.Launch, error) {
	stdio, err := s.stdio()
	if err != nil {
		return nil, err
	}
	listener, err := wire.Listen(s.boot.Run + "/" + SocketName)
	if err != nil {
		return nil, err
	}
	go s.accept(listener)
	launched, err := step.Spawn(s.boot.Plan, stdio)
	closeAll(stdio)
	if err == nil {
		defer launched.Close()
		s.session.started(launched.Process)
		err = s.follow(launched)
	}
	if err != nil && launched != nil && launched.Process != nil {
		launched.Process.Kill()
		launched.Process.Wait()
	}
	return launched, err
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
	return s.boot.State.Save(s.boot.Run)
}

func (s *supervisor) setPID(pid int) {
	s.boot.State.PID = pid
	s.boot.State.PIDStart, _ = StartTime(pid) // gone already: 0 matches no process
}

// stdio makes the program's descriptors 0, 1 and 2. With a terminal they are
// /dev/null until init has opened it.
func (s *supervisor) stdio() (theirs [3]*os.File, err error) {
	if !s.boot.State.TTY {
		return s.session.pipes(s.boot.Stdin)
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
