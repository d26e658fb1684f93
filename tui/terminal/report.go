package terminal

import (
	"fmt"
	"math/bits"
)

// The terminal presents itself as a VT420 with colour, like xterm does.
const (
	vtLevel = 4

	// maxReplies bounds the answers waiting to be taken; what does not fit is dropped.
	maxReplies = 64 << 10

	// Cells are said to be this large, for programs that ask in pixels.
	cellWidth, cellHeight = 10, 20
)

// conformance is what DECSCL set.
type conformance struct {
	level    int
	eightBit bool // S8C1T; noted for DECRQSS only, answers stay 7-bit
}

// reply queues an answer. Only numbers and constants may be passed.
func (s *Screen) reply(format string, args ...any) {
	if len(s.replies) > maxReplies {
		return
	}
	s.replies = fmt.Appendf(s.replies, format, args...)
}

// deviceAttributes is DA1: VT420, 132 columns, selective erase, horizontal
// scrolling, colour, rectangular editing.
func (s *Screen) deviceAttributes() { s.reply("\x1b[?64;1;6;21;22;28c") }

// secondaryAttributes is DA2: a VT420 like xterm, by the patch level of the
// xterm that programs may take it for: they choose their mouse encoding by it.
func (s *Screen) secondaryAttributes(p *params) {
	if p.get(0, 0) == 0 {
		s.reply("\x1b[>41;354;0c")
	}
}

// tertiaryAttributes is DA3: a unit without a serial number.
func (s *Screen) tertiaryAttributes(p *params) {
	if p.get(0, 0) == 0 {
		s.reply("\x1bP!|00000000\x1b\\")
	}
}

// reportVersion is XTVERSION.
func (s *Screen) reportVersion(p *params) {
	if p.get(0, 0) == 0 {
		s.reply("\x1bP>|aquarium\x1b\\")
	}
}

// terminalParameters is DECREQTPARM.
func (s *Screen) terminalParameters(n int) {
	if n <= 1 {
		s.reply("\x1b[%d;1;1;128;128;1;0x", n+2)
	}
}

// deviceStatus is DSR.
func (s *Screen) deviceStatus(n int) {
	switch n {
	case 5:
		s.reply("\x1b[0n")
	case 6:
		x, y := s.position()
		s.reply("\x1b[%d;%dR", y+1, x+1)
	}
}

// privateStatus is DSR in its DEC form.
func (s *Screen) privateStatus(p *params) {
	switch p.get(0, 0) {
	case 6:
		x, y := s.position()
		s.reply("\x1b[?%d;%d;1R", y+1, x+1)
	case 15:
		s.reply("\x1b[?13n") // no printer
	case 25:
		s.reply("\x1b[?20n") // user-defined keys unlocked
	case 26:
		s.reply("\x1b[?27;1;0;0n") // North American keyboard
	case 53, 55:
		s.reply("\x1b[?53n") // no locator
	case 56:
		s.reply("\x1b[?57;0n")
	case 62:
		s.reply("\x1b[0*{") // no room for macros
	case 63:
		s.reply("\x1bP%d!~0000\x1b\\", p.get(1, 0))
	case 75:
		s.reply("\x1b[?70n")
	case 85:
		s.reply("\x1b[?83n")
	}
}

// mode states of DECRPM
const (
	modeUnknown        = 0
	modeSet            = 1
	modeReset          = 2
	modePermanentSet   = 3
	modePermanentReset = 4
)

func modeState(on bool) int {
	if on {
		return modeSet
	}
	return modeReset
}

// reportANSIMode is DECRQM.
func (s *Screen) reportANSIMode(n int32) {
	if s.conformance.level < 3 {
		return
	}
	state := modeUnknown
	if f := s.modes.ansiFlag(n); f != nil {
		state = modeState(*f)
	} else if n == 1 || n == 3 || n == 5 || n == 7 || n >= 10 && n <= 19 {
		state = modePermanentReset
	}
	s.reply("\x1b[%d;%d$y", n, state)
}

func (s *Screen) reportPrivateMode(n int32) {
	if s.conformance.level < 3 {
		return
	}
	state := modeUnknown
	if on, known := s.privateMode(n); known {
		state = modeState(on)
	} else if n == 2027 { // grapheme clusters, always
		state = modePermanentSet
	} else if n == 18 || n == 19 || n == 60 { // printing, column coupling: never
		state = modePermanentReset
	}
	s.reply("\x1b[?%d;%d$y", n, state)
}

