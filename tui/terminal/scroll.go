package terminal

// wholeScreen reports whether the scroll region is the whole screen.
func (s *Screen) wholeScreen() bool {
	return s.top == 0 && s.bottom == s.rows-1 && s.fullWidth()
}

func (s *Screen) fullWidth() bool { return s.left == 0 && s.right == s.cols-1 }

// scrollUp moves the scroll region up. What leaves the top of the whole main
// screen goes to the history; what leaves a smaller region is gone.
func (s *Screen) scrollUp(n int) {
	if !s.wholeScreen() {
		s.scrollRows(s.top, s.bottom, n)
		return
	}
	n = min(n, s.rows)
	blank := s.blank()
	for range n {
		r := s.grid.row(0)
		if !s.alternate() {
			s.history.push(r, s.pool)
		}
		r.clear(blank)
		s.grid.rotateUp()
	}
}

func (s *Screen) scrollDown(n int) { s.scrollRows(s.top, s.bottom, -n) }

// scrollRows moves the part of rows [top, bottom] between the left and right
// margins up by n rows, or down when n is negative.
func (s *Screen) scrollRows(top, bottom, n int) {
	blank := s.blank()
	if s.fullWidth() {
		if n > 0 {
			s.cutAbove(top)
			s.grid.scrollUp(top, bottom, n, blank)
		} else {
			s.cutAbove(top)
			s.grid.scrollDown(top, bottom, -n, blank)
		}
		s.grid.row(bottom).wrapped = false
		return
	}
	height := bottom - top + 1
	n = clamp(n, -height, height)
	for i := range height {
		to := top + i
		if n < 0 {
			to = bottom - i
		}
		if from := to + n; from >= top && from <= bottom {
			s.copyPart(from, to)
		} else {
			s.eraseCells(to, s.left, s.right+1, blank)
		}
	}
}

// cutAbove ends the soft wrap of the row above a change at row y.
func (s *Screen) cutAbove(y int) {
	if y > 0 {
		s.grid.row(y - 1).wrapped = false
	}
}

// copyPart copies the columns between the margins from one row to another.
func (s *Screen) copyPart(from, to int) {
	src, dst := s.grid.row(from), s.grid.row(to)
	src.splitAt(s.left)
	src.splitAt(s.right + 1)
	dst.splitAt(s.left)
	dst.splitAt(s.right + 1)
	copy(dst.cells[s.left:s.right+1], src.cells[s.left:s.right+1])
	dst.used = max(dst.used, min(src.used, s.right+1))
	dst.wrapped = false
	dst.fresh = false
}

// insertLines and deleteLines are IL and DL: nothing outside the region.
func (s *Screen) insertLines(n int) {
	if s.inRegion() {
		s.scrollRows(s.cur.y, s.bottom, -n)
		s.cur.x, s.cur.pending = s.left, false
	}
}

func (s *Screen) deleteLines(n int) {
	if s.inRegion() {
		s.scrollRows(s.cur.y, s.bottom, n)
		s.cur.x, s.cur.pending = s.left, false
	}
}

func (s *Screen) inRegion() bool {
	return s.cur.y >= s.top && s.cur.y <= s.bottom && s.cur.x >= s.left && s.cur.x <= s.right
}

// shiftColumns inserts (n > 0) or deletes (n < 0) columns at column x in rows
// [top, bottom], up to the right margin.
func (s *Screen) shiftColumns(top, bottom, x, n int) {
	width := s.right + 1 - x
	n = clamp(n, -width, width)
	blank := s.blank()
	for y := top; y <= bottom; y++ {
		r := s.grid.row(y)
		r.splitAt(x)
		r.splitAt(s.right + 1)
		r.used = max(r.used, min(s.right+1, s.cols))
		r.fresh = false
		r.wrapped = false
		part := r.cells[x : s.right+1]
		if n > 0 {
			r.splitAt(s.right + 1 - n)
			copy(part[n:], part)
			r.fill(x, x+n, blank)
		} else {
			r.splitAt(x - n)
			copy(part, part[-n:])
			r.fill(s.right+1+n, s.right+1, blank)
		}
	}
}

// insertBlanks is ICH: n blank columns at the cursor.
func (s *Screen) insertBlanks(n int) {
	s.cur.pending = false
	if s.cur.x >= s.left && s.cur.x <= s.right {
		s.shiftColumns(s.cur.y, s.cur.y, s.cur.x, n)
	}
}

// deleteChars is DCH.
func (s *Screen) deleteChars(n int) {
	s.cur.pending = false
	if s.cur.x >= s.left && s.cur.x <= s.right {
		s.shiftColumns(s.cur.y, s.cur.y, s.cur.x, -n)
	}
}

// insertColumns and deleteColumns are DECIC and DECDC.
func (s *Screen) insertColumns(n int) {
	if s.inRegion() {
		s.shiftColumns(s.top, s.bottom, s.cur.x, n)
	}
}

func (s *Screen) deleteColumns(n int) {
	if s.inRegion() {
		s.shiftColumns(s.top, s.bottom, s.cur.x, -n)
	}
}

// forwardIndex and backIndex are DECFI and DECBI.
func (s *Screen) forwardIndex() {
	if s.cur.x != s.right {
		s.cur.x = min(s.cur.x+1, s.cols-1)
	} else if s.inRegion() {
		s.shiftColumns(s.top, s.bottom, s.left, -1)
	}
	s.cur.pending = false
}

func (s *Screen) backIndex() {
	if s.cur.x != s.left {
		s.cur.x = max(s.cur.x-1, 0)
	} else if s.inRegion() {
		s.shiftColumns(s.top, s.bottom, s.left, 1)
	}
	s.cur.pending = false
}
