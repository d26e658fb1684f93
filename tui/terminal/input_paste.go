package terminal

import (
	"bytes"
	"strings"
)

// The markers of a bracketed paste: see "Bracketed Paste Mode" in xterm's ctlseqs.
const (
	pasteBegin = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// Bracketed is pasted text as a program gets it that has asked for brackets.
func Bracketed(text string) string { return pasteBegin + text + pasteEnd }

func (p *Passthrough) pasting() bool { return p.state.pasting || p.cut }

// stepPaste passes what is pasted to the program, the prefix key too. What is
// left of a paste when its program has gone is nobody's: as keys of the UI it
// could do anything.
func (p *Passthrough) stepPaste(data []byte, final bool) int {
	n := bytes.IndexByte(data, 0x1b)
	switch {
	case n < 0:
		n = len(data)
	case n > 0:
	case bytes.HasPrefix(data, []byte(pasteEnd)):
		if !p.cut {
			p.pasteMarker(data[:len(pasteEnd)])
		}
		p.state.pasting, p.cut = false, false
		return len(pasteEnd)
	case strings.HasPrefix(pasteEnd, string(data)) && !final:
		return 0
	default:
		n = 1
	}
	if !p.cut {
		p.forPane = append(p.forPane, data[:n]...)
	}
	return n
}

func (p *Passthrough) pasteMarker(marker []byte) {
	if p.current.target.Modes().BracketedPaste {
		p.forPane = append(p.forPane, marker...)
	}
}

// pasteWatch tells whether the UI is in the middle of a paste, or of a marker.
// A target has to wait for the end, which the UI waits for too.
type pasteWatch struct {
	inside bool
	last   []byte // what a marker may begin with
}

func (w *pasteWatch) open() bool {
	for n := 1; n < len(pasteBegin); n++ {
		if bytes.HasSuffix(w.last, []byte(pasteBegin[:n])) {
			return true
		}
	}
	return w.inside
}

func (w *pasteWatch) see(b []byte) {
	w.last = append(w.last, b...)
	begin, end := bytes.LastIndex(w.last, []byte(pasteBegin)), bytes.LastIndex(w.last, []byte(pasteEnd))
	if begin != end {
		w.inside = begin > end
	}
	w.last = append(w.last[:0], w.last[max(0, len(w.last)-len(pasteEnd)+1):]...)
}
