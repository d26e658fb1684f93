package console

import (
	"io"
	"os"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Plain writes a program's recorded output to f. Where f is a terminal only
// text, line breaks, tabs and colours get through: questions that the program
// asked its own terminal would be answered into the user's shell. What turns
// the direction of writing round would reach beyond it, too.
func Plain(f *os.File) io.Writer {
	if !IsTerminal(f) {
		return f
	}
	return &plain{to: f}
}

type plain struct {
	to    io.Writer
	held  []byte // a sequence or character cut by the end of a write
	state byte
}

// maxHeld bounds a sequence that never ends.
const maxHeld = 4 << 10

func (p *plain) Write(b []byte) (int, error) {
	data := append(p.held, b...)
	var shown []byte
	for len(data) > 0 {
		n, show := p.next(data)
		if n == 0 {
			break // more of it comes
		}
		if show {
			shown = append(shown, data[:n]...)
		}
		data = data[n:]
	}
	p.held = append([]byte(nil), data...)
	_, err := p.to.Write(shown)
	return len(b), err
}

// next tells the length of what data begins with, and whether it is shown; 0
// where the rest of it is needed.
func (p *plain) next(data []byte) (n int, show bool) {
	if p.state == ansi.NormalState && !isControl(data[0]) {
		if !utf8.FullRune(data) {
			return 0, false
		}
		r, size := utf8.DecodeRune(data)
		return size, !unicode.In(r, unicode.Cc, unicode.Bidi_Control) && (r != utf8.RuneError || size > 1)
	}
	piece, _, n, state := ansi.DecodeSequence(data, p.state, nil)
	if n == len(data) && state != ansi.NormalState && len(data) < maxHeld {
		return 0, false
	}
	p.state = state
	return n, harmless(piece)
}

// isControl tells whether a byte is a control character of ASCII, or one of
// the eight-bit ones, which begin no character in UTF-8.
func isControl(c byte) bool { return c < ' ' || c >= 0x7f && c < 0xa0 }

// harmless tells whether a control may reach the user's terminal.
func harmless(piece []byte) bool {
	switch string(piece) {
	case "\n", "\r", "\t", "\b":
		return true
	}
	last := len(piece) - 1
	if last < 2 || piece[0] != 0x1b || piece[1] != '[' || piece[last] != 'm' {
		return false
	}
	for _, c := range piece[2:last] {
		if (c < '0' || c > '9') && c != ';' && c != ':' {
			return false // CSI > 4 m and the like set keyboard modes
		}
	}
	return true
}
