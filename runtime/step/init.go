package step

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// World is what the steps of a launch work on.
type World struct {
	files   []*os.File     // descriptors 0… of the child that Clone starts
	child   *os.Process    // what Clone started
	groups  []group        // what Cgroup made
	console int            // master of the pseudo-terminal, until it is handed over; -1 for none
	self    int            // this binary, for a reaper; -1 for none
	trees   map[int]int    // descriptors, by the numbers that steps have for them
	points  map[string]int // roots of mounts, by the paths that they were made at
	home    string         // home directory of the user that User became

	// What the step at hand found out:
	changed []observe.Change // beyond what its operation says
	idle    bool             // there was nothing to do
}

// Supervisor and init talk over one socket pair, descriptor 3 of init:
//
//	supervisor                                   init
//	    │ ── plan, one JSON document ───────────▶ │   with the trees that are open
//	    │                                         │ each step of init, in order;
//	    │ ◀─ {"before":N} ─────────────────────── │   when stepped: a report first,
//	    │ ── 'g' ───────────────────────────────▶ │   then the step after "go on",
//	    │ ── 's' ───────────────────────────────▶ │   or none for "leave it out"
//	    │ ◀─ {"events":[…]}  + console master ─── │ all at once, just before execve
//	    │ ◀─ end of file ──────────────────────── │ execve closed the socket: it runs
//	    │ ◀─ {"events":[…]} ───────────────────── │ or the one step that failed
//	    │ ◀─ {"final":…} ──────────────────────── │ or why a reaper's program does not run
//
// The console's master rides on a report as SCM_RIGHTS.
const initSocket = 3

// report is one message from init.
type report struct {
	Before   *int    `json:"before,omitempty"`   // stepped: about to do this step
	Hostname string  `json:"hostname,omitempty"` // stepped: what uname(2) says, which only init is told
	Events   []Event `json:"events,omitempty"`
	Final    *Event  `json:"final,omitempty"` // of the plan's last step, whose number a reaper does not know
}

// Answers to a stepped init: do the next step, or leave it out.
const (
	goOn     = 'g'
	leaveOut = 's'
)

// initFailed is init's own exit status when a step failed; the supervisor
// reports the step, not this number.
const initFailed = 125

// Init is the re-exec'd child: it performs the plan's steps, the last of
// which replaces it by the program, and never returns.
func Init() {
	kernel.SetName(InitName)
	syscall.CloseOnExec(initSocket)
	var socket planReader
	var encoded Encoded
	err := json.NewDecoder(&socket).Decode(&encoded)
	plan, unknown := encoded.decode()
	if err != nil || unknown != nil || len(plan.trees) != len(socket.received) {
		os.Exit(initFailed)
	}
	i := interpreter{plan: plan, world: World{console: -1, self: holdSelf(plan)}}
	for at, number := range plan.trees {
		i.world.hold(number, socket.received[at])
	}
	i.run()
	os.Exit(initFailed)
}

// planReader reads the plan, and the descriptors that come with it.
type planReader struct{ received []int }

// maxRights is how many descriptors one message has, SCM_MAX_FD of the kernel.
const maxRights = 253

func (r *planReader) Read(p []byte) (int, error) {
	rights := make([]byte, syscall.CmsgSpace(4*maxRights))
	for {
		n, rightsLen, _, _, err := syscall.Recvmsg(initSocket, p, rights, syscall.MSG_CMSG_CLOEXEC)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		messages, err := syscall.ParseSocketControlMessage(rights[:rightsLen])
		for i := range messages {
			fds, _ := syscall.ParseUnixRights(&messages[i])
			r.received = append(r.received, fds...)
		}
		return n, err
	}
}

// interpreter performs the steps of one plan.
type interpreter struct {
	plan   Plan
	world  World
	events []Event
}

func (i *interpreter) run() {
	for seq, s := range i.plan.Steps {
		if s.Actor != InitActor {
			continue
		}
		if i.plan.Stepped {
			answer, ok := i.ask(seq)
			if !ok {
				return
			}
			if answer == leaveOut {
				i.events = append(i.events, Event{Seq: seq, Skipped: true})
				continue
			}
		}
		if _, last := programOf(s.Op); last && i.flush() != nil {
			return // the supervisor is gone: nobody would hold the sandbox
		}
		if err := i.do(seq, s); err != nil {
			i.flush()
			return
		}
	}
}

// do performs one step and notes what came of it.
func (i *interpreter) do(seq int, s Step) error {
	began := time.Now()
	err := s.Op.Do(&i.world)
	explain(s.Op, err)
	i.events = append(i.events, i.world.event(seq, err, time.Since(began)))
	return err
}

// event notes what came of the step that was just done.
func (w *World) event(seq int, err error, took time.Duration) Event {
	e := Event{Seq: seq, Took: took, Idle: w.idle, Changed: w.changed}
	w.idle, w.changed = false, nil
	var refused *CallError
	if errors.As(err, &refused) {
		e.Errno, e.Call, e.Detail = int(refused.Errno), refused.Call, refused.Detail
	}
	return e
}

// ask reports that step seq is next and waits for the answer; without one the
// launch is over.
func (i *interpreter) ask(seq int) (answer byte, ok bool) {
	if i.send(report{Before: &seq, Hostname: observe.Hostname(), Events: i.events}) != nil {
		return 0, false
	}
	i.events = nil
	var b [1]byte
	for {
		n, err := syscall.Read(initSocket, b[:])
		if err == syscall.EINTR {
			continue
		}
		return b[0], err == nil && n == 1 && (b[0] == goOn || b[0] == leaveOut)
	}
}

func (i *interpreter) flush() error {
	err := i.send(report{Events: i.events})
	i.events = nil
	return err
}

// send writes one report, and the console's master with it the first time.
func (i *interpreter) send(r report) error {
	message, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var rights []byte
	if i.world.console >= 0 {
		rights = syscall.UnixRights(i.world.console)
	}
	n, err := syscall.SendmsgN(initSocket, message, rights, nil, syscall.MSG_NOSIGNAL)
	for err == nil && n < len(message) {
		message = message[n:]
		n, err = syscall.SendmsgN(initSocket, message, nil, nil, syscall.MSG_NOSIGNAL)
	}
	if err == nil && i.world.console >= 0 {
		syscall.Close(i.world.console)
		i.world.console = -1
	}
	return err
}
