package terminal

// sgr is SGR: select graphic rendition (ECMA-48 8.3.117, ITU-T T.416 colours,
// xterm's and kitty's underline styles).
func (s *Screen) sgr(p *params) {
	if p.n == 0 {
		s.resetPen()
		return
	}
	pen := &s.cur.pen
	for i := 0; i < p.n; i++ {
		n := max(p.v[i], 0)
		switch {
		case n == 4 && i+1 < p.n && p.isSub(i+1):
			s.underlineStyle(p.v[i+1])
		case n == 38 || n == 48 || n == 58:
			c, used := parseColour(p, i)
			i += used
			if c != noColour {
				s.setColour(n, c)
			}
		case n == 0:
			s.resetPen()
		case n < 30:
			pen.at = simpleAttr(pen.at, n)
		case n < 38:
			pen.fg = colourIndexed | colour(n-30)
		case n == 39:
			pen.fg = 0
		case n >= 40 && n < 48:
			pen.bg = colourIndexed | colour(n-40)
		case n == 49:
			pen.bg = 0
		case n == 53:
			pen.at |= attrOverline
		case n == 55:
			pen.at &^= attrOverline
		case n == 59:
			s.setColour(58, 0)
		case n >= 90 && n < 98:
			pen.fg = colourIndexed | colour(n-90+8)
		case n >= 100 && n < 108:
			pen.bg = colourIndexed | colour(n-100+8)
		}
		for i+1 < p.n && p.isSub(i+1) {
			i++
		}
	}
}

// resetPen is SGR 0: all but protection and hyperlink.
func (s *Screen) resetPen() {
	e := s.pool.extras.get(s.cur.pen.ext)
	s.cur.pen = cell{at: s.cur.pen.at & attrProtected, ext: s.cur.pen.ext}
	if e.underline != 0 {
		e.underline = 0
		s.cur.pen.ext = s.internExtra(e)
	}
}

func simpleAttr(a attr, n int32) attr {
	switch n {
	case 1:
		return a | attrBold
	case 2:
		return a | attrFaint
	case 3:
		return a | attrItalic
	case 4:
		return a&^underlineMask | underlineSingle
	case 5, 6:
		return a | attrBlink
	case 7:
		return a | attrReverse
	case 8:
		return a | attrConceal
	case 9:
		return a | attrStrike
	case 21:
		return a&^underlineMask | underlineDouble
	case 22:
		return a &^ (attrBold | attrFaint)
	case 23:
		return a &^ attrItalic
	case 24:
		return a &^ underlineMask
	case 25:
		return a &^ attrBlink
	case 27:
		return a &^ attrReverse
	case 28:
		return a &^ attrConceal
	case 29:
		return a &^ attrStrike
	}
	return a
}

func (s *Screen) underlineStyle(n int32) {
	if n < 0 || n > 5 {
		return
	}
	s.cur.pen.at = s.cur.pen.at&^underlineMask | attr(n)<<underlineShift
}

func (s *Screen) setColour(which int32, c colour) {
	switch which {
	case 38:
		s.cur.pen.fg = c
	case 48:
		s.cur.pen.bg = c
	case 58:
		e := s.pool.extras.get(s.cur.pen.ext)
		if e.underline != c {
			e.underline = c
			s.cur.pen.ext = s.internExtra(e)
		}
	}
}

const noColour colour = 0xffffffff

// parseColour reads what follows 38, 48 or 58 at parameter i, and says how
// many parameters it took. Both the colon and the semicolon form are known,
// the colon form with and without the colour space.
func parseColour(p *params, i int) (c colour, used int) {
	if i+1 < p.n && p.isSub(i+1) {
		end := i + 1
		for end < p.n && p.isSub(end) {
			end++
		}
		return colonColour(p, i+1, end), end - i - 1
	}
	switch p.raw(i+1, 0) {
	case 5:
		return indexedColour(p.raw(i+2, 0)), 2
	case 2:
		return rgbColour(p.raw(i+2, 0), p.raw(i+3, 0), p.raw(i+4, 0)), 4
	}
	return noColour, 1
}

func colonColour(p *params, i, end int) colour {
	n := end - i
	switch {
	case p.v[i] == 5 && n >= 2:
		return indexedColour(p.raw(i+1, 0))
	case p.v[i] == 2 && n >= 5:
		return rgbColour(p.raw(i+2, 0), p.raw(i+3, 0), p.raw(i+4, 0))
	case p.v[i] == 2 && n == 4:
		return rgbColour(p.raw(i+1, 0), p.raw(i+2, 0), p.raw(i+3, 0))
	}
	return noColour
}

func indexedColour(n int) colour {
	if n > 255 {
		return noColour
	}
	return colourIndexed | colour(n)
}

func rgbColour(r, g, b int) colour {
	if r > 255 || g > 255 || b > 255 {
		return noColour
	}
	return rgb(uint8(r), uint8(g), uint8(b))
}
