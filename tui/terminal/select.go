package terminal

import "strings"

// SelectionUnit is what a selection grows by.
type SelectionUnit int

// Units of selection.
const (
	SelectCells SelectionUnit = iota
	SelectWords
	SelectLines
)

// point is a place in the text: line number and column.
type point struct{ line, col int }

func (a point) before(b point) bool {
	return a.line < b.line || a.line == b.line && a.col < b.col
}

// selection is a stretch of text: from where it was begun to where it was last
// extended, both included, widened to whole units.
type selection struct {
	active       bool
	unit         SelectionUnit
	anchor, head point
	from, to     point // widened; to is included
}

// columns returns the selected columns [from, to) of line n.
func (s *selection) columns(n, cols int) (from, to int) {
	if !s.active || n < s.from.line || n > s.to.line {
		return 0, 0
	}
	to = cols
	if n == s.from.line {
		from = s.from.col
	}
	if n == s.to.line {
		to = s.to.col + 1
	}
	return from, to
}

// pointAt is the place in the text under a cell of the pane.
func (p *Pane) pointAt(x, y int) point {
	s := p.screen
	return point{p.firstLine() + clamp(y, 0, s.rows-1), clamp(x, 0, s.cols-1)}
}

// SelectStart begins a selection at a cell of the pane.
func (p *Pane) SelectStart(x, y int, unit SelectionUnit) {
	p.change(func() {
		at := p.pointAt(x, y)
		p.selection = selection{active: true, unit: unit, anchor: at, head: at}
		p.widenSelection()
	})
}

// SelectTo extends the selection to a cell of the pane. Above or below the
// pane it scrolls by that many lines first.
func (p *Pane) SelectTo(x, y int) {
	p.change(func() {
		if !p.selection.active {
			return
		}
		if y < 0 {
			p.scrollTo(p.offset() - y)
		} else if over := y - p.screen.rows + 1; over > 0 {
			p.scrollTo(p.offset() - over)
		}
		p.selection.head = p.pointAt(x, y)
		p.widenSelection()
	})
}

// SelectBy moves the end of the selection by columns and lines, for selecting
// with keys, and scrolls so that it can be seen.
func (p *Pane) SelectBy(cols, lines int) {
	p.change(func() {
		sel := &p.selection
		if !sel.active {
			return
		}
		sel.head.col = clamp(sel.head.col+cols, 0, p.screen.cols-1)
		sel.head.line = clamp(sel.head.line+lines, p.oldestLine(), p.lastLine())
		p.reveal(sel.head.line)
		p.widenSelection()
	})
}

// reveal scrolls as little as needed to show a line.
func (p *Pane) reveal(line int) {
	first := p.firstLine()
	switch {
	case line < first:
		p.scrollTo(p.offset() + first - line)
	case line >= first+p.screen.rows:
		p.scrollTo(p.offset() - (line - first - p.screen.rows + 1))
	}
}

// ClearSelection ends the selection.
func (p *Pane) ClearSelection() { p.change(func() { p.selection = selection{} }) }

// HasSelection reports whether text is selected.
func (p *Pane) HasSelection() bool {
	p.lock()
	defer p.mu.Unlock()
	return p.selection.active
}

// widenSelection puts the ends in order and moves them to whole units.
func (p *Pane) widenSelection() {
	sel := &p.selection
	sel.from, sel.to = sel.anchor, sel.head
	if sel.to.before(sel.from) {
		sel.from, sel.to = sel.to, sel.from
	}
	switch sel.unit {
	case SelectWords:
		sel.from, sel.to = p.wordStart(sel.from), p.wordEnd(sel.to)
	case SelectLines:
		sel.from, sel.to = p.lineStart(sel.from), p.lineEndPoint(sel.to)
	}
	p.wholeGlyphs()
}

// wholeGlyphs moves the ends so that no double-width character is cut.
func (p *Pane) wholeGlyphs() {
	sel := &p.selection
	if g := p.glyphAt(sel.from); g&glyphTail != 0 && sel.from.col > 0 {
		sel.from.col--
	}
	if g := p.glyphAt(sel.to); g&glyphWide != 0 {
		sel.to.col++
	}
}

