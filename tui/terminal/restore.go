package terminal

import (
	"fmt"
	"slices"
)

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
		w.style(cell{})
		w.out("\x1b[2J" + plainCharsets)
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
	p.lock()
	defer p.mu.Unlock()
	return p.screen.Restore()
}

// plainCharsets makes all sets ASCII. A single shift goes on, but changes nothing.
const plainCharsets = "\x1b(B\x1b)B\x1b*B\x1b+B\x0f"

type restorer struct {
	screen *Screen
	pool   *pool
	buf    []byte
	now    cell // style in force
	uri    string

	rows    int    // written so far
	wrapped bool   // the last of them wraps
	width   int    // of its text
	end     []byte // its last glyph
	// coloured says that erased cells in a colour follow the text
	coloured bool
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
		w.row(r.cells[:r.used], r.wrapped)
	}
}

// placeRows writes the rows of the alternate screen, each at its place.
func (w *restorer) placeRows(g *grid) {
	for y := range g.rows {
		r := g.row(y)
		w.out("\x1b[%dH", y+1)
		w.oneRow(r.cells[:r.used])
	}
	w.style(cell{})
}

// row writes the next row. It comes after a newline, or without one where the
// text of the row before wraps into it.
func (w *restorer) row(cells []cell, wrapped bool) {
	if w.rows > 0 && !(w.wrapped && w.wrapsInto(cells)) {
		w.style(cell{})
		w.out("\r\n")
	}
	w.rows++
	w.oneRow(cells)
	w.wrapped = wrapped && !w.hazardous(cells)
	w.width = len(cells)
	for w.width > 0 && cells[w.width-1].ch == 0 {
		w.width--
	}
	w.coloured = w.width < len(cells)
	w.end = w.end[:0]
	for x := w.width - 1; x >= 0 && len(w.end) == 0; x-- {
		if cells[x].ch&glyphTail == 0 {
			w.end = w.pool.appendText(w.end, cells[x].ch)
		}
	}
}

// wrapsInto reports whether printing cells after the row before begins a new row.
func (w *restorer) wrapsInto(cells []cell) bool {
	if len(cells) == 0 || cells[0].ch == 0 || w.hazardous(cells) || w.joins(w.end, cells[0].ch) {
		return false
	}
	if cells[0].bg != 0 && hasGaps(cells, w.screen.cols) {
		return false // scrolling would fill them with the colour
	}
	gap := 0
	if cells[0].ch&glyphWide != 0 && cells[0].bg == 0 {
		gap = 1
	}
	return w.width == w.screen.cols || w.width == w.screen.cols-gap && !w.coloured
}

func hasGaps(cells []cell, cols int) bool {
	return len(cells) < cols || slices.ContainsFunc(cells, func(c cell) bool { return c.ch == 0 })
}

func (w *restorer) oneRow(cells []cell) {
	if w.hazardous(cells) {
		w.backwards(cells)
	} else {
		w.cells(cells)
	}
}

// hazardous reports whether neighbours in a row would join when they are
// written one after the other: they came there by cursor addressing.
func (w *restorer) hazardous(cells []cell) bool {
	before := glyph(0)
	for _, c := range cells {
		if c.ch&glyphTail != 0 {
			continue
		}
		if before != 0 && c.ch != 0 && w.joins(w.pool.appendText(nil, before), c.ch) {
			return true
		}
		before = c.ch
	}
	return false
}

// joins reports whether a glyph would join the text before it.
func (w *restorer) joins(before []byte, g glyph) bool {
	if g&glyphCluster == 0 && classify(rune(g&glyphMask)) != classComplex {
		return false
	}
	n := len(before)
	return n > 0 && firstCluster(w.pool.appendText(before, g)) > n
}

// backwards writes a row from right to left, so that nothing can join.
func (w *restorer) backwards(cells []cell) {
	for x := len(cells) - 1; x >= 0; x-- {
		if cells[x].ch&glyphTail != 0 {
			continue
		}
		w.out("\x1b[%dG", x+1)
		w.cells(cells[x : x+1])
	}
}

// cells writes cells from the cursor on.
func (w *restorer) cells(cells []cell) {
	for x := 0; x < len(cells); x++ {
		c := cells[x]
		if c.ch&glyphTail != 0 {
			continue
		}
		if c.ch == 0 && c.with(0) != (cell{bg: c.bg}) {
			c.ch = ' ' // erasing leaves no attributes
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
		w.empty(c, n, x == len(cells)-1)
	}
}

// empty writes n never-written cells: erased, not blanks.
func (w *restorer) empty(c cell, n int, last bool) {
	if !c.plain() {
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
