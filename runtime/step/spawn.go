package step

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"
)

// Launch is a launch under way, seen by the supervisor.
type Launch struct {
	// Events is what came of the steps so far, in order.
	Events []Event
	// Process is init, later the program.
	Process *os.Process
	// Hostname is what a stepped init sees; "" before its first report.
	Hostname string
	// Outer is the thread in the outer mount namespace, 0 where there is none.
	Outer int
	// Console is the master of the sandbox's terminal; nil before the step
	// that opens it, and in a sandbox without one.
	Console *os.File

	world    World
	thread   *thread // does the supervisor's steps from Outer or Clone on, where it needs one of its own
	inside   *thread // does those after a Setns
	socket   int
	total    int       // steps of the plan
	buffer   []byte    // of reports, the last one perhaps not whole
	reported time.Time // when the latest report came
}

// NewLaunch begins a launch. stdio are init's descriptors 0, 1 and 2, which the
// launch takes over; a Console step replaces them in init.
func NewLaunch(stdio [3]*os.File) (*Launch, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		closeFiles(stdio[:])
		return nil, failed(call("socketpair", raw("AF_UNIX"), raw("SOCK_STREAM"), 0), err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "init")
	return &Launch{world: World{files: []*os.File{stdio[0], stdio[1], stdio[2], theirs}}, socket: pair[0]}, nil
}

// Do performs the next of the supervisor's own steps, which are a plan's
// first ones. The last is the clone; init then waits for Send. The error is a
// *CallError when the kernel refused.
func (l *Launch) Do(s Step) error {
	switch op := s.Op.(type) {
	case *Outer:
		l.thread = newThread()
		l.Outer = l.thread.id
	case *Clone:
		if l.thread == nil && op.moves() {
			l.thread = newThread()
		}
	}
	began := time.Now()
	var err error
	do := func() {
		err = s.Op.Do(&l.world)
		explain(s.Op, err)
	}
	if _, joins := s.Op.(*Setns); joins && l.inside == nil {
		l.inside = newThread()
	}
	switch {
	case l.inside != nil:
		l.inside.do(do)
	case l.thread != nil && inOuter(s.Op):
		l.thread.do(do)
	default:
		do()
	}
	l.Events = append(l.Events, l.world.event(len(l.Events), err, time.Since(began)))
	if l.Process = l.world.child; l.Process != nil {
		closeFiles(l.world.files)
		l.world.files = nil
	}
	return err
}

// inOuter tells whether a step belongs into the outer mount namespace, where
// there is one: control groups are the host's, and neither they nor what /proc
// says of a process can be written there.
func inOuter(op Op) bool {
	switch op.(type) {
	case *Cgroup, *OOMScore:
		return false
	}
	return true
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// Skip leaves out the next of the supervisor's own steps.
func (l *Launch) Skip() {
	l.Events = append(l.Events, Event{Seq: len(l.Events), Skipped: true})
}

// Send hands init the plan: the steps after the supervisor's. What trees are
// open go with it.
func (l *Launch) Send(plan Encoded) error {
	l.total = len(plan.Steps)
	plan.Trees = slices.Sorted(maps.Keys(l.world.trees))
	document, err := plan.document()
	if err != nil {
		return err
	}
	defer l.world.closeTrees()
	var rights []byte
	if len(plan.Trees) > 0 {
		var fds []int
		for _, number := range plan.Trees {
			fds = append(fds, l.world.trees[number])
		}
		rights = syscall.UnixRights(fds...)
	}
	return l.write(document, rights)
}

// Next waits for init's next report. before is the step that a stepped init
// is about to do, or -1. At the end of the launch err is io.EOF when the
// program runs, otherwise what failed.
func (l *Launch) Next() (before int, err error) {
	decoded, err := l.receive()
	if err == io.EOF {
		return -1, l.end()
	}
	if err != nil {
		return -1, err
	}
	l.reported, l.Hostname = time.Now(), decoded.Hostname
	l.Events = append(l.Events, decoded.Events...)
	if decoded.Final != nil {
		decoded.Final.Seq = l.total - 1
		l.Events = append(l.Events, *decoded.Final)
	}
	if n := len(l.Events); n > 0 {
		if err := l.Events[n-1].Err(); err != nil {
			return -1, err
		}
	}
	if decoded.Before != nil {
		return *decoded.Before, nil
	}
	return -1, nil
}

// end words the end of init's stream: the program runs if nothing but its
// execve was left to do.
func (l *Launch) end() error {
	if len(l.Events) < l.total-1 {
		return l.brokenOff()
	}
	l.Events = append(l.Events, Event{Seq: l.total - 1, Took: time.Since(l.reported)})
	return io.EOF
}

// brokenOff words an end of init that none of its steps explains: somebody has
// killed it.
func (l *Launch) brokenOff() error {
	return fmt.Errorf("init ended after step %d of %d without a word", len(l.Events), l.total)
}

// Speaks waits until init says something, which Next then reads; false is its
// end. Before it has its plan it has nothing to say.
func (l *Launch) Speaks() bool {
	for {
		n, _, err := syscall.Recvfrom(l.socket, make([]byte, 1), syscall.MSG_PEEK)
		if err != syscall.EINTR {
			return err == nil && n > 0
		}
	}
}

// GoOn lets a stepped init do the step that Next announced, or leave it out.
func (l *Launch) GoOn(skip bool) error {
	if skip {
		return l.write([]byte{leaveOut}, nil)
	}
	return l.write([]byte{goOn}, nil)
}

// Close lets go of init's socket; an init that still waits ends by it.
func (l *Launch) Close() {
	syscall.Close(l.socket)
	closeFiles(l.world.files) // where no init was started; otherwise closed already
	l.world.closeGroups()
	l.world.closeTrees()
	if l.inside != nil {
		l.inside.end()
	}
}

// write sends bytes, and descriptors with the first of them.
func (l *Launch) write(b, rights []byte) error {
	for len(b) > 0 {
		n, err := syscall.SendmsgN(l.socket, b, rights, nil, syscall.MSG_NOSIGNAL)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.EPIPE || err == syscall.ECONNRESET {
			return l.brokenOff()
		}
		if err != nil {
			return failed(call("sendmsg", raw("init")), err)
		}
		b, rights = b[n:], nil
	}
	return nil
}

// receive reads until one whole report is there. Reports follow each other
// without a separator, so a json.Decoder finds the end.
func (l *Launch) receive() (report, error) {
	chunk := make([]byte, 16<<10)
	rights := make([]byte, syscall.CmsgSpace(4))
	for {
		if r, rest, ok := firstReport(l.buffer); ok {
			l.buffer = rest
			return r, nil
		}
		n, rightsLen, _, _, err := syscall.Recvmsg(l.socket, chunk, rights, syscall.MSG_CMSG_CLOEXEC)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.ECONNRESET {
			return report{}, io.EOF // killed before it has read all of its plan
		}
		if err != nil {
			return report{}, failed(call("recvmsg", raw("init")), err)
		}
		l.takeConsole(rights[:rightsLen])
		if n == 0 {
			return report{}, io.EOF
		}
		l.buffer = append(l.buffer, chunk[:n]...)
	}
}

// takeConsole keeps the descriptor that came with a message, if one did.
func (l *Launch) takeConsole(rights []byte) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil || len(messages) == 0 {
		return
	}
	if fds, err := syscall.ParseUnixRights(&messages[0]); err == nil && len(fds) > 0 {
		// Non-blocking, so that reads wait in Go's poller and not in a thread.
		syscall.SetNonblock(fds[0], true)
		l.Console = os.NewFile(uintptr(fds[0]), "console")
	}
}
