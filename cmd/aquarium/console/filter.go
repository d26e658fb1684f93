package console

import "unicode/utf8"

// filter stands between what a sandbox prints and the user's terminal. What
// draws passes, byte for byte; what does something else, such as naming the
// window or filling the clipboard, does not:
//
//   - Text passes, and control characters but ENQ, which has the terminal type
//     an answer. Bytes that are no UTF-8 become U+FFFD, as a terminal shows them:
//     one that is not in UTF-8 would take some of them for controls.
//   - Strings do not: OSC, DCS, SOS, PM, APC, and the title of GNU screen.
//   - Of escape and control sequences those pass that drawsEscape and drawsControl
//     know to draw.
//   - A control of eight bits (U+0080 to U+009F) is taken for the sequence of seven
//     bits that it stands for.
//
// Only whole sequences and characters are let out, so that the terminal is
// never inside of one, wherever the output is cut. The syntax is that of
// ECMA-48, 5.3 to 5.6; see also xterm's "Control Sequences".
//
// The zero filter is ready for use.
type filter struct {
	state filterState
	bel   bool   // the string is an OSC, which BEL ends too
	c2    bool   // the string's last byte was 0xc2: 0x9c makes it ST
	held  []byte // the sequence or character that has begun
	out   []byte
}

type filterState uint8

const (
	inText    filterState = iota
	inEscape              // after ESC and intermediate bytes
	inControl             // after CSI
	inString
)

// maxSequence bounds a sequence, in bytes; a longer one is dropped. Of a
// string nothing is kept at all.
const maxSequence = 512

const (
	bel = 0x07
	enq = 0x05
	can = 0x18
	sub = 0x1a
	esc = 0x1b
	del = 0x7f
)

// pass returns what of b, and of what was held before, is let through. It is
// valid until the next call.
func (f *filter) pass(b []byte) []byte {
	f.out = f.out[:0]
	if f.state == inText && len(f.held) > 0 { // a character was cut
		b = append(f.held, b...)
		f.held = nil
	}
	for len(b) > 0 {
		switch {
		case f.state == inText:
			b = f.text(b)
		case f.state == inString:
			b = f.skip(b)
		case b[0] >= 0x80: // cannot be part of a sequence
			f.drop()
		case f.state == inControl && isParameter(b[0]):
			b = f.parameters(b)
		default:
			f.sequence(b[0])
			b = b[1:]
		}
	}
	return f.out
}

// text takes a run of plain text, or one character that is not, and returns
// what is left.
func (f *filter) text(b []byte) []byte {
	n := 0
	for n < len(b) && b[n] < 0x80 && b[n] != esc && b[n] != enq {
		n++
	}
	if n > 0 {
		f.out = append(f.out, b[:n]...)
		return b[n:]
	}
	switch b[0] {
	case enq:
		return b[1:]
	case esc:
		f.begin()
		return b[1:]
	}
	return f.character(b)
}

// character takes one character outside of ASCII.
func (f *filter) character(b []byte) []byte {
	if !utf8.FullRune(b) {
		f.held = append([]byte(nil), b...)
		return nil
	}
	r, n := utf8.DecodeRune(b)
	switch {
	case r == utf8.RuneError && n == 1:
		n = malformed(b)
		f.out = utf8.AppendRune(f.out, utf8.RuneError)
	case r < 0xa0:
		f.begin()
		f.sequence(byte(r) - 0x40)
	default:
		f.out = append(f.out, b[:n]...)
	}
	return b[n:]
}

// malformed is the length of what could have begun a character; terminals
// show one U+FFFD for it (Unicode 15, 3.9, "maximal subpart").
func malformed(b []byte) int {
	n := 1
	for n < len(b) && !utf8.FullRune(b[:n+1]) {
		n++
	}
	if utf8.FullRune(b[:n]) {
		return 1
	}
	return n
}

// begin begins a sequence, and drops one that was not finished.
func (f *filter) begin() {
	f.state = inEscape
	f.held = append(f.held[:0], esc)
}

// sequence takes one byte, of ASCII, inside of a sequence.
func (f *filter) sequence(c byte) {
	switch {
	case c == esc:
		f.begin()
	case c == can || c == sub:
		f.drop()
		f.out = append(f.out, c)
	case c == enq || c == del:
	case c < ' ':
		f.out = append(f.out, c) // a terminal acts on it as if it came before
	case f.state == inEscape:
		f.escape(c)
	default:
		f.hold(c)
		f.end(drawsControl)
	}
}

func (f *filter) escape(c byte) {
	if f.hold(c); c < '0' {
		return
	}
	if len(f.held) == 2 {
		switch c {
		case '[':
			f.state = inControl
			return
		case ']', 'P', 'X', '^', '_', 'k':
			f.drop()
			f.state, f.bel, f.c2 = inString, c == ']', false
			return
		}
	}
	f.end(drawsEscape)
}

// isParameter tells whether a byte is one of a control sequence's parameters,
// or an intermediate byte.
func isParameter(c byte) bool { return c >= ' ' && c < '@' }

// parameters takes a run of them, and returns what is left.
func (f *filter) parameters(b []byte) []byte {
	n := 1
	for n < len(b) && isParameter(b[n]) {
		n++
	}
	f.hold(b[:n]...)
	return b[n:]
}

// hold keeps more of a sequence, up to its bound and one byte beyond.
func (f *filter) hold(b ...byte) {
	room := maxSequence + 1 - len(f.held)
	f.held = append(f.held, b[:min(len(b), room)]...)
}

// end ends a sequence, and lets out what of it draws.
func (f *filter) end(draws func(seq []byte) []byte) {
	if len(f.held) <= maxSequence {
		f.out = append(f.out, draws(f.held)...)
	}
	f.drop()
}

func (f *filter) drop() {
	f.state = inText
	f.held = f.held[:0]
}

// skip drops a string's bytes, and returns what comes after it.
func (f *filter) skip(b []byte) []byte {
	for i, c := range b {
		switch {
		case c == esc: // ESC \ ends it, any other sequence cuts it off
			f.begin()
		case c == can || c == sub || c == bel && f.bel || c == 0x9c && f.c2:
			f.state = inText
		default:
			f.c2 = c == 0xc2
			continue
		}
		return b[i+1:]
	}
	return nil
}
