package console

import (
	"io"
	"os"

	"github.com/charmbracelet/x/ansi"
)

// Plain writes a program's recorded output to f. Where f is a terminal only
// text, line breaks, tabs and colours get through: questions that the program
// asked its own terminal would be answered into the user's shell.
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
		piece, width, n, state := ansi.DecodeSequence(data, p.state, nil)
		if n == len(data) && state != ansi.NormalState && len(data) < maxHeld {
			break // more of it comes
		}
		if width > 0 || harmless(piece) {
			shown = append(shown, piece...)
		}
		p.state = state
		data = data[n:]
	}
	p.held = append([]byte(nil), data...)
	_, err := p.to.Write(shown)
	return len(b), err
}

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
