package terminal

// key packs what tells control sequences apart: private marker, intermediate, final.
func key(private, inter, final byte) uint32 {
	return uint32(private)<<16 | uint32(inter)<<8 | uint32(final)
}

// csi acts on a control sequence.
func (s *Screen) csi(final byte) {
	p := &s.parser
	if p.inters > 1 {
		return
	}
	switch {
	case p.private == 0 && p.inter == 0:
		s.csiPlain(final, &p.par)
	case p.private == '?':
		s.csiPrivate(key(0, p.inter, final), &p.par)
	case p.private == 0:
		s.csiInter(key(0, p.inter, final), &p.par)
	default:
		s.csiMarked(key(p.private, p.inter, final), &p.par)
	}
}

func (s *Screen) csiPlain(final byte, p *params) {
	n := p.get(0, 1)
	switch final {
	case '@':
		s.insertBlanks(n)
	case 'A':
		s.up(n)
	case 'B':
		s.down(n)
	case 'C':
		s.forward(n)
	case 'D':
		s.backward(n)
	case 'E':
		s.down(n)
		s.carriageReturn()
	case 'F':
		s.up(n)
		s.carriageReturn()
	case 'G', '`':
		s.moveColumn(n - 1)
	case 'H', 'f':
		s.moveTo(p.get(1, 1)-1, n-1)
	case 'I':
		s.tab(n)
	case 'J':
		s.eraseDisplay(p.get(0, 0), false)
	case 'K':
		s.eraseLine(p.get(0, 0), false)
	case 'L':
		s.insertLines(n)
	case 'M':
		s.deleteLines(n)
	case 'P':
		s.deleteChars(n)
	case 'S':
		s.scrollUp(n)
	case 'T':
		if p.n <= 1 {
			s.scrollDown(n)
		}
	case 'X':
		s.eraseChars(n)
	case 'Z':
		s.backTab(n)
	case '^':
		s.scrollDown(n)
	case 'a':
		s.moveColumnBy(n)
	case 'b':
		s.repeat(n)
	case 'm':
		s.sgr(p)
	default:
		s.csiControl(final, p)
	}
}

// csiControl holds the plain sequences that do not touch text.
func (s *Screen) csiControl(final byte, p *params) {
	switch final {
	case 'c':
		if p.get(0, 0) == 0 {
			s.deviceAttributes()
		}
	case 'd':
		s.moveRow(p.get(0, 1) - 1)
	case 'e':
		_, y := s.position()
		s.moveRow(y + p.get(0, 1))
	case 'g':
		s.clearTabs(p.get(0, 0))
	case 'h', 'l':
		for _, n := range p.v[:p.n] {
			s.setANSI(n, final == 'h')
		}
	case 'n':
		s.deviceStatus(p.get(0, 0))
	case 'r':
		s.setRegion(p.get(0, 1), p.get(1, 0))
	case 's':
		if s.modes.margins {
			s.setMargins(p.get(0, 1), p.get(1, 0))
		} else if p.n == 0 {
			s.saveCursor()
		}
	case 't':
		s.windowOperation(p)
	case 'u':
		s.restoreCursor()
	case 'x':
		s.terminalParameters(p.get(0, 0))
	}
}

// csiPrivate holds the sequences with a question mark.
func (s *Screen) csiPrivate(k uint32, p *params) {
	switch k {
	case key(0, 0, 'J'):
		s.eraseDisplay(p.get(0, 0), true)
	case key(0, 0, 'K'):
		s.eraseLine(p.get(0, 0), true)
	case key(0, 0, 'h'), key(0, 0, 'l'):
		for _, n := range p.v[:p.n] {
			s.setPrivate(n, byte(k) == 'h')
		}
	case key(0, 0, 'm'):
		s.reportKeyFormat(p)
	case key(0, 0, 'n'):
		s.privateStatus(p)
	case key(0, 0, 'r'):
		s.restoreModes(p)
	case key(0, 0, 's'):
		s.saveModes(p)
	case key(0, 0, 'u'):
		s.reportKitty()
	case key(0, 0, 'W'):
		if p.get(0, 0) == 5 {
			s.tabs = newTabStops()
		}
	case key(0, '$', 'p'):
		s.reportPrivateMode(int32(p.raw(0, 0)))
	}
}

