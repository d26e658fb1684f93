package terminal

// tabStops is a set of columns.
type tabStops [(maxCols + 63) / 64]uint64

// newTabStops returns stops every eight columns.
func newTabStops() (t tabStops) {
	for x := 8; x < maxCols; x += 8 {
		t.set(x, true)
	}
	return t
}

func (t *tabStops) has(x int) bool { return t[x/64]&(1<<(x%64)) != 0 }

func (t *tabStops) set(x int, on bool) {
	if on {
		t[x/64] |= 1 << (x % 64)
	} else {
		t[x/64] &^= 1 << (x % 64)
	}
}

// tab is HT and CHT: to the n-th stop to the right, or the right margin.
func (s *Screen) tab(n int) {
	if s.cur.pending && s.modes.moreFix {
		s.wrap()
	}
	limit := s.cols - 1
	if s.cur.x <= s.right {
		limit = s.right
	}
	x := s.cur.x
	for ; n > 0 && x < limit; n-- {
		x++
		for x < limit && !s.tabs.has(x) {
			x++
		}
	}
	if x != s.cur.x {
		s.cur.x, s.cur.pending = x, false
	}
}

// backTab is CBT: to the n-th stop to the left, or the left edge.
func (s *Screen) backTab(n int) {
	limit := 0
	if s.cur.origin {
		limit = s.left
	}
	s.cur.pending = false
	for ; n > 0 && s.cur.x > limit; n-- {
		s.cur.x--
		for s.cur.x > limit && !s.tabs.has(s.cur.x) {
			s.cur.x--
		}
	}
}

// clearTabs is TBC: the stop at the cursor (0) or all (3).
func (s *Screen) clearTabs(which int) {
	switch which {
	case 0:
		s.tabs.set(s.cur.x, false)
	case 3:
		s.tabs = tabStops{}
	}
}
