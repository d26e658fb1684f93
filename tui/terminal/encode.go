package terminal

import (
	"encoding/binary"
	"unicode/utf8"
)

// A line of history is a head byte, then text with marks. Everything is in the
// bytes: no interned table is needed to read it, so old lines cost no
// collection and the byte budget bounds all memory.
//
//	head     bit 0: continues on the next line; bit 1: only plain ASCII follows
//	text     UTF-8, one code point a cell
//	marks    bytes below 0x20, which are never text
const (
	headWrapped = 1 << 0
	headASCII   = 1 << 1

	markEmpty   = 0x00 // one never-written cell
	markEmpties = 0x01 // uvarint count of never-written cells
	markWide    = 0x02 // the next glyph is two columns wide
	markCluster = 0x03 // byte count and the bytes of a cluster
	markTail    = 0x04 // right half without its left
	markStyle   = 0x05 // mask byte and the parts that it names; the rest is default

	styleFG    = 1 << 0
	styleBG    = 1 << 1
	styleAttr  = 1 << 2
	styleExtra = 1 << 3
)

// appendRow appends the encoding of r to dst.
func appendRow(dst []byte, r *row, p *pool) []byte {
	head := byte(0)
	if r.wrapped {
		head = headWrapped
	}
	cells := r.cells[:r.used]
	start := len(dst)
	dst = append(dst, head|headASCII)
	for i := range cells {
		c := &cells[i]
		if c.ch-0x20 >= 0x60 || !c.plain() {
			dst = append(dst[:start], head)
			return appendCells(dst, cells, p)
		}
		dst = append(dst, byte(c.ch))
	}
	return dst
}

func appendCells(dst []byte, cells []cell, p *pool) []byte {
	var style cell
	for i := 0; i < len(cells); i++ {
		c := cells[i]
		if !c.sameStyle(style) {
			dst = appendStyle(dst, c, p)
			style = c
		}
		switch {
		case c.ch == 0:
			n := 1
			for i+n < len(cells) && cells[i+n] == c {
				n++
			}
			i += n - 1
			if n == 1 {
				dst = append(dst, markEmpty)
			} else {
				dst = binary.AppendUvarint(append(dst, markEmpties), uint64(n))
			}
		case c.ch&glyphTail != 0:
			dst = append(dst, markTail)
		default:
			if c.ch&glyphWide != 0 {
				dst = append(dst, markWide)
				i++ // the tail has the lead's style and is implied
			}
			dst = appendGlyph(dst, c.ch, p)
		}
	}
	return dst
}

func appendGlyph(dst []byte, g glyph, p *pool) []byte {
	if g&glyphCluster == 0 {
		return utf8.AppendRune(dst, rune(g&glyphMask))
	}
	text := p.clusters.text[g&glyphMask]
	dst = append(dst, markCluster, byte(len(text)))
	return append(dst, text...)
}

func appendStyle(dst []byte, c cell, p *pool) []byte {
	mask := byte(0)
	at := len(dst) + 1
	dst = append(dst, markStyle, 0)
	if c.fg != 0 {
		mask |= styleFG
		dst = binary.LittleEndian.AppendUint32(dst, uint32(c.fg))
	}
	if c.bg != 0 {
		mask |= styleBG
		dst = binary.LittleEndian.AppendUint32(dst, uint32(c.bg))
	}
	if c.at != 0 {
		mask |= styleAttr
		dst = binary.LittleEndian.AppendUint16(dst, uint16(c.at))
	}
	if c.ext != 0 {
		mask |= styleExtra
		e := p.extras.get(c.ext)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(e.underline))
		dst = appendString(appendString(dst, e.uri), e.id)
	}
	dst[at] = mask
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
