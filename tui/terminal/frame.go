package terminal

import "strings"

// painter turns cells into the text of a finished row.
type painter struct {
	pool    *pool
	palette *palette
	reverse bool // DECSCNM
	links   bool
	buf     []byte
	last    int // where the last glyph begins in buf
	end     int // and where it ends
	probe   []byte
}

// styled returns a row of exactly cols columns, with SGR (and OSC 8 where
// allowed) that leaves no style behind. over changes the look of single cells:
// selection and search hits; it may be nil.
func (p *painter) styled(cells []cell, cols int, over func(x int, c cell) cell) string {
	p.buf, p.last, p.end = p.buf[:0], 0, 0
	var style, blank cell
	link := ""
	for x := 0; x < cols; x++ {
		c := blank
		if x < len(cells) {
			c = cells[x]
		}
		if p.reverse {
			c.at ^= attrReverse
		}
		if over != nil {
			c = over(x, c)
		}
		if !c.sameStyle(style) {
			link = p.setLink(link, c)
			p.buf = p.appendStyle(p.buf, c)
			style = c
		}
		x += p.glyph(c.ch, x, cols)
	}
	p.setLink(link, cell{})
	if !style.plain() {
		p.buf = append(p.buf, "\x1b[m"...)
	}
	return string(p.buf)
}

// plain returns the text of a row, cols columns wide.
func (p *painter) plain(cells []cell, cols int) string {
	p.buf, p.last, p.end = p.buf[:0], 0, 0
	for x := 0; x < cols; x++ {
		g := glyph(0)
		if x < len(cells) {
			g = cells[x].ch
		}
		x += p.glyph(g, x, cols)
	}
	return string(p.buf)
}

// glyph appends the text of one cell at column x and returns how many further
// columns it covers. What could not be drawn in its width is replaced.
func (p *painter) glyph(g glyph, x, cols int) int {
	before := p.buf[p.last:p.end]
	p.last = len(p.buf)
	defer func() { p.end = len(p.buf) }()
	switch {
	case g == 0 || g&glyphTail != 0:
		p.buf = append(p.buf, ' ')
		return 0
	case g < 0x80:
		p.buf = append(p.buf, byte(g))
		return 0
	case g&glyphWide != 0 && x+1 >= cols:
		p.buf = append(p.buf, ' ')
		return 0
	}
	p.buf = p.pool.appendText(p.buf, g)
	covers := 0
	if g&glyphWide != 0 {
		covers = 1
	}
	if g&glyphCluster != 0 || classify(rune(g&glyphMask)) == classComplex {
		if p.joins(before) {
			p.buf = append(p.buf[:p.last], "\ufffd "[:3+covers]...)
		}
	}
	return covers
}

// joins reports whether the glyph just appended would be one grapheme cluster
// with the one before it, or with whatever comes after: the row would then be
// narrower than its cells.
func (p *painter) joins(before []byte) bool {
	own := p.buf[p.last:]
	p.probe = append(append(append(p.probe[:0], before...), own...), 'a')
	n := 0
	for n < len(before) {
		n += firstCluster(p.probe[n:])
	}
	return n > len(before) || firstCluster(p.probe[n:]) > len(own)
}

func (p *painter) appendStyle(dst []byte, c cell) []byte {
	if c.plain() {
		return append(dst, "\x1b[m"...)
	}
	if p.palette != nil && p.palette.changed {
		c.fg, c.bg = p.palette.resolve(c.fg), p.palette.resolve(c.bg)
	}
	return appendSGR(dst, c, p.pool)
}

// resolve replaces a palette index that the program gave another colour.
func (p *palette) resolve(c colour) colour {
	if c&colourKind == colourIndexed {
		if changed := p.indexed[c&0xff]; changed != 0 {
			return changed
		}
	}
	return c
}

// setLink begins or ends a hyperlink where the address changes.
func (p *painter) setLink(now string, c cell) string {
	if !p.links {
		return ""
	}
	uri := ""
	if c.ext != 0 {
		uri = p.pool.extras.get(c.ext).uri
	}
	if !safeLink(uri) {
		uri = ""
	}
	if uri != now {
		p.buf = append(p.buf, "\x1b]8;;"...)
		p.buf = append(p.buf, uri...)
		p.buf = append(p.buf, "\x1b\\"...)
	}
	return uri
}

// safeLink reports whether an address may be handed to the outer terminal:
// printable ASCII, and a scheme that opens rather than runs.
func safeLink(uri string) bool {
	for i := range len(uri) {
		if uri[i] <= 0x20 || uri[i] >= 0x7f {
			return false
		}
	}
	for _, scheme := range []string{"http://", "https://", "file://"} {
		if strings.HasPrefix(strings.ToLower(uri), scheme) {
			return true
		}
	}
	return false
}
