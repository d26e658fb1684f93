package terminal

// charsets are G0 to G3 and which of them is in use on the left.
type charsets struct {
	g      [4]byte // final byte of the designation; 0 is ASCII
	gl     uint8
	single uint8 // SS2 or SS3: 2 or 3 for one character
}

// ascii reports whether text goes through untranslated.
func (c *charsets) ascii() bool { return c.g[c.gl] == 0 && c.single == 0 }

// translate maps a code point below 0x80 and spends a single shift.
func (c *charsets) translate(r rune) rune {
	set := c.g[c.gl]
	if c.single != 0 {
		set, c.single = c.g[c.single], 0
	}
	switch {
	case set == '0' && r >= 0x5f && r <= 0x7e:
		return decGraphics[r-0x5f]
	case set == 'A' && r == '#':
		return '£'
	}
	return r
}

// decGraphics is DEC's special graphics set from 0x5f to 0x7e (VT100 user
// guide, table 3-9).
var decGraphics = [...]rune{
	' ', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼',
	'⎺', '⎻', '─', '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
}

// designate is SCS: ESC ( ) * + and a final byte.
func (s *Screen) designate(slot int, final byte) {
	switch final {
	case '0', 'A':
		s.cur.charsets.g[slot] = final
	default:
		s.cur.charsets.g[slot] = 0
	}
}
