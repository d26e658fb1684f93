package terminal

// row is one line of the grid. Cells from used on are zero, which makes short
// lines cheap to scroll, to clear and to keep.
type row struct {
	cells   []cell
	used    int
	wrapped bool   // continues on the next row without a newline
	fresh   bool   // drawn is up to date
	drawn   string // the finished row, when fresh
}

// clear makes every cell a copy of blank.
func (r *row) clear(blank cell) {
	r.wrapped = false
	r.fresh = false
	if blank == (cell{}) {
		clear(r.cells[:r.used])
		r.used = 0
		return
	}
	for i := range r.cells {
		r.cells[i] = blank
	}
	r.used = len(r.cells)
}

// fill sets the cells [from, to) to c.
func (r *row) fill(from, to int, c cell) {
	if from >= to {
		return
	}
	r.fresh = false
	if c == (cell{}) {
		if from >= r.used {
			return
		}
		if to >= r.used {
			to = r.used
			r.used = from
		}
		clear(r.cells[from:to])
		return
	}
	part := r.cells[from:to]
	for i := range part {
		part[i] = c
	}
	r.used = max(r.used, to)
}

// splitAt blanks a double-width character of which column x is the right
// half, so that a change may begin there.
func (r *row) splitAt(x int) {
	if x <= 0 || x >= r.used || r.cells[x].ch&glyphTail == 0 {
		return
	}
	r.cells[x-1].ch = ' '
	r.cells[x].ch = ' '
	r.fresh = false
}

// grid is the visible part of a screen: a ring of rows, so that scrolling all
// of it moves one index.
type grid struct {
	cols, rows int
	ring       []*row
	head       int
}

func newGrid(cols, rows int) *grid {
	g := &grid{cols: cols, rows: rows, ring: make([]*row, rows)}
	all, lines := make([]cell, cols*rows), make([]row, rows)
	for i := range lines {
		lines[i].cells = all[i*cols : (i+1)*cols : (i+1)*cols]
		g.ring[i] = &lines[i]
	}
	return g
}

// row returns line y, counted from the top.
func (g *grid) row(y int) *row { return g.ring[g.place(y)] }

// place is where line y is in the ring.
func (g *grid) place(y int) int {
	i := g.head + y
	if i >= g.rows {
		i -= g.rows
	}
	return i
}

// rotateUp moves all rows up by one; the old top row, uncleared, becomes the bottom.
func (g *grid) rotateUp() {
	g.head++
	if g.head == g.rows {
		g.head = 0
	}
}

// scrollUp moves rows [top, bottom] up by n; blank rows come in below.
func (g *grid) scrollUp(top, bottom, n int, blank cell) {
	n = min(n, bottom-top+1)
	if top == 0 && bottom == g.rows-1 {
		for range n {
			g.row(0).clear(blank)
			g.rotateUp()
		}
		return
	}
	g.rotate(top, bottom, n)
	for y := bottom - n + 1; y <= bottom; y++ {
		g.row(y).clear(blank)
	}
}

// scrollDown moves rows [top, bottom] down by n; blank rows come in above.
func (g *grid) scrollDown(top, bottom, n int, blank cell) {
	n = min(n, bottom-top+1)
	g.rotate(top, bottom, bottom-top+1-n)
	for y := top; y < top+n; y++ {
		g.row(y).clear(blank)
	}
}

// rotate moves rows [top, bottom] up by n, those that leave at the top back in
// at the bottom.
func (g *grid) rotate(top, bottom, n int) {
	g.reverse(top, top+n-1)
	g.reverse(top+n, bottom)
	g.reverse(top, bottom)
}

// reverse turns the order of rows [a, b] round.
func (g *grid) reverse(a, b int) {
	for a < b {
		i, k := g.place(a), g.place(b)
		g.ring[i], g.ring[k] = g.ring[k], g.ring[i]
		a++
		b--
	}
}

// touch notes that every row has to be drawn again.
func (g *grid) touch() {
	for i := range g.ring {
		g.ring[i].fresh = false
	}
}
