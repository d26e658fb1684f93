// Package console connects the user's end, a terminal or three pipes, with a
// program's end in a sandbox.
package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"

	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
	"aquarium/tui/terminal"
)

// ErrDetached says that the user let go of the program, which runs on.
var ErrDetached = errors.New("detached")

// Interrupted says that a signal made the viewer leave; the program runs on.
type Interrupted struct{ Signal syscall.Signal }

func (i Interrupted) Error() string { return "interrupted: " + i.Signal.String() }

// NotStarted says that the program could not be started.
type NotStarted struct{ Report wire.StartedReport }

func (n NotStarted) Error() string { return n.Report.Error }

// Viewer shows one program and passes on what the user types, until the
// program ends.
type Viewer struct {
	Conn *supervisor.Conn
	// Open asks for the program's output, once the user's terminal is ready. The
	// size is that terminal's, zero where there is none.
	Open func(size wire.Dimensions) error
	// TTY: the program has a terminal. Otherwise it has pipes.
	TTY bool
	// Input: standard input is passed on; Ends: its end too.
	Input, Ends bool
	// Past: what comes before Live has been seen before.
	Past   bool
	Prefix Prefix
	// Signal passes a signal on to the program; nil where none is passed on.
	Signal func(syscall.Signal) error

	outer *outer
	sinks map[wire.Type]*sink
	past  *terminal.Pane // non-nil while the past is replayed
	leave chan error     // why to leave before the program's end

	signals chan os.Signal
	started chan struct{} // closed when the program runs; nil where it does already
}

// Run shows the program to its end. The user's terminal is as before when it
// returns, however it returns. The error is ErrDetached, Interrupted or
// NotStarted, or what went wrong with the connection or standard output.
func (v *Viewer) Run() (exit wire.ExitReport, err error) {
	v.leave = make(chan error, 4)
	v.outer = newOuter(os.Stdin, os.Stdout)
	v.sinks = map[wire.Type]*sink{
		wire.Output: newSink(1, os.Stdout),
		wire.Errput: newSink(2, os.Stderr),
	}
	if v.Past && v.TTY && v.outer.pane != nil {
		v.past = newPane(wire.Dimensions{})
	}
	ended := false
	defer func() { v.handBack(!ended) }()
	if v.TTY {
		if err := v.outer.raw(); err != nil {
			return wire.ExitReport{}, fmt.Errorf("switch the terminal to raw mode: %w", err)
		}
	} else if v.outer.pane != nil {
		v.outer.pane.Replay([]byte("\x1b[20h")) // a terminal that is not raw returns at a line feed
	}
	defer v.watchSignals()()
	if err := v.Open(v.outer.size()); err != nil {
		return wire.ExitReport{}, v.whyNot(err)
	}
	if v.Input {
		go v.pumpInput()
	}
	exit, err = v.show()
	ended = err == nil
	return exit, err
}

// whyNot finds what made Open go wrong: where the program could not be started
// the supervisor has said so before it went.
func (v *Viewer) whyNot(refused error) error {
	for {
		kind, payload, err := v.Conn.Next()
		if err != nil {
			return refused
		}
		if _, _, err = v.handle(frame{kind: kind, payload: payload}); errors.As(err, new(NotStarted)) {
			return err
		}
	}
}

// handBack gives the user's terminal back, also after a panic.
func (v *Viewer) handBack(newLine bool) {
	v.outer.leave(newLine)
	v.outer.cook()
}

// frame is what one read from the supervisor gave.
type frame struct {
	kind    wire.Type
	payload []byte
	err     error
}

// show handles what the supervisor sends until the program has ended or
// something makes us leave.
func (v *Viewer) show() (wire.ExitReport, error) {
	frames := make(chan frame)
	left := make(chan struct{})
	defer close(left)
	go func() {
		for {
			kind, payload, err := v.Conn.Next()
			select {
			case frames <- frame{kind, payload, err}:
			case <-left:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case err := <-v.leave:
			return wire.ExitReport{}, err
		case f := <-frames:
			if exit, done, err := v.handle(f); done || err != nil {
				return exit, err
			}
		}
	}
}

func (v *Viewer) handle(f frame) (exit wire.ExitReport, done bool, err error) {
	if f.err != nil {
		return exit, false, supervisor.ErrGone
	}
	switch f.kind {
	case wire.Started:
		var report wire.StartedReport
		if err := json.Unmarshal(f.payload, &report); err != nil {
			return exit, false, err
		}
		if report.Error != "" {
			return exit, false, NotStarted{report}
		}
		v.begun()
	case wire.Output, wire.Errput:
		err = v.output(f.kind, f.payload)
	case wire.Size:
		var size wire.Dimensions
		if json.Unmarshal(f.payload, &size) == nil && v.past != nil {
			v.past.Resize(size.Cols, size.Rows)
		}
	case wire.Live:
		err = v.live()
	case wire.Skipped:
		v.skipped()
	case wire.Exit:
		return v.exited(f.payload)
	}
	return exit, false, err
}

func (v *Viewer) output(kind wire.Type, b []byte) error {
	switch {
	case v.past != nil:
		v.past.Replay(v.outer.filter.pass(b)) // questions of the past were answered then
		return nil
	case v.TTY:
		return v.outer.write(b)
	}
	s := v.sinks[kind]
	b = s.shown(b)
	if s.filter != nil {
		v.outer.follow(b)
	}
	if s.write(b) {
		return nil
	}
	if s.err == nil {
		return nil // closed before
	}
	return v.closeOutput(s)
}

// live ends the past.
func (v *Viewer) live() error {
	if v.past == nil {
		return nil
	}
	past := v.past
	v.past = nil
	return v.outer.replay(past)
}

// skipped is told that output was left out. With a terminal, what follows up
// to Live rebuilds the picture.
func (v *Viewer) skipped() {
	switch {
	case v.TTY && v.outer.pane != nil:
		v.past, v.outer.filter = newPane(wire.Dimensions{}), filter{}
	case !v.TTY:
		for _, s := range v.sinks {
			s.forget()
		}
		fmt.Fprintln(os.Stderr, "aquarium: some output is missing here: it came faster than it was read")
	}
}

func (v *Viewer) exited(payload []byte) (exit wire.ExitReport, done bool, err error) {
	if err := v.live(); err != nil {
		return exit, false, err
	}
	err = json.Unmarshal(payload, &exit)
	for _, s := range v.sinks {
		if s.err != nil && !errors.Is(s.err, syscall.EPIPE) {
			err = fmt.Errorf("write %s: %w", s.name(), s.err)
		}
	}
	return exit, true, err
}
