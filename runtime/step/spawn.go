package step

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Encoded is a plan whose steps are JSON already: the supervisor passes them
// on without decoding them.
type Encoded struct {
	Steps   []json.RawMessage `json:"steps"`
	Stepped bool              `json:"stepped,omitempty"`
}

// UnmarshalJSON decodes a plan as the supervisor sends it to init: the first
// step is done by then and stays JSON.
func (p *Plan) UnmarshalJSON(b []byte) error {
	var e Encoded
	if err := json.Unmarshal(b, &e); err != nil {
		return err
	}
	p.Stepped = e.Stepped
	p.Steps = make([]Step, len(e.Steps))
	for i, raw := range e.Steps {
		if err := p.Steps[i].UnmarshalJSON(raw); err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (p Plan) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Steps   []Step `json:"steps"`
		Stepped bool   `json:"stepped,omitempty"`
	}{p.Steps, p.Stepped})
}

// Launch is a launch under way, seen by the supervisor.
type Launch struct {
	// Events is what came of the steps so far, in order.
	Events []Event
	// Process is init, later the program.
	Process *os.Process
	// Console is the master of the sandbox's terminal; nil before the step
	// that opens it, and in a sandbox without one.
	Console *os.File

	socket int
	total  int // steps of the plan
	buffer []byte
}

// Spawn performs a plan's first step, the clone. init then waits for Send.
// stdio are its descriptors 0, 1 and 2; a Console step replaces them. The
// error is a *CallError when the kernel refused the clone.
func Spawn(clone Step, stdio [3]*os.File) (*Launch, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, failed(call("socketpair", raw("AF_UNIX"), raw("SOCK_STREAM"), 0), err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "init")
	defer theirs.Close()

	began := time.Now()
	world := World{files: []*os.File{stdio[0], stdio[1], stdio[2], theirs}}
	err = clone.Op.Do(&world)
	l := &Launch{Events: []Event{world.event(0, err, time.Since(began))}, Process: world.child, socket: pair[0]}
	if err != nil {
		l.Close()
	}
	return l, err
}

// Send hands init the plan: the steps after the first.
func (l *Launch) Send(plan Encoded) error {
	l.total = len(plan.Steps)
	document, err := json.Marshal(plan)
	if err != nil {
		return err
	}
	return l.write(document)
}

// Next waits for init's next report. before is the step that a stepped init
// is about to do, or -1. At the end of the launch err is io.EOF when the
// program runs, otherwise what failed.
func (l *Launch) Next() (before int, err error) {
	decoded, err := l.receive()
	if err == io.EOF && len(l.Events) < l.total-1 {
		return -1, fmt.Errorf("launch: init ended after step %d of %d without a word", len(l.Events), l.total)
	}
	if err != nil {
		return -1, err
	}
	l.Events = append(l.Events, decoded.Events...)
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

// GoOn lets a stepped init do the step that Next announced.
func (l *Launch) GoOn() error { return l.write([]byte{goOn}) }

// Close lets go of init's socket; an init that still waits ends by it.
func (l *Launch) Close() { syscall.Close(l.socket) }

func (l *Launch) write(b []byte) error {
	for len(b) > 0 {
		n, err := syscall.SendmsgN(l.socket, b, nil, nil, syscall.MSG_NOSIGNAL)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return failed(call("sendmsg", raw("init")), err)
		}
		b = b[n:]
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

// Encode turns a plan into what Spawn takes.
func (p Plan) Encode() (Encoded, error) {
	e := Encoded{Stepped: p.Stepped}
	for _, s := range p.Steps {
		document, err := json.Marshal(s)
		if err != nil {
			return e, err
		}
		e.Steps = append(e.Steps, document)
	}
	return e, nil
}
