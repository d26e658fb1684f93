package terminal

import (
	"bytes"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// How long to wait for the rest of a sequence before its start is taken for
// keys: Escape alone, and Alt with a bracket, look like one. A terminal writes
// a report in one piece, so the rest is nearly always there already.
const (
	escapeWait  = 5 * time.Millisecond
	partialWait = 50 * time.Millisecond
)

// DefaultPrefix is Ctrl-], the only key that does not go to the program.
const DefaultPrefix = 0x1d

// Target is where keys go while attached. Its methods are called from the
// goroutine that reads, without locks held.
type Target interface {
	// Begin is called once, before the first of the others: what was read before
	// Attach may still be on its way to the UI. Begin waits until the UI has dealt
	// with it, and reports whether the prefix key was the last of it.
	Begin() (prefixed bool)
	// Input takes bytes for the program. They are good until it returns.
	Input(b []byte)
	// Modes returns the modes of the pane: Pane.Modes. A UI that keeps the mouse
	// for itself, as while scrolled back, clears Mouse in it.
	Modes() Modes
	// Bounds returns where the pane is on the outer screen, in columns and rows from 0.
	Bounds() (x, y, cols, rows int)
	// Command is called after the prefix and a command key.
	Command(c Command)
}

// Command is what the user asked for with the prefix key.
type Command int

// Commands. After CommandDetach and CommandScroll the keys go to the UI until
// the next Attach.
const (
	CommandDetach Command = iota + 1 // d
	CommandZoom                      // z
	CommandScroll                    // [
)

// Passthrough is a program's terminal input with a switch. Detached, Read is
// the file's Read. Attached, what the user types goes to the target byte for
// byte, and Read returns only what is for the UI: mouse reports outside the
// pane, and the outer terminal's answers. It returns 0 and no error when there
// is none.
//
// Give it to Bubble Tea with WithInput: Fd and Name are the file's, so raw mode
// works. Only one goroutine may read.
type Passthrough struct {
	*os.File
	prefix   byte
	attached atomic.Pointer[attachment]

	// Used by the reader only.
	current *attachment
	held    []byte // start of a sequence whose rest has not come
	rest    []byte // for the UI, what did not fit the last read
	space   []byte
	forUI   []byte
	forPane []byte
	state   inputState
	uiPaste pasteWatch
	cut     bool // in the rest of a paste whose target is gone
}

type attachment struct {
	target Target

	// Used by the reader only: see begin.
	announced, begun bool
}

// inputState is what is known in between two reads.
type inputState struct {
	prefixed []byte // the prefix as it came, while its command is awaited
	pasting  bool   // between the markers of a bracketed paste
	report   bool   // in a string from the outer terminal, for the UI
	grabbed  grab   // who gets the mouse while a button is down
}

// NewPassthrough wraps a terminal's input. prefix is a control character, and 0
// means DefaultPrefix.
func NewPassthrough(file *os.File, prefix byte) *Passthrough {
	if prefix == 0 {
		prefix = DefaultPrefix
	}
	return &Passthrough{File: file, prefix: prefix}
}

// Attach sends what follows to t.
func (p *Passthrough) Attach(t Target) { p.attached.Store(&attachment{target: t}) }

// Detach sends what follows to the UI.
func (p *Passthrough) Detach() { p.attached.Store(nil) }

// Attached reports whether keys go to a target.
func (p *Passthrough) Attached() bool { return p.attached.Load() != nil }

// Read returns what is for the UI: see Passthrough.
func (p *Passthrough) Read(b []byte) (int, error) {
	now := p.attached.Load()
	switch {
	case len(p.rest) > 0 || len(b) == 0:
		n := copy(b, p.rest)
		p.rest = p.rest[n:]
		return n, nil
	case p.isForUI(now):
		n, err := p.File.Read(b)
		p.uiPaste.see(b[:n])
		return n, err
	case now != nil && !p.begin(now):
		return 0, nil
	}
	// No more than fits is read: a caller that polls the file would not come
	// back for what is left over.
	room := max(len(b)-len(p.held), 1)
	data := append(p.space[:0], p.held...)
	data = slices.Grow(data, room)
	n, err := p.File.Read(data[len(data) : len(data)+room])
	data = data[:len(data)+n]
	p.space = data
	p.forUI, p.forPane = p.forUI[:0], p.forPane[:0]
	p.take(data, false)
	if len(p.held) > 0 && (err != nil || !p.pasting() && !p.more(len(p.held))) {
		p.giveUp() // but in a paste, whose end is sure to come
	}
	p.flush()
	n = copy(b, p.forUI)
	if p.rest = p.forUI[n:]; len(p.rest) > 0 {
		err = nil
	}
	return n, err
}

// isForUI reports whether what is to be read is the UI's, as it is.
func (p *Passthrough) isForUI(now *attachment) bool {
	if now == nil {
		return len(p.held) == 0 && !p.pasting()
	}
	return !now.begun && p.uiPaste.open()
}

// begin changes over to a new target, in the order of typing. What Read has
// returned before was passed on, but not further, when Read is called again;
// it has got to the UI when Read is called once more after it returned nothing.
// So begin is not done the first time.
func (p *Passthrough) begin(now *attachment) (done bool) {
	if now.begun {
		return true
	}
	if !now.announced {
		now.announced = true
		return false
	}
	now.begun = true
	p.turnTo(now)
	if now.target.Begin() {
		p.state.prefixed = []byte{p.prefix}
	}
	return true
}

// turnTo has what follows handled for a target, nil for the UI.
func (p *Passthrough) turnTo(now *attachment) {
	p.cut = p.pasting()
	p.current, p.state = now, inputState{}
}

// giveUp takes what is held as it is.
func (p *Passthrough) giveUp() { p.take(append([]byte(nil), p.held...), true) }

// more reports whether more input comes soon, where n bytes begin a sequence.
func (p *Passthrough) more(n int) bool {
	wait := partialWait
	if n == 1 {
		wait = escapeWait
	}
	fds := []unix.PollFd{{Fd: int32(p.Fd()), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int(wait.Milliseconds()))
		if err != unix.EINTR {
			return n > 0 && err == nil
		}
	}
}

// take sorts input. With final, a sequence without its end is taken as keys;
// else it is held.
func (p *Passthrough) take(data []byte, final bool) {
	p.held = p.held[:0]
	for len(data) > 0 {
		if now := p.attached.Load(); now != p.current {
			p.flush()
			if now != nil && !now.begun {
				now = nil // this was read before
			}
			p.turnTo(now)
		}
		if p.current == nil && !p.cut {
			p.uiPaste.see(data)
			p.forUI = append(p.forUI, data...)
			return
		}
		n := p.step(data, final)
		if n == 0 {
			p.held = append(p.held, data...)
			return
		}
		data = data[n:]
	}
}

// flush hands over what has gathered for the target.
func (p *Passthrough) flush() {
	if len(p.forPane) > 0 && p.current != nil {
		p.current.target.Input(p.forPane)
	}
	p.forPane = p.forPane[:0]
}

// step handles the start of data and returns its length; 0 when the rest is needed.
func (p *Passthrough) step(data []byte, final bool) int {
	switch {
	case p.state.report:
		return p.stepReport(data, final)
	case p.pasting():
		return p.stepPaste(data, final)
	}
	t, n := nextToken(data, p.prefix)
	if n == 0 && !final {
		return 0
	}
	if n == 0 {
		t, n = tokenKey, len(data)
	}
	p.handle(t, data[:n])
	return n
}

// stepReport passes a string from the outer terminal to the UI, up to its end.
// Another control than its end shows that it was no such string.
func (p *Passthrough) stepReport(data []byte, final bool) int {
	n := bytes.IndexFunc(data, func(r rune) bool { return r < 0x20 })
	switch {
	case n < 0:
		n = len(data)
	case n > 0:
	case data[0] == 0x1b && len(data) == 1 && !final:
		return 0
	case data[0] == 0x07:
		p.state.report = false
		n = 1
	case data[0] == 0x1b && len(data) > 1 && data[1] == '\\':
		p.state.report = false
		n = 2
	default:
		p.state.report = false
		return p.step(data, final)
	}
	p.forUI = append(p.forUI, data[:n]...)
	return n
}
