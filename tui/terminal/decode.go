package terminal

import (
	"encoding/binary"
	"unicode/utf8"
)

// decoder reads lines that appendRow wrote. Clusters and extras are interned
// into pool; what finds no room there is shown without.
type decoder struct {
	pool  *pool
	rest  []byte
	style cell
}

// lineWrapped reports whether an encoded line continues on the next.
func lineWrapped(line []byte) bool { return len(line) > 0 && line[0]&headWrapped != 0 }

// appendCells appends the cells of an encoded line to dst.
func (d *decoder) appendCells(dst []cell, line []byte) []cell {
	if len(line) == 0 {
		return dst
	}
	head, text := line[0], line[1:]
	if head&headASCII != 0 {
		for _, b := range text {
			dst = append(dst, cell{ch: glyph(b)})
		}
		return dst
	}
	d.rest, d.style = text, cell{}
	for len(d.rest) > 0 {
		dst = d.step(dst)
	}
	return dst
}

func (d *decoder) step(dst []cell) []cell {
	b := d.rest[0]
	if b >= 0x20 {
		return append(dst, d.style.with(d.rune()))
	}
	d.rest = d.rest[1:]
	switch b {
	case markEmpty:
		dst = append(dst, d.style)
	case markEmpties:
		for range d.uvarint() {
			dst = append(dst, d.style)
		}
	case markTail:
		dst = append(dst, d.style.with(glyphTail))
	case markWide:
		dst = append(dst, d.style.with(d.glyph()|glyphWide), d.style.with(glyphTail))
	case markCluster:
		dst = append(dst, d.style.with(d.cluster()))
	case markStyle:
		d.readStyle()
	}
	return dst
}

func (d *decoder) glyph() glyph {
	if len(d.rest) > 0 && d.rest[0] == markCluster {
		d.rest = d.rest[1:]
		return d.cluster()
	}
	return d.rune()
}

func (d *decoder) rune() glyph {
	r, n := utf8.DecodeRune(d.rest)
	d.rest = d.rest[n:]
	return glyph(r)
}

func (d *decoder) cluster() glyph {
	text := d.take(int(d.take(1)[0]))
	if g, ok := d.pool.clusters.intern(text); ok {
		return g
	}
	r, _ := utf8.DecodeRune(text)
	return glyph(r)
}

func (d *decoder) take(n int) []byte {
	n = min(n, len(d.rest))
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) uvarint() int {
	v, n := binary.Uvarint(d.rest)
	d.rest = d.rest[max(n, 0):]
	return int(v)
}

func (d *decoder) readStyle() {
	mask := d.take(1)[0]
	d.style = cell{}
	if mask&styleFG != 0 {
		d.style.fg = colour(binary.LittleEndian.Uint32(d.take(4)))
	}
	if mask&styleBG != 0 {
		d.style.bg = colour(binary.LittleEndian.Uint32(d.take(4)))
	}
	if mask&styleAttr != 0 {
		d.style.at = attr(binary.LittleEndian.Uint16(d.take(2)))
	}
	if mask&styleExtra != 0 {
		e := extra{underline: colour(binary.LittleEndian.Uint32(d.take(4)))}
		e.uri = string(d.take(d.uvarint()))
		e.id = string(d.take(d.uvarint()))
		d.style.ext, _ = d.pool.extras.intern(e)
	}
}
