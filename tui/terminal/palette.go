package terminal

import (
	"strconv"
	"strings"
)

const (
	specialColours = 256 // OSC 5 n is colour 256+n of OSC 4
	paletteSize    = specialColours + 5
)

// palette holds the colours that the program changed; zero is unchanged.
type palette struct {
	indexed [paletteSize]colour
	dynamic [10]colour // OSC 10 to 19: text, background, cursor, …
	changed bool       // some indexed colour is not zero
	// the outer terminal's own, for answers; zero is not known
	foreground, background colour
}

// colour returns what a palette index looks like.
func (p *palette) colour(i int) colour {
	if c := p.indexed[i]; c != 0 {
		return c
	}
	return defaultColour(i)
}

// dynamicColour returns OSC 10+i's colour.
func (p *palette) dynamicColour(i int) colour {
	if c := p.dynamic[i]; c != 0 {
		return c
	}
	text := i == 0 || i == 2 || i == 3 || i == 7 || i == 9
	switch {
	case text && p.foreground != 0:
		return p.foreground
	case text:
		return rgb(0xe5, 0xe5, 0xe5)
	case p.background != 0:
		return p.background
	}
	return rgb(0, 0, 0)
}

// defaultColour is xterm's palette: 16 names, a 6×6×6 cube, 24 greys.
func defaultColour(i int) colour {
	switch {
	case i < 16:
		return baseColours[i]
	case i < 232:
		i -= 16
		return rgb(cubeLevel(i/36), cubeLevel(i/6%6), cubeLevel(i%6))
	case i < 256:
		v := uint8(8 + 10*(i-232))
		return rgb(v, v, v)
	}
	return rgb(0xe5, 0xe5, 0xe5)
}

func cubeLevel(n int) uint8 {
	if n == 0 {
		return 0
	}
	return uint8(55 + 40*n)
}

var baseColours = [16]colour{
	rgb(0, 0, 0), rgb(205, 0, 0), rgb(0, 205, 0), rgb(205, 205, 0),
	rgb(0, 0, 238), rgb(205, 0, 205), rgb(0, 205, 205), rgb(229, 229, 229),
	rgb(127, 127, 127), rgb(255, 0, 0), rgb(0, 255, 0), rgb(255, 255, 0),
	rgb(92, 92, 255), rgb(255, 0, 255), rgb(0, 255, 255), rgb(255, 255, 255),
}

// colours is OSC 4 and 5: pairs of index and colour, or a question mark to ask.
func (s *Screen) colours(data string, special, bell bool) {
	parts := strings.Split(data, ";")
	for i := 0; i+1 < len(parts); i += 2 {
		n, err := strconv.Atoi(parts[i])
		base, code := 0, "4"
		if special {
			base, code = specialColours, "5"
		}
		if err != nil || n < 0 || n+base >= paletteSize {
			continue
		}
		if parts[i+1] == "?" {
			s.replyColour(code+";"+strconv.Itoa(n), s.palette.colour(n+base), bell)
		} else if c, ok := parseColourName(parts[i+1]); ok {
			s.palette.indexed[n+base] = c
			s.palette.changed = true
			s.grid.touch()
		}
	}
}

// resetColours is OSC 104 and 105: the colours named, or all.
func (s *Screen) resetColours(data string, base int) {
	s.grid.touch()
	if data == "" {
		end := specialColours
		if base != 0 {
			end = paletteSize
		}
		clear(s.palette.indexed[base:end])
		return
	}
	for part := range strings.SplitSeq(data, ";") {
		if n, err := strconv.Atoi(part); err == nil && n >= 0 && n+base < paletteSize {
			s.palette.indexed[n+base] = 0
		}
	}
}

// dynamicColours is OSC 10 to 19; further values are for the next numbers.
func (s *Screen) dynamicColours(n int, data string, bell bool) {
	for part := range strings.SplitSeq(data, ";") {
		if n > 19 {
			return
		}
		if part == "?" {
			s.replyColour(strconv.Itoa(n), s.palette.dynamicColour(n-10), bell)
		} else if c, ok := parseColourName(part); ok {
			s.palette.dynamic[n-10] = c
			s.grid.touch()
		}
		n++
	}
}

func (s *Screen) replyColour(code string, c colour, bell bool) {
	end := "\x1b\\"
	if bell {
		end = "\a"
	}
	r, g, b := uint8(c>>16), uint8(c>>8), uint8(c)
	s.reply("\x1b]%s;rgb:%02x%02x/%02x%02x/%02x%02x%s", code, r, r, g, g, b, b, end)
}

// parseColourName reads rgb:r/g/b with one to four hexadecimal digits each, and
// #rgb with the same number of digits for each (XParseColor).
func parseColourName(name string) (colour, bool) {
	if body, ok := strings.CutPrefix(name, "rgb:"); ok {
		parts := strings.Split(body, "/")
		if len(parts) != 3 {
			return 0, false
		}
		return joinColour(parts[0], parts[1], parts[2], scaleUp)
	}
	body, ok := strings.CutPrefix(name, "#")
	n := len(body) / 3
	if !ok || n < 1 || n > 4 || len(body) != 3*n {
		return 0, false
	}
	return joinColour(body[:n], body[n:2*n], body[2*n:], alignLeft)
}

func joinColour(r, g, b string, scale func(v uint64, digits int) uint8) (colour, bool) {
	var out [3]uint8
	for i, part := range []string{r, g, b} {
		v, err := strconv.ParseUint(part, 16, 16)
		if err != nil || len(part) > 4 {
			return 0, false
		}
		out[i] = scale(v, len(part))
	}
	return rgb(out[0], out[1], out[2]), true
}

// scaleUp maps the largest value of the digits to 255.
func scaleUp(v uint64, digits int) uint8 { return uint8(v * 255 / (1<<(4*digits) - 1)) }

// alignLeft takes the digits as the most significant.
func alignLeft(v uint64, digits int) uint8 { return uint8(v << (16 - 4*digits) >> 8) }
