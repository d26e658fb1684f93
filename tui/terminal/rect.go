package terminal

// area is a rectangle of cells: rows [top, bottom), columns [left, right).
type area struct{ top, left, bottom, right int }

// areaFrom reads Pt;Pl;Pb;Pr from parameter i on, in origin mode relative to
// the margins and held inside them.
func (s *Screen) areaFrom(p *params, i int) area {
	limit := area{0, 0, s.rows, s.cols}
	if s.cur.origin {
		limit = area{s.top, s.left, s.bottom + 1, s.right + 1}
	}
	return area{
		top:    limit.top + p.get(i, 1) - 1,
		left:   limit.left + p.get(i+1, 1) - 1,
		bottom: min(limit.top+p.get(i+2, limit.bottom-limit.top), limit.bottom),
		right:  min(limit.left+p.get(i+3, limit.right-limit.left), limit.right),
	}
}

func (a area) empty() bool { return a.top >= a.bottom || a.left >= a.right }

// eachRow gives the columns of each row of an area.
func (s *Screen) eachRow(a area, visit func(y, from, to int)) {
	for y := a.top; y < a.bottom && !a.empty(); y++ {
		visit(y, a.left, a.right)
	}
}

// fillArea is DECFRA: a rectangle of one character.
func (s *Screen) fillArea(p *params) {
	c := rune(p.get(0, 0))
	if c < 0x20 || c > 0x7e && c < 0xa0 || classify(c) != classNarrow {
		return
	}
	fill := s.cur.pen.with(glyph(s.cur.charsets.translate(c)))
	s.eachRow(s.areaFrom(p, 1), func(y, from, to int) {
		s.eraseCells(y, from, to, fill)
	})
}

// eraseArea is DECERA, and DECSERA when selective.
func (s *Screen) eraseArea(p *params, selective bool) {
	keep := s.keeps(selective)
	s.eachRow(s.areaFrom(p, 0), func(y, from, to int) {
		s.erasePart(y, from, to, keep)
	})
}

// copyArea is DECCRA. There is one page.
func (s *Screen) copyArea(p *params) {
	src := s.areaFrom(p, 0)
	if src.empty() {
		return
	}
	dst := s.areaFrom(&params{v: [maxParams]int32{p.v[5], p.v[6]}, n: clamp(p.n-5, 0, 2)}, 0)
	dst.bottom = min(dst.top+src.bottom-src.top, dst.bottom)
	dst.right = min(dst.left+src.right-src.left, dst.right)
	if dst.empty() {
		return
	}
	height, width := dst.bottom-dst.top, dst.right-dst.left
	line := make([]cell, width)
	for i := range height {
		if dst.top > src.top {
			i = height - 1 - i
		}
		from := s.grid.row(src.top + i)
		copy(line, from.cells[src.left:src.left+width])
		mendEdges(line)
		s.paste(dst.top+i, dst.left, line)
	}
}

// mendEdges blanks halves of wide characters that a cut left over.
func mendEdges(line []cell) {
	if line[0].ch&glyphTail != 0 {
		line[0].ch = ' '
	}
	if last := &line[len(line)-1]; last.ch&glyphWide != 0 {
		last.ch = ' '
	}
}

// paste puts cells into row y from column x on.
func (s *Screen) paste(y, x int, line []cell) {
	r := s.grid.row(y)
	r.splitAt(x)
	r.splitAt(x + len(line))
	copy(r.cells[x:], line)
	r.used = max(r.used, x+len(line))
	r.fresh = false
}

// changeAttributes is DECCARA, and DECRARA when reversing.
func (s *Screen) changeAttributes(p *params, reverse bool) {
	a := s.areaFrom(p, 0)
	change := func(y, from, to int) {
		if from >= to {
			return
		}
		r := s.grid.row(y)
		r.used = max(r.used, to)
		r.fresh = false
		for x := from; x < to; x++ {
			for i := 4; i < max(p.n, 5); i++ {
				r.cells[x].at = areaAttr(r.cells[x].at, int32(p.raw(i, 0)), reverse)
			}
		}
	}
	if s.attrExtent == 2 {
		s.eachRow(a, change)
		return
	}
	for y := a.top; y < a.bottom; y++ { // a stream of positions, not a rectangle
		from, to := 0, s.cols
		if y == a.top {
			from = a.left
		}
		if y == a.bottom-1 {
			to = a.right
		}
		change(y, from, to)
	}
}

const areaAttrs = attrBold | attrBlink | attrReverse | attrConceal

// areaAttr applies one SGR number to a cell's attributes.
func areaAttr(a attr, n int32, reverse bool) attr {
	switch {
	case n == 0 && reverse:
		if a&underlineMask != 0 {
			return (a ^ areaAttrs) &^ underlineMask
		}
		return a ^ areaAttrs | underlineSingle
	case n == 0:
		return a &^ (areaAttrs | underlineMask)
	case !reverse:
		if n < 30 {
			return simpleAttr(a, n)
		}
		return a
	case n == 4:
		if a&underlineMask != 0 {
			return a &^ underlineMask
		}
		return a | underlineSingle
	case n == 1, n == 5, n == 7, n == 8:
		return a ^ simpleAttr(0, n)
	}
	return a
}

// reportChecksum is DECRQCRA: the negated sum of the characters and their
// attributes, as xterm computes it (XTCHECKSUM 0). Protection does not count.
func (s *Screen) reportChecksum(p *params) {
	id := p.get(0, 0)
	sum := 0
	s.eachRow(s.areaFrom(p, 2), func(y, from, to int) {
		r := s.grid.row(y)
		for x := from; x < to; x++ {
			sum += checksum(r.cells[x])
		}
	})
	s.reply("\x1bP%d!~%04X\x1b\\", id, -sum&0xffff)
}

func checksum(c cell) int {
	n := int(c.ch & glyphMask)
	if c.ch == 0 {
		n = ' '
	}
	for _, v := range []struct {
		a     attr
		value int
	}{{attrConceal, 8}, {underlineMask, 0x10}, {attrReverse, 0x20}, {attrBlink, 0x40}, {attrBold, 0x80}} {
		if c.at&v.a != 0 {
			n += v.value
		}
	}
	return n
}
