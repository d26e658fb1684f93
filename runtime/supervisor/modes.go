package supervisor

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// modes follows a terminal's output just closely enough to say, for any point
// in it, which modes a terminal must be in for the rest to look right: what a
// bounded history has lost with its beginning. It is a value: a copy is a
// snapshot.
type modes struct {
	private  [len(privateModes)]tristate
	region   string // parameters of the last DECSTBM
	sgr      string // SGR sequences since the last reset, bounded
	keypad   bool   // DECKPAM
	graphics bool   // G0 is DEC special graphics
	partial  string // an escape sequence cut by the end of the data so far
}

type tristate uint8

const (
	untouched tristate = iota
	set
	reset
)

// privateModes are the DEC private modes worth restoring: cursor keys,
// reverse video, origin, wrap, cursor, mouse, alternate screen, focus, paste.
var privateModes = [...]int{1, 5, 6, 7, 9, 25, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 47, 1047, 1049, 2004}

// Bounds on what is remembered; a program that exceeds them only loses
// restored state.
const (
	maxSGR     = 256
	maxPartial = 4096
)

// feed follows more output. Text between escape sequences costs one scan for
// the next ESC.
func (m *modes) feed(b []byte) {
	if m.partial != "" {
		b = append([]byte(m.partial), b...)
		m.partial = ""
	}
	for {
		i := bytes.IndexByte(b, 0x1b)
		if i < 0 {
			return
		}
		b = b[i:]
		n := sequenceLength(b)
		if n == 0 {
			if len(b) <= maxPartial {
				m.partial = string(b)
			}
			return
		}
		m.apply(b[:n])
		b = b[n:]
	}
}

// sequenceLength is the length of the escape sequence at the head of b, 0 if
// it is not complete; see ECMA-48, 5.3 to 5.6.
func sequenceLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '[':
		for i := 2; i < len(b); i++ {
			if b[i] < 0x20 || b[i] >= 0x40 { // a final byte, or a control that is not part of it
				return i + 1
			}
		}
		return 0
	case ']', 'P', 'X', '^', '_': // strings end in BEL or ST
		for i := 2; i < len(b); i++ {
			if b[i] == 0x07 || b[i] == 0x18 || b[i] == 0x1a {
				return i + 1
			}
			if b[i] == 0x1b {
				if i+1 == len(b) {
					return 0
				}
				if b[i+1] == '\\' {
					return i + 2
				}
				return i // another sequence begins: the string is over
			}
		}
		return 0
	case '(', ')', '*', '+', '#', ' ', '%':
		if len(b) < 3 {
			return 0
		}
		return 3
	}
	return 2
}

func (m *modes) apply(seq []byte) {
	switch {
	case string(seq) == "\x1bc", string(seq) == "\x1b[!p": // RIS, DECSTR
		*m = modes{}
	case string(seq) == "\x1b=":
		m.keypad = true
	case string(seq) == "\x1b>":
		m.keypad = false
	case len(seq) == 3 && seq[1] == '(':
		m.graphics = seq[2] == '0'
	case seq[1] == '[':
		m.control(string(seq[2:len(seq)-1]), seq[len(seq)-1])
	}
}

func (m *modes) control(parameters string, final byte) {
	switch final {
	case 'h', 'l':
		list, private := strings.CutPrefix(parameters, "?")
		if private {
			m.setPrivate(list, final == 'h')
		}
	case 'r':
		if strings.Trim(parameters, "0123456789;") == "" {
			m.region = parameters
		}
	case 'm':
		if strings.Trim(parameters, "0123456789;:") != "" {
			return
		}
		if parameters == "" || parameters == "0" || len(m.sgr)+len(parameters) > maxSGR {
			m.sgr = ""
		}
		if parameters != "" && parameters != "0" {
			m.sgr += "\x1b[" + parameters + "m"
		}
	}
}

func (m *modes) setPrivate(list string, on bool) {
	for _, text := range strings.Split(list, ";") {
		number, err := strconv.Atoi(text)
		if err != nil {
			continue
		}
		for i, known := range privateModes {
			if known == number {
				m.private[i] = map[bool]tristate{true: set, false: reset}[on]
			}
		}
	}
}

// alternate tells whether the alternate screen is shown.
func (m *modes) alternate() bool {
	for i, number := range privateModes {
		if (number == 47 || number == 1047 || number == 1049) && m.private[i] == set {
			return true
		}
	}
	return false
}

// restore is what brings a fresh terminal into these modes, and the
// beginning of a sequence whose end comes next.
func (m *modes) restore() []byte {
	var out bytes.Buffer
	for i, number := range privateModes {
		switch m.private[i] {
		case set:
			fmt.Fprintf(&out, "\x1b[?%dh", number)
		case reset:
			fmt.Fprintf(&out, "\x1b[?%dl", number)
		}
	}
	if m.region != "" {
		// DECSTBM moves the cursor home; save and restore it around.
		fmt.Fprintf(&out, "\x1b7\x1b[%sr\x1b8", m.region)
	}
	if m.keypad {
		out.WriteString("\x1b=")
	}
	if m.graphics {
		out.WriteString("\x1b(0")
	}
	out.WriteString(m.sgr)
	out.WriteString(m.partial)
	return out.Bytes()
}
