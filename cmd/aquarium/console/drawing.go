package console

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// drawsEscape returns an escape sequence that only draws, or chooses what keys
// send, and nothing in place of others. It leaves out, besides what begins a string: %, which takes the
// terminal out of UTF-8 so that letters contain controls; SP, which has it
// answer in eight bits; <, for terminals in VT52 mode; and what is one
// terminal's own, such as } of Terminology, which begins a command.
func drawsEscape(seq []byte) []byte {
	finals := ""
	switch {
	case len(seq) == 2:
		finals = "6789=>DEHMNOVWZcno"
	case len(seq) > 3:
	case seq[1] == '#': // lines of double size, DECALN
		finals = "34568"
	case strings.IndexByte("()*+-./", seq[1]) >= 0: // character sets
		return seq
	}
	if strings.IndexByte(finals, seq[len(seq)-1]) < 0 {
		return nil
	}
	return seq
}

// drawing are the control sequences that draw, choose what keys and the mouse
// send, or ask a question with a fixed form of answer, by their marker and
// intermediate byte. Among what is not here: windows (t), printing (i), pointer
// and titles (> p, > t), the bell's volume (SP t), lights (q), self-tests (y),
// what reads the screen ($ w, * y), sizes ($ |, * |), answers that are strings
// (> q, = c), the Linux console's own (]).
var drawing = []struct {
	marker, inter byte
	finals        string
}{
	{0, 0, "@ABCDEFGHIJKLMPSTXZ^`abcdefghlmnrsu"},
	{'?', 0, "JKWchlnrsu"},
	{'>', 0, "cmu"},
	{'<', 0, "u"},
	{'=', 0, "u"},
	{0, ' ', "q@A"},
	{0, '!', "p"},
	{0, '"', "q"},
	{0, '$', "prtvxz{"},
	{'?', '$', "p"},
	{0, '*', "x"},
	{0, '\'', "}~"},
	{0, '#', "{}"},
}

// numbered are those of them that hold a list of numbers, each of which means
// something of its own: other numbers are taken out. Of the modes that is VT52,
// the keyboard's lock, printing, the width of the window, national character
// sets (they end UTF-8, too), the bell raising the window, and what nobody has
// named yet. What is switched on here, outer.leave switches off.
var numbered = []struct {
	marker  byte
	finals  string
	numbers []int
}{
	{0, "hl", []int{4, 20}},
	{0, "n", []int{5, 6}},
	{'?', "n", []int{6, 996}},
	// Cursor keys, reverse video, origin, wrap, cursor, reverse wrap, keypad,
	// margins, mouse, focus, screens, paste, updates at once, grapheme clusters,
	// word of colours and sizes that change.
	{'?', "hlrs", []int{1, 5, 6, 7, 9, 12, 25, 45, 47, 66, 69, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1047, 1048, 1049, 2004, 2026, 2027, 2031, 2048}},
}

// drawsControl returns what of a control sequence draws, in place of the
// sequence; nothing where it does not.
func drawsControl(seq []byte) []byte {
	s, ok := takeApart(seq)
	if !ok || !s.isListed() {
		return nil
	}
	if s.marker == '>' && s.final == 'm' && string(s.params) != "4" && !bytes.HasPrefix(s.params, []byte("4;")) {
		return nil // sets what other keys send, too, and leave does not know
	}
	for _, n := range numbered {
		if n.marker == s.marker && s.inter == 0 && strings.IndexByte(n.finals, s.final) >= 0 {
			return s.only(seq, n.numbers)
		}
	}
	return seq
}

// control is a control sequence in its parts; see ECMA-48, 5.4.
type control struct {
	marker byte // one of <=>? or 0
	params []byte
	inter  byte // or 0
	final  byte
}

// takeApart refuses a sequence that is not well-formed, or has more than one
// intermediate byte: nothing in use has.
func takeApart(seq []byte) (control, bool) {
	s := control{final: seq[len(seq)-1]}
	rest := seq[2 : len(seq)-1]
	if len(rest) > 0 && rest[0] >= '<' {
		s.marker, rest = rest[0], rest[1:]
	}
	if n := len(rest); n > 0 && rest[n-1] < '0' {
		s.inter, rest = rest[n-1], rest[:n-1]
	}
	for _, c := range rest {
		if c < '0' || c > ';' {
			return s, false
		}
	}
	s.params = rest
	return s, true
}

func (s control) isListed() bool {
	for _, d := range drawing {
		if d.marker == s.marker && d.inter == s.inter {
			return strings.IndexByte(d.finals, s.final) >= 0
		}
	}
	return false
}

// only takes all parameters out of seq but the given numbers; nothing is left
// where there is none of them.
func (s control) only(seq []byte, numbers []int) []byte {
	kept := seq[:2]
	if s.marker != 0 {
		kept = seq[:3]
	}
	head := len(kept)
	for rest, more := s.params, true; more; {
		var number []byte
		number, rest, more = bytes.Cut(rest, []byte{';'})
		if n, err := strconv.Atoi(string(number)); err != nil || !slices.Contains(numbers, n) {
			continue
		}
		if len(kept) > head {
			kept = append(kept, ';')
		}
		kept = append(kept, number...) // never overtakes rest
	}
	if len(kept) == head {
		return nil
	}
	return append(kept, s.final)
}
