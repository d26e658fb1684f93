package terminal

import (
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// printASCII writes a run of printable ASCII at the cursor: the fast path.
func (s *Screen) printASCII(b []byte) {
	if s.modes.insert || !s.cur.charsets.ascii() {
		for _, c := range b {
			s.printRune(rune(c))
		}
		return
	}
	s.last = rune(b[len(b)-1])
	for len(b) > 0 {
		if s.cur.pending {
			s.wrap()
		}
		end := s.lineEnd()
		n := min(end-s.cur.x, len(b))
		s.putASCII(b[:n])
		b = b[n:]
		s.cur.x += n
		if s.cur.x < end {
			continue
		}
		s.cur.x = end - 1
		if s.modes.autowrap {
			s.cur.pending = true
		} else if len(b) > 0 {
			b = b[len(b)-1:] // the rest overwrites the last column, one after another
		}
	}
}

// putASCII stores b at the cursor; it fits the line.
func (s *Screen) putASCII(b []byte) {
	r := s.grid.row(s.cur.y)
	x, end := s.cur.x, s.cur.x+len(b)
	if x < r.used {
		r.splitAt(x)
		r.splitAt(end)
	}
	r.fresh = false
	cells := r.cells[x:end]
	c := s.cur.pen
	for i, ch := range b[:len(cells)] {
		c.ch = glyph(ch)
		cells[i] = c
	}
	if end > r.used {
		r.used = end
	}
	if end == s.cols {
		r.wrapped = false // until the next character does wrap
	}
}

// lineEnd is the column after the last that text at the cursor may reach.
func (s *Screen) lineEnd() int {
	if s.cur.x <= s.right {
		return s.right + 1
	}
	return s.cols
}

// wrap continues on the next line, as autowrap does at the right margin.
func (s *Screen) wrap() {
	s.cur.pending = false
	if s.cur.x == s.cols-1 && s.left == 0 {
		s.grid.row(s.cur.y).wrapped = true
	}
	s.lineFeed()
	if s.cur.x >= s.left {
		s.cur.x = s.left
	} else {
		s.cur.x = 0
	}
}

// printRune writes one code point: a new cell, or a part of the one before.
func (s *Screen) printRune(r rune) {
	if r < 0xa0 {
		if r >= 0x80 {
			s.c1(byte(r))
			return
		}
		r = s.cur.charsets.translate(r)
	}
	switch classify(r) {
	case classNarrow:
		s.putRune(r, 1)
	case classWide:
		s.putRune(r, 2)
	default:
		s.printComplex(r)
	}
}

// putRune writes a code point that begins a new cell.
func (s *Screen) putRune(r rune, width int) {
	s.last = r
	s.put(glyph(r), width)
}

// put writes a glyph at the cursor and moves on.
func (s *Screen) put(g glyph, width int) {
	if s.cur.pending {
		s.wrap()
	}
	end := s.lineEnd()
	if s.cur.x+width > end {
		if !s.modes.autowrap || width > s.lineWidth() {
			if end-width < 0 {
				g, width = ' ', 1 // no room for it on this screen
			}
			s.cur.x = end - width
		} else {
			s.eraseCells(s.cur.y, s.cur.x, end, s.blank())
			s.cur.x = end - 1
			s.wrap()
			end = s.lineEnd()
		}
	}
	if s.modes.insert {
		s.insertBlanks(width)
	}
	s.store(g, width)
	s.cur.x += width
	if s.cur.x >= end {
		s.cur.x = end - 1
		s.cur.pending = s.modes.autowrap
	}
}

// lineWidth is the room between the margins that hold the cursor.
func (s *Screen) lineWidth() int {
	if s.cur.x <= s.right && s.cur.x >= s.left {
		return s.right - s.left + 1
	}
	return s.cols
}

// store puts a glyph into the cells at the cursor.
func (s *Screen) store(g glyph, width int) {
	r := s.grid.row(s.cur.y)
	x := s.cur.x
	r.splitAt(x)
	r.splitAt(x + width)
	r.fresh = false
	if width == 2 {
		r.cells[x] = s.cur.pen.with(g | glyphWide)
		r.cells[x+1] = s.cur.pen.with(glyphTail)
	} else {
		r.cells[x] = s.cur.pen.with(g)
	}
	r.used = max(r.used, x+width)
	if x+width == s.cols {
		r.wrapped = false
	}
}

// printComplex writes a code point that may join the character before it:
// marks, joiners, modifiers, emoji, flags, conjoining letters.
func (s *Screen) printComplex(r rune) {
	if s.joinPrevious(r) {
		return
	}
	switch displaywidth.Rune(r) {
	case 0: // nothing to show, and nothing to attach it to
	case 1:
		s.putRune(r, 1)
	default:
		s.putRune(r, 2)
	}
}

// joinPrevious adds r to the character before the cursor when both are one
// grapheme cluster (UAX #29), and reports whether it did, or dropped it for length.
func (s *Screen) joinPrevious(r rune) bool {
	x, ok := s.previous()
	if !ok {
		return false
	}
	row := s.grid.row(s.cur.y)
	c := row.cells[x]
	if blank := c.ch == 0 || c.ch == ' '; blank && displaywidth.Rune(r) > 0 {
		return false // an emoji modifier, say, on its own
	} else if blank {
		c.ch = ' '
	}
	text := s.pool.appendText(s.scratch[:0], c.ch)
	before := len(text)
	tooLong := before+utf8.RuneLen(r) > maxClusterBytes
	if tooLong && displaywidth.Rune(r) == 0 {
		return true // dropped, without looking further
	}
	text = utf8.AppendRune(text, r)
	s.scratch = text
	if firstCluster(text) <= before {
		return false
	}
	if tooLong {
		return true
	}
	g, ok := s.internCluster(text)
	if !ok {
		return true
	}
	row.fresh = false
	row.used = max(row.used, x+1)
	s.widen(row, x, g, displaywidth.Bytes(text))
	return true
}

// previous returns the column of the character before the cursor.
func (s *Screen) previous() (x int, ok bool) {
	x = s.cur.x
	if !s.cur.pending {
		x--
	}
	row := s.grid.row(s.cur.y)
	if x > 0 && x < row.used && row.cells[x].ch&glyphTail != 0 {
		x--
	}
	return x, x >= 0
}

// widen gives the character at column x a new glyph, whose width may differ:
// a variation selector or a second flag letter makes two columns of one.
func (s *Screen) widen(row *row, x int, g glyph, width int) {
	old := row.cells[x]
	switch {
	case old.ch&glyphWide != 0 && width >= 2:
		row.cells[x].ch = g | glyphWide
	case old.ch&glyphWide == 0 && width < 2:
		row.cells[x].ch = g
	case old.ch&glyphWide != 0: // shrinks
		row.cells[x].ch = g
		row.cells[x+1].ch = ' '
		if s.cur.pending {
			s.cur.pending = false
		} else if s.cur.x == x+2 {
			s.cur.x--
		}
	default:
		s.rewriteWide(row, x, g)
	}
}

// rewriteWide writes the cluster that grew to two columns again, from its own column.
func (s *Screen) rewriteWide(row *row, x int, g glyph) {
	pen := s.cur.pen
	s.cur.pen = row.cells[x].with(0)
	s.cur.x, s.cur.pending = x, false
	insert := s.modes.insert
	s.modes.insert = false
	s.put(g, 2)
	s.cur.pen, s.modes.insert = pen, insert
}

// appendText appends the text of a glyph.
func (p *pool) appendText(dst []byte, g glyph) []byte {
	if g&glyphCluster != 0 {
		return append(dst, p.clusters.text[g&glyphMask]...)
	}
	return utf8.AppendRune(dst, rune(g&glyphMask))
}
