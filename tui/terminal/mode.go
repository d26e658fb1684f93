package terminal

// modes are the switches of SM, RM, DECSET and DECRST that outlive a sequence.
type modes struct {
	// ANSI modes
	keyLock, insert, echoOff, newline bool

	// DEC and xterm private modes
	appCursor, columns132, smooth, reverse, autowrap, autorepeat bool
	blink, visible, allow132, moreFix, national, reverseWrap     bool
	reverseWrapAll, appKeypad, backarrow, margins, keepOnColumns bool
	focus, altScroll, metaEscape, bracketedPaste, sync           bool
	mouse                                                        MouseTracking
	mouseUTF8, mouseSGR, mouseURXVT, mousePixels                 bool
}

func defaultModes() modes {
	return modes{autowrap: true, visible: true, autorepeat: true, echoOff: true, metaEscape: true, altScroll: true}
}

// MouseTracking says which mouse events the program asked for.
type MouseTracking int

// Mouse tracking modes, named after the numbers of DECSET.
const (
	MouseOff    MouseTracking = 0
	MouseX10    MouseTracking = 9    // presses
	MouseNormal MouseTracking = 1000 // presses and releases
	MouseButton MouseTracking = 1002 // and motion while a button is down
	MouseAny    MouseTracking = 1003 // and all motion
)

// ansiFlag returns the switch of an ANSI mode, nil when there is none.
func (m *modes) ansiFlag(n int32) *bool {
	switch n {
	case 2:
		return &m.keyLock
	case 4:
		return &m.insert
	case 12:
		return &m.echoOff
	case 20:
		return &m.newline
	}
	return nil
}

// flag returns the switch of a private mode, nil when it is not a plain switch.
func (m *modes) flag(n int32) *bool {
	switch n {
	case 1:
		return &m.appCursor
	case 3:
		return &m.columns132
	case 4:
		return &m.smooth
	case 5:
		return &m.reverse
	case 7:
		return &m.autowrap
	case 8:
		return &m.autorepeat
	case 12:
		return &m.blink
	case 25:
		return &m.visible
	case 40:
		return &m.allow132
	case 41:
		return &m.moreFix
	case 42:
		return &m.national
	case 45:
		return &m.reverseWrap
	case 1045:
		return &m.reverseWrapAll
	case 66:
		return &m.appKeypad
	case 67:
		return &m.backarrow
	case 69:
		return &m.margins
	case 95:
		return &m.keepOnColumns
	case 1004:
		return &m.focus
	case 1005:
		return &m.mouseUTF8
	case 1006:
		return &m.mouseSGR
	case 1007:
		return &m.altScroll
	case 1015:
		return &m.mouseURXVT
	case 1016:
		return &m.mousePixels
	case 1036:
		return &m.metaEscape
	case 2004:
		return &m.bracketedPaste
	case 2026:
		return &m.sync
	}
	return nil
}

// setANSI is SM and RM.
func (s *Screen) setANSI(n int32, on bool) {
	if f := s.modes.ansiFlag(n); f != nil {
		*f = on
	}
}

// setPrivate is DECSET and DECRST.
func (s *Screen) setPrivate(n int32, on bool) {
	switch n {
	case 3:
		s.setColumns(on)
		return
	case 6:
		s.cur.origin = on
		s.moveTo(0, 0)
		return
	case 9, 1000, 1002, 1003:
		s.modes.mouse = MouseOff
		if on {
			s.modes.mouse = MouseTracking(n)
		}
		return
	case 47, 1047:
		s.switchScreen(on, n == 1047)
		return
	case 1048:
		s.saveOrRestore(on)
		return
	case 1049:
		s.switchScreenSaving(on)
		return
	case 2026:
		s.setSync(on)
		return
	}
	f := s.modes.flag(n)
	if f == nil || n == 69 && s.conformance.level < 4 || n == 95 && s.conformance.level < 5 {
		return
	}
	changed := *f != on
	*f = on
	switch {
	case n == 5 && changed:
		s.grid.touch()
	case n == 7 && !on:
		s.cur.pending = false
	case n == 69:
		s.left, s.right = 0, s.cols-1
		s.checkPending()
	}
}

func (s *Screen) saveOrRestore(save bool) {
	if save {
		s.saveCursor()
	} else {
		s.restoreCursor()
	}
}

// privateMode tells the state of a private mode, and whether it is known.
func (s *Screen) privateMode(n int32) (on, known bool) {
	switch n {
	case 6:
		return s.cur.origin, true
	case 9, 1000, 1002, 1003:
		return s.modes.mouse == MouseTracking(n), true
	case 47, 1047, 1049:
		return s.alternate(), true
	case 1048:
		return s.active.saved != (cursor{}), true
	}
	if f := s.modes.flag(n); f != nil {
		return *f, true
	}
	return false, false
}

// saveModes is XTSAVE (CSI ? Pm s).
func (s *Screen) saveModes(p *params) {
	for _, n := range p.v[:p.n] {
		if on, known := s.privateMode(n); known {
			if s.savedModes == nil {
				s.savedModes = make(map[int32]bool)
			}
			s.savedModes[n] = on // only known modes: the map stays small
		}
	}
}

// restoreModes is XTRESTORE (CSI ? Pm r).
func (s *Screen) restoreModes(p *params) {
	for _, n := range p.v[:p.n] {
		if on, saved := s.savedModes[n]; saved {
			s.setPrivate(n, on)
		}
	}
}

// setColumns is DECCOLM. The window decides on the size, so only what the
// mode does besides is done: unless Resizable, and after mode 40.
func (s *Screen) setColumns(wide bool) {
	if !s.modes.allow132 {
		return
	}
	s.modes.columns132 = wide
	cols := 80
	if wide {
		cols = 132
	}
	s.resizeByProgram(cols, s.rows)
	s.modes.margins = false
	s.fullMargins()
	if !s.modes.keepOnColumns {
		s.eraseRows(0, s.rows)
	}
	s.moveTo(0, 0)
}

// setSync is mode 2026, synchronized output.
func (s *Screen) setSync(on bool) {
	if on && !s.modes.sync && s.beforeSync != nil {
		s.beforeSync()
	}
	s.modes.sync = on
}

// switchScreen is mode 47 and 1047: the cursor stays where it is.
func (s *Screen) switchScreen(alternate, clears bool) {
	if alternate == s.alternate() {
		return
	}
	if alternate {
		if s.alt.grid == nil {
			s.alt.grid = newGrid(s.cols, s.rows)
		}
		s.active = &s.alt
	} else {
		if clears {
			s.eraseRows(0, s.rows)
		}
		s.active = &s.main
	}
	s.grid = s.active.grid
	s.grid.touch()
	s.epoch++
}

// switchScreenSaving is mode 1049: DECSC, then a cleared alternate screen; and back.
func (s *Screen) switchScreenSaving(alternate bool) {
	if alternate {
		if !s.alternate() {
			s.saveCursor()
			s.switchScreen(true, false)
		}
		s.eraseRows(0, s.rows)
		return
	}
	if s.alternate() { // else a stray one would send the cursor home
		s.switchScreen(false, false)
		s.restoreCursor()
	}
}
