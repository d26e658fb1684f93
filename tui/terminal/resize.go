package terminal

// Resize changes the size. Soft-wrapped lines of the main screen are wrapped
// anew; the alternate screen is cut or extended, as its program draws it again.
func (s *Screen) Resize(cols, rows int) {
	cols, rows = clampSize(cols, rows)
	if cols == s.cols && rows == s.rows {
		return
	}
	if s.alt.grid != nil {
		s.alt.grid = resizedGrid(s.alt.grid, cols, rows)
	}
	s.reflow(cols, rows)
	s.cols, s.rows = cols, rows
	s.grid = s.active.grid
	s.pool.clusters.limit = max(s.pool.clusters.limit, 4*cols*rows)
	s.fullMargins()
	s.cur.x, s.cur.y = clamp(s.cur.x, 0, cols-1), clamp(s.cur.y, 0, rows-1)
	s.cur.pending = s.cur.pending && s.cur.x == cols-1
	s.epoch++
}

// resizedGrid cuts or extends a grid at its right and bottom.
func resizedGrid(old *grid, cols, rows int) *grid {
	g := newGrid(cols, rows)
	for y := range min(rows, old.rows) {
		from, to := old.row(y), g.row(y)
		from.splitAt(cols)
		to.used = copy(to.cells, from.cells[:from.used])
	}
	return g
}
