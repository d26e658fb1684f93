package console

import (
	"bytes"
	"os"
	"sync"

	"github.com/charmbracelet/x/term"

	"aquarium/runtime/wire"
	"aquarium/tui/terminal"
)

// IsTerminal tells whether a file is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(f.Fd()) }

// Size is the size of the first of the files that is a terminal, zero where
// none is.
func Size(files ...*os.File) wire.Dimensions {
	for _, f := range files {
		if cols, rows, err := term.GetSize(f.Fd()); err == nil && cols > 0 && rows > 0 {
			return wire.Dimensions{Cols: cols, Rows: rows}
		}
	}
	return wire.Dimensions{}
}

// outer is the user's own terminal, lent to a program.
type outer struct {
	in, out *os.File

	mu     sync.Mutex
	cooked *term.State    // as it was; nil while it is not raw
	pane   *terminal.Pane // what out shows; nil where that is no terminal
	filter filter         // what is shown of what the program puts out
	dirty  bool           // control sequences were written to it
}

// newOuter lends the terminal behind in and out. Either may be something else:
// keys need in to be one, pictures need out.
func newOuter(in, out *os.File) *outer {
	o := &outer{in: in, out: out}
	if IsTerminal(out) {
		o.pane = newPane(o.size())
	}
	return o
}

// newPane takes the usual size where a terminal does not know its own.
func newPane(size wire.Dimensions) *terminal.Pane {
	if size.Cols == 0 || size.Rows == 0 {
		size = wire.Dimensions{Cols: 80, Rows: 24}
	}
	return terminal.NewPane(size.Cols, size.Rows, terminal.Options{})
}

func (o *outer) size() wire.Dimensions { return Size(o.out, o.in) }

// raw hands every key to us as it is; see termios(3), cfmakeraw.
func (o *outer) raw() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cooked != nil || !IsTerminal(o.in) {
		return nil
	}
	state, err := term.MakeRaw(o.in.Fd())
	if err != nil {
		return err
	}
	o.cooked = state
	return nil
}

// cook undoes raw.
func (o *outer) cook() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cooked != nil {
		term.Restore(o.in.Fd(), o.cooked)
		o.cooked = nil
	}
}

// write shows what the program puts out: where out is a terminal, what of it
// draws.
func (o *outer) write(b []byte) error {
	if o.pane != nil {
		b = o.filter.pass(b)
	}
	o.follow(b)
	_, err := o.out.Write(b)
	return err
}

// follow follows what out shows, to know how to tidy up.
func (o *outer) follow(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pane != nil {
		o.pane.Replay(b) // without answers: the terminal itself gives them
		o.dirty = o.dirty || bytes.IndexByte(b, esc) >= 0
	}
}

func (o *outer) resized() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if size := o.size(); o.pane != nil && size.Cols > 0 {
		o.pane.Resize(size.Cols, size.Rows)
	}
}

// replay shows a program's past: the picture it led to, not its bytes, which
// may hold questions that were answered then, and moves for another size.
func (o *outer) replay(past *terminal.Pane) error {
	o.mu.Lock()
	if size := o.size(); size.Cols > 0 {
		past.Resize(size.Cols, size.Rows)
	}
	picture := append([]byte("\x1b[m\x1b[J"), past.Restore()...)
	o.pane, o.dirty = past, true
	o.mu.Unlock()
	_, err := o.out.Write(picture)
	return err
}

// redraw shows the program's picture again, after the terminal was somebody else's.
func (o *outer) redraw() {
	if o.pane != nil {
		o.replay(o.pane)
	}
}

// leave takes the terminal back: what the program switched on is switched off.
// With newLine what comes next begins a line of its own.
func (o *outer) leave(newLine bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pane == nil {
		return
	}
	if o.dirty {
		o.dirty = false
		o.out.WriteString(tidy(o.pane))
	}
	if newLine && o.pane.Cursor().X > 0 {
		o.out.WriteString("\r\n")
	}
}

// tidy is what brings a terminal in a pane's state back to the usual one.
// What may be repeated harmlessly is not asked for.
func tidy(p *terminal.Pane) string {
	m := p.Modes()
	out := ""
	if m.KittyFlags != 0 {
		out += "\x1b[=0;1u"
	}
	if m.AltScreen {
		// The alternate screen has a stack of keyboard flags of its own.
		const back = "\x1b[?1049l"
		p.Replay([]byte(back))
		if out += back; p.Modes().KittyFlags != 0 {
			out += "\x1b[=0;1u"
		}
	}
	if m.ModifyOtherKeys != 0 {
		out += "\x1b[>4m"
	}
	if m.Mouse != terminal.MouseOff || m.MouseEncoding != terminal.MouseEncodingX10 {
		out += "\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l"
	}
	// Cursor keys, keypad, wrap, reverse wrap, reverse video, cursor, focus, paste,
	// updates, word of colours and sizes, margins (which move the cursor),
	// character sets, insertion, line feeds, colours.
	return out + "\x1b[?1l\x1b>\x1b[?7h\x1b[?45l\x1b[?5l\x1b[?25h\x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b[?2031l\x1b[?2048l" +
		"\x1b7\x1b[?6l\x1b[?69l\x1b[r\x1b8\x1b(B\x0f\x1b[4l\x1b[20l\x1b[m"
}
