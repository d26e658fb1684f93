package tui

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
	"aquarium/tui/terminal"
)

// feed keeps the terminal of one sandbox up to date, shown or not, from its
// supervisor or, once it has stopped, from its saved output. Its run method is
// a command of its own; everything else may be called at any time.
type feed struct {
	id      string
	tty     bool
	pane    *terminal.Pane
	out     *outbox
	changed func(*feed) // told of each change; does not block

	mu     sync.Mutex
	frames sandbox.Frames // nil until connected
	closed bool
	asked  wire.Dimensions   // the size this UI gave the sandbox's terminal; zero where another viewer did
	sent   []wire.Dimensions // those of them that have not come back yet
	facts  feedFacts
}

// feedFacts is what is known of a feed besides the picture.
type feedFacts struct {
	ready   bool             // the history has been replayed
	live    bool             // the program runs, and takes input
	skipped bool             // output was left out: this viewer was too slow
	exit    *wire.ExitReport // how it ended, where this feed saw it
	err     error            // why there is no picture
}

func newFeed(sb sandbox.Sandbox, size wire.Dimensions, changed func(*feed)) *feed {
	f := &feed{id: sb.ID, tty: sb.TTY, changed: changed, out: newOutbox()}
	f.pane = terminal.NewPane(max(1, size.Cols), max(1, size.Rows), terminal.Options{})
	f.pane.OnReply(f.out.send)
	return f
}

func (f *feed) state() feedFacts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.facts
}

func (f *feed) note(change func(*feedFacts)) {
	f.mu.Lock()
	change(&f.facts)
	f.mu.Unlock()
	f.changed(f)
}

// run feeds the pane until the end of the output. conn may be a connection
// that is there already, such as a launch's.
func (f *feed) run(sb sandbox.Sandbox, conn *supervisor.Conn) {
	frames, err := f.open(sb, conn)
	if err == nil {
		err = f.read(frames, false)
	}
	f.end(err)
}

// runStarted feeds the pane from a program that was just started on a
// connection of its own: there is no history.
func (f *feed) runStarted(conn *supervisor.Conn) {
	err := f.keep(conn)
	if err == nil {
		f.note(func(facts *feedFacts) { facts.ready, facts.live = true, true })
		go f.out.run(conn)
		err = f.read(conn, true)
	}
	f.end(err)
}

func (f *feed) end(err error) {
	f.out.close()
	f.note(func(facts *feedFacts) {
		facts.ready, facts.live = true, false
		if !errors.Is(err, io.EOF) {
			facts.err = err
		}
	})
}

// open finds the output. A viewer that only looks leaves the size alone.
func (f *feed) open(sb sandbox.Sandbox, conn *supervisor.Conn) (sandbox.Frames, error) {
	if conn == nil && sb.Status != supervisor.Stopped {
		conn, _ = sb.Dial() // when it has just ended, the saved output is there
	}
	if conn == nil {
		frames, err := sb.Output(false)
		if err != nil {
			return nil, err
		}
		return frames, f.keep(frames)
	}
	if err := f.keep(conn); err != nil {
		return nil, err
	}
	if err := conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
		return nil, err
	}
	go f.out.run(conn)
	return conn, nil
}

// keep remembers the source, so that close can end run.
func (f *feed) keep(frames sandbox.Frames) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		frames.Close()
		return io.EOF
	}
	f.frames = frames
	return nil
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.frames != nil {
		f.frames.Close()
	}
	f.out.close()
	f.pane.Close()
}

func (f *feed) read(frames sandbox.Frames, live bool) error {
	defer frames.Close()
	for {
		kind, payload, err := frames.Next()
		if err != nil {
			return err
		}
		switch kind {
		case wire.Output, wire.Errput:
			f.show(payload, live)
		case wire.Size:
			f.resized(payload)
		case wire.Live:
			live = true
			f.note(func(facts *feedFacts) { facts.ready, facts.live = true, true })
		case wire.Skipped:
			f.note(func(facts *feedFacts) { facts.skipped = true })
		case wire.Exit:
			report := new(wire.ExitReport)
			if json.Unmarshal(payload, report) == nil {
				f.note(func(facts *feedFacts) { facts.exit, facts.live = report, false })
			}
		}
	}
}

// show feeds output to the pane. Programs on pipes end lines without the
// carriage return that a terminal's line discipline adds.
func (f *feed) show(b []byte, live bool) {
	if !f.tty {
		b = bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
	}
	if live {
		f.pane.Feed(b)
		f.changed(f)
	} else {
		f.pane.Replay(b)
	}
}

func (f *feed) resized(payload []byte) {
	var size wire.Dimensions
	if !f.tty || json.Unmarshal(payload, &size) != nil || size.Cols <= 0 || size.Rows <= 0 {
		return
	}
	f.mu.Lock()
	if i := slices.Index(f.sent, size); i >= 0 {
		f.sent = f.sent[i+1:]
	} else if size != f.asked && f.facts.ready {
		f.asked = wire.Dimensions{} // another viewer has its size now
	}
	f.mu.Unlock()
	f.pane.Resize(size.Cols, size.Rows)
	f.changed(f)
}

// maxSent bounds how many sizes are remembered: those that the sandbox's
// terminal had already never come back.
const maxSent = 64

// own gives the sandbox's terminal the size of this UI's, and keeps it so
// until another viewer does the same.
func (f *feed) own(size wire.Dimensions) {
	if size.Cols <= 0 || size.Rows <= 0 {
		return
	}
	f.mu.Lock()
	same := f.asked == size
	f.asked = size
	if !same && f.tty {
		f.sent = append(f.sent[max(0, len(f.sent)-maxSent):], size)
	}
	f.mu.Unlock()
	switch {
	case !f.tty:
		f.pane.Resize(size.Cols, size.Rows)
	case !same:
		f.out.resize(size)
	}
}

// follow adapts to a new size of the pane, where the size is this UI's to give.
func (f *feed) follow(size wire.Dimensions) {
	f.mu.Lock()
	mine := f.asked != wire.Dimensions{}
	f.mu.Unlock()
	if mine || !f.tty {
		f.own(size)
	}
}