// csiInter holds the sequences with an intermediate byte.
func (s *Screen) csiInter(k uint32, p *params) {
	switch k {
	case key(0, ' ', 'q'):
		s.cursorShape(p.raw(0, 0))
	case key(0, ' ', '@'):
		s.scrollColumns(p.get(0, 1))
	case key(0, ' ', 'A'):
		s.scrollColumns(-p.get(0, 1))
	case key(0, '!', 'p'):
		s.softReset()
	case key(0, '"', 'p'):
		s.setConformance(p)
	case key(0, '"', 'q'):
		s.setProtection(protectDEC, p.get(0, 0) == 1)
	case key(0, '$', 'p'):
		s.reportANSIMode(int32(p.raw(0, 0)))
	case key(0, '$', 'r'):
		s.changeAttributes(p, false)
	case key(0, '$', 't'):
		s.changeAttributes(p, true)
	case key(0, '$', 'v'):
		s.copyArea(p)
	case key(0, '$', 'x'):
		s.fillArea(p)
	case key(0, '$', 'z'):
		s.eraseArea(p, false)
	case key(0, '$', '{'):
		s.eraseArea(p, true)
	case key(0, '\'', '}'):
		s.insertColumns(p.get(0, 1))
	case key(0, '\'', '~'):
		s.deleteColumns(p.get(0, 1))
	case key(0, '*', 'x'):
		s.attrExtent = clamp(p.get(0, 0), 0, 2)
	case key(0, '*', '|'):
		s.resizeByProgram(s.cols, p.get(0, s.rows))
	case key(0, '$', '|'):
		s.resizeByProgram(p.get(0, 80), s.rows)
	case key(0, '*', 'y'):
		s.reportChecksum(p)
	}
}

// csiMarked holds the sequences with one of < = >.
func (s *Screen) csiMarked(k uint32, p *params) {
	switch k {
	case key('>', 0, 'c'):
		s.secondaryAttributes(p)
	case key('=', 0, 'c'):
		s.tertiaryAttributes(p)
	case key('>', 0, 'q'):
		s.reportVersion(p)
	case key('>', 0, 'm'):
		s.keyFormat(p)
	case key('>', 0, 'n'):
		if p.get(0, 0) == 4 {
			s.otherKeys = 0
		}
	case key('>', 0, 'u'):
		s.active.kitty.push(p.get(0, 0))
	case key('<', 0, 'u'):
		s.active.kitty.pop(p.get(0, 1))
	case key('=', 0, 'u'):
		s.active.kitty.set(p.get(0, 0), p.get(1, 1))
	}
}

// moveColumnBy is HPR: like CUF, but not held by the margin.
func (s *Screen) moveColumnBy(n int) {
	x, _ := s.position()
	s.moveColumn(x + n)
}

// repeat is REP: the last character again, a screenful at most.
func (s *Screen) repeat(n int) {
	if s.last == 0 {
		return
	}
	n = min(n, s.cols*s.rows)
	for range n {
		if class := classify(s.last); class == classWide {
			s.put(glyph(s.last), 2)
		} else if class == classNarrow {
			s.put(glyph(s.last), 1)
		} else {
			s.printComplex(s.last)
		}
	}
	s.last = 0
}

// scrollColumns is SL (n > 0) and SR: the region moves sideways.
func (s *Screen) scrollColumns(n int) {
	if s.inRegion() {
		s.shiftColumns(s.top, s.bottom, s.left, -n)
	}
}

// cursorShape is DECSCUSR: 0 and 1 blinking block … 6 steady bar.
func (s *Screen) cursorShape(n int) {
	if n <= 6 {
		s.shape = n
		s.modes.blink = n%2 == 1 || n == 0
	}
}

// softReset is DECSTR.
func (s *Screen) softReset() {
	s.modes.visible = true
	s.modes.insert, s.modes.keyLock = false, false
	s.modes.appCursor, s.modes.appKeypad = false, false
	s.modes.margins, s.modes.reverseWrap, s.modes.reverseWrapAll = false, false, false
	s.modes.national = false
	s.modes.autowrap = true
	s.fullMargins()
	s.cur.origin, s.cur.pending = false, false
	s.cur.pen, s.cur.charsets = cell{}, charsets{}
	s.active.saved = cursor{}
	s.protect = protectNone
	s.active.kitty = kittyStack{}
	s.shape, s.attrExtent = 0, 0
}
