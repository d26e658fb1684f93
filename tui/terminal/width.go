package terminal

import "github.com/clipperhouse/uax29/v2/graphemes"

// class sorts code points by the work they need.
type class uint8

const (
	classComplex class = iota // may join its neighbours: ask the libraries
	classNarrow               // one column, begins a new cell whatever comes before
	classWide                 // two columns, likewise
)

// classify is the fast path for the scripts that fill most screens. Ranges
// that hold a combining mark, a conjoining letter or an emoji are left to the
// libraries (Unicode 15.1, UAX #11 and #29).
func classify(r rune) class {
	switch {
	case r < 0x7f:
		return classNarrow
	case r < 0x300:
		if r >= 0xa1 && r != 0xad {
			return classNarrow
		}
	case r < 0x530:
		if r >= 0x370 && (r < 0x483 || r > 0x489) && r != 0x378 {
			return classNarrow
		}
	case r < 0x2000:
	case r < 0x2e80:
		if r >= 0x2500 && r < 0x25aa || r >= 0x2800 && r < 0x2900 || r >= 0x2010 && r < 0x2028 {
			return classNarrow
		}
	case r < 0x3041:
		if r >= 0x3001 && r < 0x302a && r != 0x3004 {
			return classWide
		}
	case r < 0x3400:
		if r < 0x3097 || r >= 0x30a1 && r < 0x3100 {
			return classWide
		}
	case r < 0x4dc0, r >= 0x4e00 && r < 0xa000, r >= 0xac00 && r < 0xd7a4:
		return classWide
	case r >= 0xff01 && r < 0xff61:
		return classWide
	case r >= 0xe0a0 && r < 0xe0d8:
		return classNarrow
	}
	return classComplex
}

// firstCluster returns the length of the first grapheme cluster of b.
func firstCluster(b []byte) int {
	n, _, _ := graphemes.SplitFunc(b, true)
	return n
}
