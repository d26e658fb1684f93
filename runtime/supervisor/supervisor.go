// Package supervisor is the small process beside each sandbox: it starts
// init, holds the terminal, keeps the output, serves any number of viewers,
// waits for the exit and records it. It outlives whoever started it.
//
// The package imports only the standard library; package reexec says why.
package supervisor

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

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
	Steps      []step.Step     `json:"steps"`   // the plan's first ones, the supervisor's own
	Stepped    bool            `json:"stepped"` // wait before each
	TTY        bool            `json:"tty"`
	Stdin      bool            `json:"stdin"` // keep standard input open
	Size       wire.Dimensions `json:"size"`
	Scrollback int64           `json:"scrollback"` // bytes; 0 is the default
}

// Boot is the rest of what a supervisor needs to know.
type Boot struct {
	Plan   step.Encoded `json:"plan"`
	Steps  []step.Step  `json:"steps,omitempty"` // the supervisor's own, after those of the Preparation
	State  State        `json:"state"`
	Run    string       `json:"run"`    // directory of the socket and the running state
	Failed string       `json:"failed"` // directory that keeps traces of failed launches
	Names  string       `json:"names"`  // directory of the symlinks that hold names
	Leases string       `json:"leases"` // directory of addresses on the bridge
	Exec   ExecDefaults `json:"exec"`
	Tied   bool         `json:"tied,omitempty"` // the sandbox ends with the creator's connection
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

	Limits   []step.Rlimit `json:"limits,omitempty"`
	OOMScore *int          `json:"oomScore,omitempty"` // as step.OOMScore has it
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
	steps   []step.Step // its own, before init's
	session *session
	launch  *step.Launch
	answers chan answer // to a stepped launch that waits

	life sync.Mutex // guards boot.State from the socket's beginning on

	mu       sync.Mutex
	before   *wire.StepReport // the step that a stepped launch waits for
	begun    *wire.StartedReport
	watchers map[*viewer]bool // are told of steps and of the start; true until they have attached
	changed  *sync.Cond       // watchers did, or begun
	asking   map[*viewer]bool // have asked for the program's end
	trace    step.Trace       // as far as it is known
}

// Main runs a supervisor and never returns.
func Main() {
	kernel.SetName("aquarium") // it would be a descriptor's number
	kernel.DefaultSignals()
	if kernel.CloseOnExecFrom(bootSocket) != nil {
		os.Exit(exitBroken)
	}
	conn := wire.Socket(bootSocket, "creator")
	s := &supervisor{answers: make(chan answer, 1), watchers: make(map[*viewer]bool), asking: make(map[*viewer]bool)}
	s.changed = sync.NewCond(&s.mu)
	var p Preparation
	if !read(conn, wire.Prepare, &p) {
		os.Exit(exitBroken)
	}
	setTitle(p.Name)
	cloned := s.prepare(p)
	if !read(conn, wire.Boot, &s.boot) {
		s.giveUp()
		os.Exit(exitBroken) // init dies with this process
	}
	s.steps = append(s.steps, s.boot.Steps...)
	s.run(conn, cloned)
	os.Exit(0)
}

// exitBroken is the status of a supervisor whose creator gave up.
const exitBroken = 125

// read reads a frame of the creator's; false means that the creator is gone.
func read(conn *os.File, want wire.Type, message any) bool {
	kind, payload, err := wire.Read(conn)
	return err == nil && kind == want && json.Unmarshal(payload, message) == nil
}

// giveUp removes the control groups that were made for a creator who is gone:
// whoever has cleaned up after it may have come too early to find them.
func (s *supervisor) giveUp() {
	for _, own := range s.steps {
		if made, ok := own.Op.(*step.Cgroup); ok {
			made.Groups.Remove()
		}
	}
}

// prepare starts init, which waits for its plan; in a stepped launch that is a
// step like any other.
func (s *supervisor) prepare(p Preparation) error {
	s.steps = p.Steps
	s.trace.Began = now()
	s.session = newSession(p.Scrollback, p.Size)
	s.session.decided = make(chan struct{})
	stdio, err := s.stdio(p)
	if err != nil {
		return err
	}
	if s.launch, err = step.NewLaunch(stdio); err != nil || p.Stepped {
		return err
	}
	for _, own := range p.Steps {
		if err := s.own(own); err != nil {
			return err
		}
	}
	return nil
}

// run brings the sandbox up, holds it, and cleans up after it. cloned is what
// came of starting init.
func (s *supervisor) run(creator *os.File, cloned error) {
	first := newViewer(creator)
	first.creator = true
	s.watch(first)
	go func() {
		s.serve(first)
		s.session.decide()
		if s.boot.Tied {
			s.session.signal(syscall.SIGKILL) // fails for a program that has ended by itself
			s.wake()
		}
	}()
	err := cloned
	if err == nil {
		err = s.keep()
	}
	if err == nil {
		err = s.outOfMemory(s.bringUp())
	}
	if err != nil {
		s.fail(err)
		return
	}
	whole := s.ended() // who is told of the start may ask for it at once
	s.announce(wire.StartedReport{PID: s.launch.Process.Pid})
	spare()
	written := s.keepTrace(whole)
	report := s.session.wait() // its end is the end of the whole pid namespace
	s.noteShortage(&report)
	if slices.Contains(s.boot.State.Shared, "pid") {
		s.boot.State.Groups.Kill() // there is none: what is left would keep the output open
		if !endOrphans() {
			report.Reason = strings.TrimPrefix(report.Reason+"; what it started among the host's processes runs on", "; ")
		}
	}
	<-written
	s.settle(report)
	s.session.finish(report)
	within(flushTime, s.waitWatchers) // who attaches now is told the end at once
	first.finish()
	waitReaders(slices.Concat(s.attachedWatchers(), s.unanswered(), []*viewer{first}))
}

// keep takes the sandbox over from its creator, who may go from then on.
func (s *supervisor) keep() error {
	st := &s.boot.State
	if err := st.KeepSelf(); err != nil {
		return err
	}
	if err := st.Save(s.boot.Run); err != nil {
		return err
	}
	Reserve(s.boot.Run) // for the program's start; its end is recorded in the bundle
	return nil
}

// stdio makes the program's descriptors 0, 1 and 2. With a terminal they are
// /dev/null until init has opened it.
func (s *supervisor) stdio(p Preparation) (theirs [3]*os.File, err error) {
	if !p.TTY {
		return s.session.pipes(p.Stdin)
	}
	null, err := openNull(os.O_RDWR)
	return [3]*os.File{null, null, null}, err
}
