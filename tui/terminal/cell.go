package terminal

// cell is one column of the grid: 16 bytes, comparable. The zero cell is
// blank, never written, in default colours.
type cell struct {
	ch  glyph
	fg  colour
	bg  colour
	at  attr
	ext extID
}

// glyph is what a cell shows: a code point, or the index of a longer grapheme
// cluster, with flags for double width. Zero is an empty cell.
type glyph uint32

const (
	glyphMask    glyph = 1<<21 - 1
	glyphCluster glyph = 1 << 21 // the value is an index of clusters, not a code point
	glyphWide    glyph = 1 << 22 // left half of a double-width character
	glyphTail    glyph = 1 << 23 // right half of one
)

// colour is zero for the default, or a kind in the top byte and a value below.
type colour uint32

const (
	colourIndexed colour = 1 << 24 // low byte: palette index
	colourRGB     colour = 2 << 24 // low three bytes: red, green, blue
	colourKind    colour = 0xff << 24
)

func rgb(r, g, b uint8) colour {
	return colourRGB | colour(r)<<16 | colour(g)<<8 | colour(b)
}

// attr is a set of character attributes.
type attr uint16

const (
	attrBold attr = 1 << iota
	attrFaint
	attrItalic
	attrBlink
	attrReverse
	attrConceal
	attrStrike
	attrOverline
	attrProtected // DECSCA or SPA: selective erase leaves it alone
	attrUnderline // lowest of three bits that hold the underline style
)

const (
	underlineShift = 9
	underlineMask  = attr(7) << underlineShift
)

// underline styles, as in SGR 4:n.
const (
	underlineNone attr = iota << underlineShift
	underlineSingle
	underlineDouble
	underlineCurly
	underlineDotted
	underlineDashed
)

// extID names an entry of the extras: underline colour and hyperlink. Zero is none.
type extID uint16

// plain reports whether the cell has default colours and no attributes.
func (c cell) plain() bool {
	return c.fg|c.bg == 0 && c.at == 0 && c.ext == 0
}

// sameStyle reports whether both cells are drawn with the same attributes.
func (c cell) sameStyle(d cell) bool {
	return c.fg == d.fg && c.bg == d.bg && c.at == d.at && c.ext == d.ext
}

// with returns the cell's style around another glyph.
func (c cell) with(g glyph) cell {
	c.ch = g
	return c
}
