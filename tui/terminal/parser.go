package terminal

import "unicode/utf8"

// The parser follows Paul Williams' state machine for DEC terminals
// (vt100.net/emu/dec_ansi_parser), with UTF-8 in the ground state. It keeps its
// state across writes and allocates nothing but the bytes of a string.

type parserState uint8

const (
	stateGround parserState = iota
	stateEscape
	stateEscapeInter
	stateCSI // parameters
	stateCSIInter
	stateCSIIgnore
	stateDCS // parameters
	stateDCSInter
	stateDCSIgnore
	stateString    // collecting an OSC, or a DCS after its final byte
	stateStringEsc // ESC seen inside a string
)

const (
	maxParams      = 32
	maxParamValue  = 1 << 24   // larger numbers are taken as this
	maxStringBytes = 4 << 10   // longest OSC or DCS that is looked at
	maxPasteBytes  = 1 << 20   // longest OSC 52, which carries a clipboard
	noParam        = int32(-1) // a parameter left out
)

// params are the numbers of a control sequence.
type params struct {
	v   [maxParams]int32
	n   int    // how many there are
	sub uint32 // bit i: parameter i follows a colon
}

// get returns parameter i, or def when it is absent or zero.
func (p *params) get(i, def int) int {
	if i >= p.n || p.v[i] <= 0 {
		return def
	}
	return int(p.v[i])
}

// raw returns parameter i, or def only when it is absent.
func (p *params) raw(i, def int) int {
	if i >= p.n || p.v[i] < 0 {
		return def
	}
	return int(p.v[i])
}

func (p *params) isSub(i int) bool { return p.sub&(1<<i) != 0 }

type parser struct {
	state   parserState
	full    bool // more parameters than fit: the rest is dropped
	kind    byte // of the string: ']' 'P' or '_' for those ignored
	private byte // one of <=>? or 0
	inter   byte // last intermediate byte
	inters  int
	final   byte // of a DCS
	par     params
	str     []byte
	strOver bool // the string was too long
	utf     [utf8.UTFMax]byte
	utfLen  int
}

func (p *parser) reset() {
	p.private, p.inter, p.inters, p.full = 0, 0, 0, false
	p.par.n, p.par.sub = 0, 0
}

// param takes one byte of the parameters: a digit, colon or semicolon.
func (p *parser) param(b byte) {
	if p.full {
		return
	}
	q := &p.par
	if q.n == 0 {
		q.n, q.v[0] = 1, noParam
	}
	if b >= ':' {
		if q.n == maxParams {
			p.full = true
			return
		}
		if b == ':' {
			q.sub |= 1 << q.n
		}
		q.v[q.n] = noParam
		q.n++
		return
	}
	v := &q.v[q.n-1]
	*v = min(max(*v, 0)*10+int32(b-'0'), maxParamValue)
}

func (p *parser) intermediate(b byte) {
	p.inter = b
	p.inters++
}

func (p *parser) beginString(kind byte) {
	p.state, p.kind = stateString, kind
	p.str, p.strOver = p.str[:0], false
}

// collect keeps one byte of a string, within its limit.
func (p *parser) collect(b byte) {
	if p.kind == '_' || p.strOver {
		return
	}
	limit := maxStringBytes
	if len(p.str) >= 3 && p.kind == ']' && string(p.str[:3]) == "52;" {
		limit = maxPasteBytes
	}
	if len(p.str) >= limit {
		p.strOver = true
		return
	}
	p.str = append(p.str, b)
}

// Write feeds what the program wrote. It never blocks and never fails.
func (s *Screen) Write(b []byte) (int, error) {
	n := len(b)
	if s.parser.utfLen > 0 {
		b = s.finishRune(b)
	}
	for len(b) > 0 {
		if s.parser.state == stateGround {
			b = s.ground(b)
		} else {
			b = s.sequence(b)
		}
	}
	return n, nil
}

// ground takes text and single controls and returns what is left.
func (s *Screen) ground(b []byte) []byte {
	c := b[0]
	switch {
	case c-0x20 < 0x5f:
		n := 1
		for n < len(b) && b[n]-0x20 < 0x5f {
			n++
		}
		s.printASCII(b[:n])
		return b[n:]
	case c == 0x1b:
		s.parser.state = stateEscape
		s.parser.reset()
		return b[1:]
	case c < 0x80:
		s.execute(c)
		return b[1:]
	}
	return s.printUTF8(b)
}

// printUTF8 takes a run of bytes that begins outside ASCII.
func (s *Screen) printUTF8(b []byte) []byte {
	for len(b) > 0 && b[0] >= 0x80 {
		if !utf8.FullRune(b) {
			s.parser.utfLen = copy(s.parser.utf[:], b)
			return nil
		}
		r, n := decodeRune(b)
		b = b[n:]
		s.printRune(r)
		if s.parser.state != stateGround { // a C1 control
			break
		}
	}
	return b
}

// decodeRune is utf8.DecodeRune, but for a broken code point takes as many
// bytes as could have begun one (Unicode 15, 3.9, "maximal subpart").
func decodeRune(b []byte) (rune, int) {
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n == 1 {
		for n < len(b) && !utf8.FullRune(b[:n+1]) {
			n++
		}
		if utf8.FullRune(b[:n]) {
			n = 1
		}
	}
	return r, n
}

