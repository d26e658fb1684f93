package terminal

// protection says which erase functions leave protected cells alone.
type protection uint8

const (
	protectNone protection = iota
	protectISO             // SPA and EPA: all erase functions
	protectDEC             // DECSCA: only DECSED, DECSEL, DECSERA
)

// eraseCells sets columns [from, to) of row y to c, whatever they held.
func (s *Screen) eraseCells(y, from, to int, c cell) {
	if from >= to {
		return
	}
	r := s.grid.row(y)
	r.splitAt(from)
	r.splitAt(to)
	if to == s.cols {
		r.wrapped = false
		if from == 0 {
			s.cutAbove(y)
		}
	}
	r.fill(from, to, c)
}

// erasePart erases columns [from, to) of row y; with keep, not the protected ones.
func (s *Screen) erasePart(y, from, to int, keep bool) {
	if !keep {
		s.eraseCells(y, from, to, s.blank())
		return
	}
	r := s.grid.row(y)
	for x := from; x < to; x++ {
		if x >= r.used || r.cells[x].at&attrProtected == 0 {
			s.eraseCells(y, x, x+1, s.blank())
		}
	}
}

// eraseRows blanks rows [from, to).
func (s *Screen) eraseRows(from, to int) {
	blank := s.blank()
	if from < to {
		s.cutAbove(from)
	}
	for y := from; y < to; y++ {
		s.grid.row(y).clear(blank)
	}
}

// keeps reports whether an erase function honours protection: selective ones
// always, the others after SPA.
func (s *Screen) keeps(selective bool) bool {
	return selective && s.protect != protectISO || !selective && s.protect == protectISO
}

// eraseDisplay is ED, and DECSED when selective. While a wrap is pending the
// cursor counts as after the last column, here and in EL, as in tmux and VTE:
// what a program has just written there stays (grep ends matches with EL).
func (s *Screen) eraseDisplay(part int, selective bool) {
	keep := s.keeps(selective)
	from, to := 0, s.rows
	switch part {
	case 0:
		if !s.cur.pending {
			s.erasePart(s.cur.y, s.cur.x, s.cols, keep)
		}
		from = s.cur.y + 1
	case 1:
		s.erasePart(s.cur.y, 0, s.cur.x+1, keep)
		to = s.cur.y
	case 2:
	case 3:
		if !selective {
			s.history.clear()
			s.epoch++
		}
		return
	default:
		return
	}
	if !keep && part != 0 {
		s.eraseRows(from, to)
		return
	}
	for y := from; y < to; y++ {
		s.erasePart(y, 0, s.cols, keep)
	}
}

// eraseLine is EL, and DECSEL when selective.
func (s *Screen) eraseLine(part int, selective bool) {
	keep := s.keeps(selective)
	switch part {
	case 0:
		if !s.cur.pending {
			s.erasePart(s.cur.y, s.cur.x, s.cols, keep)
		}
	case 1:
		s.erasePart(s.cur.y, 0, s.cur.x+1, keep)
	case 2:
		s.erasePart(s.cur.y, 0, s.cols, keep)
	}
}

// eraseChars is ECH.
func (s *Screen) eraseChars(n int) {
	s.cur.pending = false
	s.erasePart(s.cur.y, s.cur.x, min(s.cur.x+n, s.cols), s.keeps(false))
}

// alignmentTest is DECALN: margins reset, the screen full of E.
func (s *Screen) alignmentTest() {
	s.modes.margins = false
	s.fullMargins()
	s.cur.origin = false
	s.moveTo(0, 0)
	for y := range s.rows {
		s.eraseCells(y, 0, s.cols, cell{ch: 'E'})
	}
}
