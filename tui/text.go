package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"aquarium/rootfs"
)

// visible is text from a sandbox or the filesystem, fit to be drawn.
func visible(s string) string { return rootfs.Visible(s) }

// width is how many columns text takes; escapes take none.
func width(s string) int {
	if plainASCII(s) {
		return len(s)
	}
	return ansi.StringWidth(s)
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// cut shortens text to at most w columns, with an ellipsis where something is missing.
func (t theme) cut(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if width(s) <= w {
		return s
	}
	return ansi.Truncate(s, w, t.ellipsis)
}

// fit cuts or pads text to exactly w columns.
func (t theme) fit(s string, w int) string {
	s = t.cut(s, w)
	return s + spaces(w-width(s))
}

// right pads on the left instead.
func (t theme) right(s string, w int) string {
	s = t.cut(s, w)
	return spaces(w-width(s)) + s
}

const blanks = "                                                                                "

func spaces(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= len(blanks):
		return blanks[:n]
	}
	return strings.Repeat(" ", n)
}

// rule is a horizontal line of w columns with a title near its left end and
// another near its right end; what does not fit is left out, the right one first.
func (t theme) rule(left, right string, w int) string {
	if width(left)+width(right)+4 > w {
		right = ""
	}
	left = t.cut(left, w-2)
	head, tail := "", ""
	if left != "" {
		head = t.line + left
	}
	if right != "" {
		tail = right + t.line
	}
	return head + strings.Repeat(t.line, max(0, w-width(head)-width(tail))) + tail
}

// padRows makes exactly h rows of what is given, each exactly w columns.
func (t theme) padRows(rows []string, w, h int) []string {
	out := make([]string, h)
	for i := range out {
		if i < len(rows) {
			out[i] = t.fit(rows[i], w)
		} else {
			out[i] = spaces(w)
		}
	}
	return out
}

// wrap breaks text into rows of at most w columns, at blanks where it can.
func wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	rows := strings.Split(ansi.Wrap(s, w, " /"), "\n")
	for i := 0; i < len(rows); i++ {
		if width(rows[i]) <= w { // Wrap lets blanks and a slash at the end stand over
			continue
		}
		row := strings.TrimRight(rows[i], " ")
		rows = slices.Replace(rows, i, i+1, strings.Split(ansi.Hardwrap(row, w, true), "\n")...)
	}
	return rows
}

// asciiOnly replaces what a terminal without UTF-8 cannot show by question
// marks of the same width. Escapes are ASCII and stay.
func asciiOnly(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	state := byte(0)
	for len(s) > 0 {
		seq, w, n, next := ansi.DecodeSequence(s, state, nil)
		if n == 0 {
			break
		}
		switch {
		case isASCII(seq):
			b.WriteString(seq)
		case w > 0 && seq[0] < 0x80: // a letter with marks on it
			b.WriteByte(seq[0])
		default:
			b.WriteString(strings.Repeat("?", w))
		}
		s, state = s[n:], next
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// overlay puts the rows of a box over a picture, with its corner at x, y.
func overlay(picture, box []string, x, y int) {
	for i, row := range box {
		if at := y + i; at >= 0 && at < len(picture) {
			w := width(row)
			under := picture[at]
			picture[at] = ansi.Cut(under, 0, x) + "\x1b[m" + row + "\x1b[m" + ansi.TruncateLeft(under, x+w, "")
		}
	}
}

// stripped is text without escapes, for a row that gets one style as a whole.
func stripped(s string) string {
	if strings.IndexByte(s, 0x1b) < 0 {
		return s
	}
	return ansi.Strip(s)
}
