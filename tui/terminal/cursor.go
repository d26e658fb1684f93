package terminal

// execute acts on a C0 control.
func (s *Screen) execute(c byte) {
	switch c {
	case 0x07:
		s.bells++
	case 0x08:
		s.backspace()
	case 0x09:
		s.tab(1)
	case 0x0a, 0x0b, 0x0c:
		s.lineFeed()
		if s.modes.newline {
			s.carriageReturn()
		}
	case 0x0d:
		s.carriageReturn()
	case 0x0e:
		s.cur.charsets.gl = 1
	case 0x0f:
		s.cur.charsets.gl = 0
	}
}

// c1 acts on a C1 control in its UTF-8 form, as if it were ESC and a letter.
func (s *Screen) c1(c byte) {
	s.parser.reset()
	s.parser.state = stateEscape
	s.escapeByte(c - 0x40)
}

func (s *Screen) carriageReturn() {
	s.cur.pending = false
	if s.cur.x < s.left && !s.cur.origin {
		s.cur.x = 0
	} else {
		s.cur.x = s.left
	}
}

// lineFeed is IND: down, scrolling at the bottom margin.
func (s *Screen) lineFeed() {
	s.cur.pending = false
	if s.cur.y == s.bottom {
		if s.cur.x >= s.left && s.cur.x <= s.right {
			s.scrollUp(1)
		}
	} else if s.cur.y < s.rows-1 {
		s.cur.y++
	}
}

// reverseIndex is RI: up, scrolling at the top margin.
func (s *Screen) reverseIndex() {
	s.cur.pending = false
	if s.cur.y == s.top {
		if s.cur.x >= s.left && s.cur.x <= s.right {
			s.scrollDown(1)
		}
	} else if s.cur.y > 0 {
		s.cur.y--
	}
}

// moveTo is CUP: coordinates from 0, within the margins in origin mode.
func (s *Screen) moveTo(x, y int) {
	s.cur.pending = false
	if s.cur.origin {
		s.cur.x = clamp(s.left+x, s.left, s.right)
		s.cur.y = clamp(s.top+y, s.top, s.bottom)
		return
	}
	s.cur.x = clamp(x, 0, s.cols-1)
	s.cur.y = clamp(y, 0, s.rows-1)
}

// moveColumn and moveRow are CHA and VPA.
func (s *Screen) moveColumn(x int) {
	_, y := s.position()
	s.moveTo(x, y)
}

func (s *Screen) moveRow(y int) {
	x, _ := s.position()
	s.moveTo(x, y)
}

// position is where the cursor is, relative to the origin.
func (s *Screen) position() (x, y int) {
	if s.cur.origin {
		return s.cur.x - s.left, s.cur.y - s.top
	}
	return s.cur.x, s.cur.y
}

// up, down, right and left are CUU, CUD, CUF, CUB: they stop at a margin when
// they begin inside it, else at the edge of the screen.
func (s *Screen) up(n int) {
	s.cur.pending = false
	limit := 0
	if s.cur.y >= s.top {
		limit = s.top
	}
	s.cur.y = max(s.cur.y-n, limit)
}

func (s *Screen) down(n int) {
	s.cur.pending = false
	limit := s.rows - 1
	if s.cur.y <= s.bottom {
		limit = s.bottom
	}
	s.cur.y = min(s.cur.y+n, limit)
}

func (s *Screen) forward(n int) {
	s.cur.pending = false
	limit := s.cols - 1
	if s.cur.x <= s.right {
		limit = s.right
	}
	s.cur.x = min(s.cur.x+n, limit)
}

func (s *Screen) backward(n int) {
	if (s.modes.reverseWrap || s.modes.reverseWrapAll) && s.modes.autowrap {
		s.backwardWrapping(n)
		return
	}
	s.cur.pending = false
	limit := 0
	if s.cur.x >= s.left {
		limit = s.left
	}
	s.cur.x = max(s.cur.x-n, limit)
}

func (s *Screen) backspace() { s.backward(1) }

// backwardWrapping is CUB in reverse-wrap modes 45 and 1045: it goes back over
// the left margin to the line above. Mode 45 does so only to a line that
// wrapped, 1045 to any, from the top of the region to its bottom.
func (s *Screen) backwardWrapping(n int) {
	n = min(n, s.cols*s.rows)
	if s.cur.pending {
		s.cur.pending = false
		n--
	}
	for ; n > 0; n-- {
		left := 0
		if s.cur.x >= s.left {
			left = s.left
		}
		if s.cur.x > left {
			s.cur.x--
			continue
		}
		y := s.cur.y - 1
		if s.cur.y == s.top || y < 0 {
			if !s.modes.reverseWrapAll {
				return
			}
			y = s.bottom
		}
		if !s.modes.reverseWrapAll && !s.grid.row(y).wrapped {
			return
		}
		s.cur.y, s.cur.x = y, s.right
	}
}

// saveCursor is DECSC.
func (s *Screen) saveCursor() { s.active.saved = s.cur }

// restoreCursor is DECRC: without a saved one, home and defaults.
func (s *Screen) restoreCursor() {
	s.cur = s.active.saved
	s.cur.x = clamp(s.cur.x, 0, s.cols-1)
	s.cur.y = clamp(s.cur.y, 0, s.rows-1)
	s.checkPending()
}

// checkPending lets go of a pending wrap when the cursor is not at the margin
// any more, because that moved.
func (s *Screen) checkPending() {
	s.cur.pending = s.cur.pending && s.modes.autowrap && s.cur.x == s.lineEnd()-1
}

// setRegion is DECSTBM: rows from 1, bottom 0 for the last.
func (s *Screen) setRegion(top, bottom int) {
	if bottom == 0 || bottom > s.rows {
		bottom = s.rows
	}
	top = max(top, 1)
	if top >= bottom {
		return
	}
	s.top, s.bottom = top-1, bottom-1
	s.moveTo(0, 0)
}

// setMargins is DECSLRM.
func (s *Screen) setMargins(left, right int) {
	if right == 0 || right > s.cols {
		right = s.cols
	}
	left = max(left, 1)
	if left >= right {
		return
	}
	s.left, s.right = left-1, right-1
	s.moveTo(0, 0)
}
