package terminal

// reflower wraps lines anew. Cells go in row by row and come out the same way;
// a soft-wrapped line is joined before it is cut, and never held whole.
type reflower struct {
	oldCols, cols int
	line          []cell // of the line being joined, what is not yet emitted
	emit          func(cells []cell, wrapped bool)
	emitted       int // rows so far
	mark          int // the cursor's place in line, or -1
	markX, markY  int // the cursor's place in the rows emitted
}

// add takes the cells of one old row.
func (f *reflower) add(cells []cell, wrapped bool) {
	if wrapped {
		if len(cells) == f.oldCols && cells[len(cells)-1].ch == 0 {
			cells = cells[:len(cells)-1] // the gap before a wide character that did not fit
		}
		f.line = append(f.line, cells...)
		f.cut()
		return
	}
	text := cells
	for len(text) > 0 && text[len(text)-1].ch == 0 {
		text = text[:len(text)-1]
	}
	f.line = append(f.line, text...)
	f.cut()
	// Erased cells in a colour stay to the right of the text.
	for i := len(text); i < len(cells) && len(f.line) < f.cols; i++ {
		f.line = append(f.line, cells[i])
	}
	if n := len(cells); n == f.oldCols && n > len(text) {
		for len(f.line) < f.cols {
			f.line = append(f.line, cells[n-1])
		}
	}
	f.flush(false)
}

// cut emits rows while more than one is waiting.
func (f *reflower) cut() {
	at := 0
	for len(f.line)-at > f.cols {
		n := f.cols
		if f.line[at+n].ch&glyphTail != 0 && n > 1 {
			n--
		}
		f.out(f.line[at:at+n], true)
		at += n
	}
	f.line = f.line[:copy(f.line, f.line[at:])]
}

// flush emits the end of a line, or of the history before the screen's rows.
func (f *reflower) flush(wrapped bool) {
	if f.mark >= 0 {
		f.markX, f.markY = min(f.mark, f.cols), f.emitted
		f.mark = -1
	}
	f.out(f.line, wrapped)
	f.line = f.line[:0]
}

func (f *reflower) out(cells []cell, wrapped bool) {
	if len(cells) > 0 {
		mendEdges(cells) // one column has no room for two
	}
	if f.mark >= 0 {
		if f.mark < len(cells) {
			f.markX, f.markY = f.mark, f.emitted
			f.mark = -1
		} else {
			f.mark -= len(cells)
		}
	}
	f.emit(cells, wrapped)
	f.emitted++
}

// reflow gives the main screen and the history a new size.
func (s *Screen) reflow(cols, rows int) {
	cur := &s.cur
	if s.alternate() {
		cur = &s.main.saved
	}
	content := s.contentRows(cur.y)
	spare := s.rows - content
	var lines []row
	if cols == s.cols {
		lines = s.takeRows(content)
	} else {
		lines = s.rewrap(cols, content, cur)
		spare -= len(lines) - content
	}
	if rows < s.rows {
		spare -= s.rows - rows
	}
	s.layOut(cols, rows, lines, max(spare, 0), cur)
}

// contentRows is how many rows of the main screen hold text or the cursor.
func (s *Screen) contentRows(cursor int) int {
	for y := s.rows - 1; y > cursor; y-- {
		if s.main.grid.row(y).used > 0 {
			return y + 1
		}
	}
	return min(cursor, s.rows-1) + 1
}

func (s *Screen) takeRows(n int) []row {
	lines := make([]row, n)
	for y := range lines {
		lines[y] = *s.main.grid.row(y)
	}
	return lines
}

// rewrap wraps the history and the first content rows of the main screen to a
// new width. It returns the screen's rows; the cursor is relative to them.
func (s *Screen) rewrap(cols, content int, cur *cursor) []row {
	old := s.history
	s.history = &history{budget: old.budget}
	s.pool.clusters.limit = int(glyphMask)
	f := &reflower{oldCols: s.cols, cols: cols, mark: -1}
	f.emit = func(cells []cell, wrapped bool) {
		s.history.push(&row{cells: cells, used: len(cells), wrapped: wrapped}, s.pool)
	}
	d := decoder{pool: s.pool}
	var cells []cell
	for _, b := range old.blocks {
		if len(f.line) == 0 && !b.wraps && b.width <= cols {
			s.history.adopt(b) // nothing in it to wrap or to join
			continue
		}
		for i := range b.ends {
			cells = d.appendCells(cells[:0], b.line(i))
			f.add(cells, lineWrapped(b.line(i)))
		}
	}
	var lines []row
	f.emitted = 0
	f.emit = func(cells []cell, wrapped bool) {
		lines = append(lines, row{cells: append(make([]cell, 0, cols), cells...), used: len(cells), wrapped: wrapped})
	}
	for y := range content {
		r := s.main.grid.row(y)
		if y == cur.y {
			f.mark = len(f.line) + cur.x
			if cur.pending {
				f.mark++
			}
		}
		f.add(r.cells[:r.used], r.wrapped && y < content-1)
	}
	cur.x, cur.y = f.markX, f.markY
	cur.pending = cur.pending && cur.x == cols
	return lines
}

// layOut puts lines on a new main grid with spare blank rows below. When there
// are too many, the first of them move to the history, but never the cursor's;
// when there is room, lines come back from it.
func (s *Screen) layOut(cols, rows int, lines []row, spare int, cur *cursor) {
	over := min(len(lines)+spare-rows, cur.y)
	for i := range max(over, 0) {
		s.history.push(&lines[i], s.pool)
	}
	lines = lines[max(over, 0):]
	g := newGrid(cols, rows)
	s.main.grid = g
	y := s.pullBack(g, -over)
	for i := range lines[:min(len(lines), rows-y)] {
		r := g.row(y + i)
		r.used = copy(r.cells, lines[i].cells[:lines[i].used])
		r.wrapped = lines[i].wrapped
	}
	cur.y = clamp(cur.y-max(over, 0)+y, 0, rows-1)
	s.collectClusters()
	s.collectExtras()
}

// pullBack moves the last n lines of the history to the top of g, and returns
// how many there were.
func (s *Screen) pullBack(g *grid, n int) int {
	n = clamp(n, 0, s.history.end()-s.history.begin())
	d := decoder{pool: s.pool}
	for y := n - 1; y >= 0; y-- {
		line := s.history.line(s.history.end() - 1)
		r := g.row(y)
		cells := d.appendCells(nil, line)
		r.used = copy(r.cells, cells)
		r.wrapped = lineWrapped(line)
		s.history.pop()
	}
	return n
}
