package terminal

import "strconv"

// appendSGR appends one control sequence that sets exactly the style of c.
func appendSGR(dst []byte, c cell, p *pool) []byte {
	dst = append(dst, "\x1b[0"...)
	for _, a := range sgrAttrs {
		if c.at&a.attr != 0 {
			dst = append(dst, ';', a.code)
		}
	}
	switch c.at & underlineMask {
	case underlineNone:
	case underlineSingle:
		dst = append(dst, ";4"...)
	default:
		dst = append(dst, ";4:"...)
		dst = append(dst, '0'+byte(c.at&underlineMask>>underlineShift))
	}
	if c.at&attrOverline != 0 {
		dst = append(dst, ";53"...)
	}
	dst = appendColour(dst, c.fg, 30)
	dst = appendColour(dst, c.bg, 40)
	if c.ext != 0 {
		dst = appendColour(dst, p.extras.get(c.ext).underline, 50)
	}
	return append(dst, 'm')
}

var sgrAttrs = [...]struct {
	attr attr
	code byte
}{
	{attrBold, '1'}, {attrFaint, '2'}, {attrItalic, '3'}, {attrBlink, '5'},
	{attrReverse, '7'}, {attrConceal, '8'}, {attrStrike, '9'},
}

// appendColour appends the numbers for a colour; base is 30, 40 or, for underlines, 50.
func appendColour(dst []byte, c colour, base int) []byte {
	v := int(c &^ colourKind)
	switch {
	case c == 0:
		return dst
	case c&colourKind == colourRGB && base == 50:
		dst = append(dst, ";58:2::"...)
		return appendNumbers(dst, ':', v>>16, v>>8&255, v&255)
	case c&colourKind == colourRGB:
		dst = appendNumbers(append(dst, ';'), ';', base+8, 2)
		return appendNumbers(append(dst, ';'), ';', v>>16, v>>8&255, v&255)
	case base == 50:
		return strconv.AppendInt(append(dst, ";58:5:"...), int64(v), 10)
	case v < 8:
		return strconv.AppendInt(append(dst, ';'), int64(base+v), 10)
	case v < 16:
		return strconv.AppendInt(append(dst, ';'), int64(base+60+v-8), 10)
	}
	return appendNumbers(append(dst, ';'), ';', base+8, 5, v)
}

func appendNumbers(dst []byte, sep byte, numbers ...int) []byte {
	for i, n := range numbers {
		if i > 0 {
			dst = append(dst, sep)
		}
		dst = strconv.AppendInt(dst, int64(n), 10)
	}
	return dst
}
