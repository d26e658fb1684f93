package terminal

import "fmt"

// defaultRestoreLines is how much history Restore writes when Options names nothing.
const defaultRestoreLines = 1000

// Restore returns bytes that make a freshly reset terminal of the same size
// look and behave like this one: the last lines of the history, both screens,
// the cursor and what it carries, margins, tab stops, modes, colours. There is
// no query and no title among them.
func (s *Screen) Restore() []byte {
	w := &restorer{screen: s, pool: s.pool}
	w.history()
	w.grid(s.main.grid)
	w.style(cell{})
	w.palette()
	w.tabs()
	w.kitty(&s.main.kitty)
	if s.alternate() {
		w.saved(&s.main.saved)
		w.out("\x1b[?1049h")
		w.placeRows(s.alt.grid)
		w.kitty(&s.alt.kitty)
	}
	w.margins()
	if s.active.saved != (cursor{}) {
		w.saved(&s.active.saved)
		w.out("\x1b7")
	}
	w.cursor(&s.cur)
	w.modes()
	return w.buf
}

// Restore returns bytes that bring a fresh terminal to this one's state: see Screen.Restore.
func (p *Pane) Restore() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.screen.Restore()
}

type restorer struct {
	screen *Screen
	pool   *pool
	buf    []byte
	now    cell // style in force
	uri    string
}

func (w *restorer) out(format string, args ...any) { w.buf = fmt.Appendf(w.buf, format, args...) }

// history writes the last lines of the history. They scroll off as more follows.
func (w *restorer) history() {
	s := w.screen
	limit := s.opts.RestoreLines
	if limit == 0 {
		limit = defaultRestoreLines
	}
	begin := max(s.history.begin(), s.history.end()-max(limit, 0))
	d := decoder{}
	var cells []cell
	for n := begin; n < s.history.end(); n++ {
		d.pool = newPool(s.cols)
		w.pool = d.pool
		line := s.history.line(n)
		cells = d.appendCells(cells[:0], line)
		w.row(cells, lineWrapped(line))
	}
	w.pool = s.pool
}

// grid writes all rows of the main screen, one after the other.
func (w *restorer) grid(g *grid) {
	for y := range g.rows {
		r := g.row(y)
		if y < g.rows-1 {
			w.row(r.cells[:r.used], r.wrapped)
		} else {
			w.cells(r.cells[:r.used], false)
		}
	}
}

// placeRows writes the rows of the alternate screen, each at its place.
func (w *restorer) placeRows(g *grid) {
	for y := range g.rows {
		if r := g.row(y); r.used > 0 {
			w.out("\x1b[%dH", y+1)
			w.cells(r.cells[:r.used], false)
		}
	}
	w.style(cell{})
}

// row writes one row and what ends it: a newline, or nothing when text wraps.
func (w *restorer) row(cells []cell, wrapped bool) {
	if hazardous(cells) {
		w.backwards(cells)
		wrapped = false
	} else {
		w.cells(cells, wrapped)
	}
	if !wrapped {
		w.style(cell{})
		w.out("\r\n")
	}
}

// hazardous reports whether neighbours in a row might join when they are
// written one after the other.
func hazardous(cells []cell) bool {
	for x := 1; x < len(cells); x++ {
		g := cells[x].ch
		if g&glyphCluster != 0 || g != 0 && g&glyphTail == 0 && classify(rune(g&glyphMask)) == classComplex {
			return true
		}
	}
	return false
}

// backwards writes a row from right to left, so that nothing can join.
func (w *restorer) backwards(cells []cell) {
	for x := len(cells) - 1; x >= 0; x-- {
		if cells[x].ch&glyphTail != 0 {
			continue
		}
		w.out("\x1b[%dG", x+1)
		w.cells(cells[x:x+1], false)
	}
}

// cells writes cells from the cursor on.
func (w *restorer) cells(cells []cell, wrapped bool) {
	for x := 0; x < len(cells); x++ {
		c := cells[x]
		if c.ch&glyphTail != 0 {
			continue
		}
		if c.ch != 0 {
			w.style(c)
			w.buf = w.pool.appendText(w.buf, c.ch)
			continue
		}
		n := 1
		for x+n < len(cells) && cells[x+n] == c {
			n++
		}
		x += n - 1
		w.empty(c, n, x == len(cells)-1, wrapped)
	}
}

// empty writes n never-written cells: erased, not blanks.
func (w *restorer) empty(c cell, n int, last, wrapped bool) {
	switch {
	case last && wrapped: // the gap before a double-width character
		return
	case c.plain():
	default:
		w.style(c)
		w.out("\x1b[%dX", n)
	}
	if !last {
		w.out("\x1b[%dC", n)
	}
}

// style brings the terminal's pen to that of c.
func (w *restorer) style(c cell) {
	if c.sameStyle(w.now) {
		return
	}
	if (c.at^w.now.at)&attrProtected != 0 {
		w.out("\x1b[%d\"q", b2i(c.at&attrProtected != 0))
	}
	w.buf = appendSGR(w.buf, c, w.pool)
	e := w.pool.extras.get(c.ext)
	if e.uri != w.uri {
		id := ""
		if e.id != "" {
			id = "id=" + e.id
		}
		w.out("\x1b]8;%s;%s\x1b\\", id, e.uri)
		w.uri = e.uri
	}
	w.now = c.with(0)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