// finishRune completes a code point that was split across writes.
func (s *Screen) finishRune(b []byte) []byte {
	p := &s.parser
	for len(b) > 0 && !utf8.FullRune(p.utf[:p.utfLen]) {
		if b[0]&0xc0 != 0x80 {
			break
		}
		p.utf[p.utfLen] = b[0]
		p.utfLen++
		b = b[1:]
	}
	if len(b) == 0 && !utf8.FullRune(p.utf[:p.utfLen]) {
		return b
	}
	whole := p.utf[:p.utfLen]
	p.utfLen = 0
	for len(whole) > 0 {
		r, n := decodeRune(whole)
		whole = whole[n:]
		s.printRune(r)
	}
	return b
}

// sequence takes the bytes of an escape or control sequence, up to its end.
func (s *Screen) sequence(b []byte) []byte {
	p := &s.parser
	for i, c := range b {
		if p.state >= stateString {
			if !s.stringByte(c) {
				continue
			}
			return b[i+1:]
		}
		if c < 0x20 || c == 0x7f || c >= 0x80 {
			s.controlInside(c)
		} else {
			s.sequenceByte(c)
		}
		if p.state == stateGround {
			return b[i+1:]
		}
	}
	return nil
}

// controlInside handles a byte that cannot be part of the sequence it is in.
func (s *Screen) controlInside(c byte) {
	p := &s.parser
	switch {
	case c == 0x18 || c == 0x1a: // CAN, SUB
		p.state = stateGround
	case c == 0x1b:
		p.state = stateEscape
		p.reset()
	case c >= 0x80:
		p.state = stateGround
		s.printRune(utf8.RuneError)
	case c < 0x20 && p.state < stateDCS:
		s.execute(c)
	}
}

func (s *Screen) sequenceByte(c byte) {
	p := &s.parser
	switch p.state {
	case stateEscape, stateEscapeInter:
		s.escapeByte(c)
	case stateCSI, stateCSIInter, stateCSIIgnore:
		s.csiByte(c)
	default:
		p.dcsByte(c)
	}
}

func (s *Screen) escapeByte(c byte) {
	p := &s.parser
	if c < 0x30 {
		p.intermediate(c)
		p.state = stateEscapeInter
		return
	}
	p.state = stateGround
	if p.inters > 0 {
		s.escape(c)
		return
	}
	switch c {
	case '[':
		p.state = stateCSI
	case 'P':
		p.state = stateDCS
	case ']':
		p.beginString(']')
	case '_', '^', 'X':
		p.beginString('_')
	default:
		s.escape(c)
	}
}

func (s *Screen) csiByte(c byte) {
	p := &s.parser
	switch {
	case c >= 0x40:
		ignore := p.state == stateCSIIgnore
		p.state = stateGround
		if !ignore {
			s.csi(c)
		}
	case p.state == stateCSIIgnore:
	case c < 0x30:
		p.intermediate(c)
		p.state = stateCSIInter
	case p.state == stateCSIInter:
		p.state = stateCSIIgnore
	case c < 0x3c:
		p.param(c)
	case p.par.n == 0 && p.private == 0:
		p.private = c
	default:
		p.state = stateCSIIgnore
	}
}

func (p *parser) dcsByte(c byte) {
	switch {
	case c >= 0x40:
		ignore := p.state == stateDCSIgnore
		p.final = c
		p.beginString('P')
		if ignore {
			p.kind = '_'
		}
	case p.state == stateDCSIgnore:
	case c < 0x30:
		p.intermediate(c)
		p.state = stateDCSInter
	case p.state == stateDCSInter:
		p.state = stateDCSIgnore
	case c < 0x3c:
		p.param(c)
	case p.par.n == 0 && p.private == 0:
		p.private = c
	default:
		p.state = stateDCSIgnore
	}
}

// stringByte takes one byte of a string and reports whether the string is over.
func (s *Screen) stringByte(c byte) bool {
	p := &s.parser
	if p.state == stateStringEsc {
		if c == '\\' {
			s.endString(false)
			return true
		}
		// Another escape sequence cuts the string off.
		p.state = stateEscape
		p.reset()
		if c < 0x20 || c >= 0x7f {
			s.controlInside(c)
		} else {
			s.escapeByte(c)
		}
		return p.state < stateString
	}
	switch {
	case c == 0x1b:
		p.state = stateStringEsc
	case c == 0x18 || c == 0x1a:
		p.state = stateGround
		return true
	case c == 0x07 && p.kind == ']':
		s.endString(true)
		return true
	default:
		p.collect(c)
	}
	return false
}

// endString acts on a finished string. bell tells how an OSC was ended, as the
// answer is ended the same way.
func (s *Screen) endString(bell bool) {
	p := &s.parser
	p.state = stateGround
	if !p.strOver {
		switch p.kind {
		case ']':
			s.osc(p.str, bell)
		case 'P':
			s.dcs(p.str)
		}
	}
	if cap(p.str) > maxStringBytes {
		p.str = nil
	}
}