// windowOperation is XTWINOPS. Titles are never reported: they are the
// program's own text.
func (s *Screen) windowOperation(p *params) {
	n := p.get(0, 0)
	if n >= 24 { // DECSLPP
		s.resizeByProgram(s.cols, n)
		return
	}
	switch n {
	case 8:
		s.resizeByProgram(p.get(2, s.cols), p.get(1, s.rows))
	case 11:
		s.reply("\x1b[1t")
	case 13:
		s.reply("\x1b[3;0;0t")
	case 14:
		s.reply("\x1b[4;%d;%dt", s.rows*cellHeight, s.cols*cellWidth)
	case 15:
		s.reply("\x1b[5;%d;%dt", s.rows*cellHeight, s.cols*cellWidth)
	case 16:
		s.reply("\x1b[6;%d;%dt", cellHeight, cellWidth)
	case 18:
		s.reply("\x1b[8;%d;%dt", s.rows, s.cols)
	case 19:
		s.reply("\x1b[9;%d;%dt", s.rows, s.cols)
	case 20:
		s.reply("\x1b]L\x1b\\")
	case 21:
		s.reply("\x1b]l\x1b\\")
	case 22:
		s.pushTitle()
	case 23:
		s.popTitle()
	}
}

// resizeByProgram changes the size where no window dictates it.
func (s *Screen) resizeByProgram(cols, rows int) {
	if s.opts.Resizable {
		s.Resize(cols, rows)
	}
}

// setConformance is DECSCL: a soft reset, and a level to report.
func (s *Screen) setConformance(p *params) {
	level := p.get(0, 0) - 60
	if level < 1 || level > 5 {
		return
	}
	s.softReset()
	s.conformance = conformance{level: min(level, vtLevel), eightBit: level > 1 && p.get(1, 0) != 1}
}

// dcs acts on a device control string: DECRQSS and, without an answer but
// "unknown", XTGETTCAP.
func (s *Screen) dcs(data []byte) {
	p := &s.parser
	if p.final != 'q' || p.inters != 1 {
		return
	}
	switch p.inter {
	case '$':
		s.reportSetting(string(data))
	case '+':
		s.reply("\x1bP0+r\x1b\\")
	}
}

// reportSetting is DECRQSS.
func (s *Screen) reportSetting(what string) {
	switch what {
	case "m":
		s.replySetting("%sm", s.penNumbers())
	case "r":
		s.replySetting("%d;%dr", s.top+1, s.bottom+1)
	case "s":
		s.replySetting("%d;%ds", s.left+1, s.right+1)
	case "t":
		s.replySetting("%dt", s.rows)
	case "$|":
		s.replySetting("%d$|", s.cols)
	case "*|":
		s.replySetting("%d*|", s.rows)
	case "$}", "$~": // no status line
		s.replySetting("0%s", what)
	case "*x":
		s.replySetting("%d*x", s.attrExtent)
	case " q":
		s.replySetting("%d q", s.cursorNumber())
	case "\"p":
		eight := 1
		if s.conformance.eightBit {
			eight = 0
		}
		s.replySetting("%d;%d\"p", s.conformance.level+60, eight)
	case "\"q":
		s.replySetting("%d\"q", bits.OnesCount16(uint16(s.cur.pen.at&attrProtected)))
	default:
		s.reply("\x1bP0$r\x1b\\")
	}
}

func (s *Screen) replySetting(format string, args ...any) {
	s.reply("\x1bP1$r"+format+"\x1b\\", args...)
}

// penNumbers is the pen as the numbers of an SGR.
func (s *Screen) penNumbers() string {
	b := appendSGR(nil, s.cur.pen, s.pool)
	return string(b[2 : len(b)-1]) // without CSI and m
}

// cursorNumber is the cursor's shape as DECSCUSR has it.
func (s *Screen) cursorNumber() int {
	n := max(s.shape, 1)
	if s.modes.blink {
		return (n-1)/2*2 + 1
	}
	if s.shape == 0 {
		return 2
	}
	return (n-1)/2*2 + 2
}