func (p *Pane) glyphAt(at point) glyph {
	cells, _, _ := p.line(at.line)
	if at.col >= len(cells) {
		return 0
	}
	return cells[at.col].ch
}

// wordClass sorts characters for word selection: blanks, words, the rest.
func wordClass(g glyph) int {
	r := rune(g & glyphMask)
	switch {
	case g == 0 || r == ' ' && g&glyphCluster == 0:
		return 0
	case g&(glyphCluster|glyphWide|glyphTail) != 0 || r >= 0x80:
		return 1
	case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
		return 1
	case strings.ContainsRune("_-./~@%+:?&=#", r): // paths and addresses are words
		return 1
	}
	return 2
}

// maxWord is how far a word is followed in either direction, in columns.
const maxWord = 4096

// wordStart and wordEnd go to the ends of the word at a point, over soft wraps.
func (p *Pane) wordStart(at point) point {
	class := wordClass(p.glyphAt(at))
	for range maxWord {
		before := point{at.line, at.col - 1}
		if before.col < 0 {
			if !p.wraps(at.line - 1) {
				return at
			}
			before = point{at.line - 1, p.screen.cols - 1}
		}
		if wordClass(p.glyphAt(before)) != class {
			return at
		}
		at = before
	}
	return at
}

func (p *Pane) wordEnd(at point) point {
	class := wordClass(p.glyphAt(at))
	for range maxWord {
		after := point{at.line, at.col + 1}
		if after.col >= p.screen.cols {
			if !p.wraps(at.line) {
				return at
			}
			after = point{at.line + 1, 0}
		}
		if wordClass(p.glyphAt(after)) != class {
			return at
		}
		at = after
	}
	return at
}

// lineStart and lineEndPoint go to the ends of the line, over soft wraps.
func (p *Pane) lineStart(at point) point {
	for p.wraps(at.line - 1) {
		at.line--
	}
	return point{at.line, 0}
}

func (p *Pane) lineEndPoint(at point) point {
	for p.wraps(at.line) {
		at.line++
	}
	return point{at.line, p.screen.cols - 1}
}

// wraps reports whether line n goes on in the next.
func (p *Pane) wraps(n int) bool {
	if n < p.oldestLine() || n >= p.lastLine() {
		return false
	}
	if n < p.screen.history.end() {
		return lineWrapped(p.screen.history.line(n))
	}
	return p.screen.grid.row(n - p.screen.history.end()).wrapped
}

// SelectedText returns the selected text: soft-wrapped lines in one piece,
// others with a newline and without the blanks at their end.
func (p *Pane) SelectedText() string {
	p.lock()
	defer p.mu.Unlock()
	sel := &p.selection
	if !sel.active {
		return ""
	}
	return p.text(sel)
}

// AllText returns the whole text, scrollback and screen, as SelectedText does.
func (p *Pane) AllText() string {
	p.lock()
	defer p.mu.Unlock()
	all := selection{active: true, from: point{p.oldestLine(), 0}, to: point{p.lastLine(), p.screen.cols - 1}}
	return strings.TrimRight(p.text(&all), "\n") + "\n"
}

func (p *Pane) text(sel *selection) string {
	var out []byte
	for n := max(sel.from.line, p.oldestLine()); n <= min(sel.to.line, p.lastLine()); n++ {
		from, to := sel.columns(n, p.screen.cols)
		out = p.appendColumns(out, n, from, to)
		if n < sel.to.line && !p.wraps(n) {
			out = append(out, '\n')
		}
	}
	return string(out)
}

// appendColumns appends the text of columns [from, to) of line n. Blanks at the
// end of a line that does not wrap are not text.
func (p *Pane) appendColumns(dst []byte, n, from, to int) []byte {
	cells, wrapped, pool := p.line(n)
	to = min(to, len(cells))
	start := len(dst)
	for x := from; x < to; x++ {
		switch g := cells[x].ch; {
		case g&glyphTail != 0:
		case g == 0:
			dst = append(dst, ' ')
		default:
			dst = pool.appendText(dst, g)
		}
	}
	if !wrapped && to == len(cells) {
		for len(dst) > start && dst[len(dst)-1] == ' ' {
			dst = dst[:len(dst)-1]
		}
	}
	return dst
}
