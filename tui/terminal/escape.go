package terminal

// escape acts on an escape sequence without parameters.
func (s *Screen) escape(final byte) {
	if s.parser.inters > 0 {
		s.escapeInter(s.parser.inter, final)
		return
	}
	switch final {
	case '6':
		s.backIndex()
	case '7':
		s.saveCursor()
	case '8':
		s.restoreCursor()
	case '9':
		s.forwardIndex()
	case '=':
		s.modes.appKeypad = true
	case '>':
		s.modes.appKeypad = false
	case 'D':
		s.lineFeed()
	case 'E':
		s.lineFeed()
		s.carriageReturn()
	case 'H':
		s.tabs.set(s.cur.x, true)
	case 'M':
		s.reverseIndex()
	case 'N':
		s.cur.charsets.single = 2
	case 'O':
		s.cur.charsets.single = 3
	case 'V':
		s.setProtection(protectISO, true)
	case 'W':
		s.setProtection(protectISO, false)
	case 'Z':
		s.deviceAttributes()
	case 'c':
		if s.modes.columns132 {
			s.resizeByProgram(80, s.rows)
		}
		s.reset()
	case 'n':
		s.cur.charsets.gl = 2
	case 'o':
		s.cur.charsets.gl = 3
	}
}

func (s *Screen) escapeInter(inter, final byte) {
	if s.parser.inters > 1 {
		return
	}
	switch inter {
	case '#':
		if final == '8' {
			s.alignmentTest()
		}
	case '(', ')', '*', '+':
		s.designate(int(inter-'('), final)
	case ' ':
		switch final {
		case 'F':
			s.conformance.eightBit = false
		case 'G':
			s.conformance.eightBit = true
		}
	}
}

// setProtection is SPA, EPA and DECSCA.
func (s *Screen) setProtection(kind protection, on bool) {
	s.protect = kind
	if on {
		s.cur.pen.at |= attrProtected
	} else {
		s.cur.pen.at &^= attrProtected
	}
}
