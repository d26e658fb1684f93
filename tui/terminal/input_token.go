package terminal

// token is a kind of input.
type token uint8

const (
	tokenKey    token = iota // anything typed that is none of the others
	tokenPrefix              // the prefix key as one byte
	tokenCSI                 // ESC [ … final
	tokenSS3                 // ESC O final
	tokenReport              // the introducer of a string from the outer terminal
)

// maxSequence is the longest control sequence that a terminal sends for a key.
const maxSequence = 64

// nextToken returns the kind and the length of what data begins with; length 0
// when more is needed to tell.
func nextToken(data []byte, prefix byte) (token, int) {
	switch data[0] {
	case prefix:
		return tokenPrefix, 1
	case 0x1b:
		return escapeToken(data)
	}
	n := 1
	for n < len(data) && data[n] != 0x1b && data[n] != prefix {
		n++
	}
	return tokenKey, n
}

func escapeToken(data []byte) (token, int) {
	if len(data) == 1 {
		return tokenKey, 0
	}
	switch data[1] {
	case 0x1b:
		return tokenKey, 1
	case '[':
		return csiToken(data)
	case 'O':
		if len(data) == 2 {
			return tokenKey, 0
		}
		if data[2] < 0x20 {
			return tokenKey, 2 // Alt-O, then something else
		}
		return tokenSS3, 3
	case ']', 'P', '_':
		return reportToken(data)
	}
	return tokenKey, 2
}

// reportToken tells an answer of the outer terminal from Alt with ], P or _ by
// the character after: OSC begins with a digit, DCS with one of the characters
// of its answers, APC with kitty's G.
func reportToken(data []byte) (token, int) {
	if len(data) == 2 {
		return tokenKey, 0
	}
	c := data[2]
	digit := c >= '0' && c <= '9'
	switch {
	case data[1] == ']' && digit, data[1] == '_' && c == 'G':
		return tokenReport, 2
	case data[1] == 'P' && (digit || c == '>' || c == '!' || c == '$'):
		return tokenReport, 2
	}
	return tokenKey, 2
}

func csiToken(data []byte) (token, int) {
	for i := 2; i < len(data); i++ {
		c := data[i]
		switch {
		case i == 2 && c == '[': // the Linux console's function keys
			if len(data) == 3 {
				return tokenKey, 0
			}
			return tokenKey, 4
		case c >= 0x40 && c < 0x7f:
			return tokenCSI, i + 1
		case c < 0x20 || c >= 0x7f || i >= maxSequence:
			return tokenKey, i // not a control sequence after all
		}
	}
	return tokenKey, 0
}

// sequence is a control sequence of the input, taken apart.
type sequence struct {
	private byte // one of <=>? or 0
	inter   byte
	final   byte
	numbers [8]int // main values; missing ones are 0
	subs    [8]int // value after the first colon, 0 when missing
	n       int
}

func parseSequence(b []byte) sequence {
	s := sequence{final: b[len(b)-1]}
	body := b[2 : len(b)-1]
	if len(body) > 0 && body[0] >= 0x3c {
		s.private = body[0]
		body = body[1:]
	}
	if len(body) > 0 {
		s.n = 1
	}
	colons := 0
	for _, c := range body {
		switch {
		case c < 0x30:
			s.inter = c
		case c == ';':
			colons = 0
			s.n++
		case c == ':':
			colons++
		case c > ';' || s.n > len(s.numbers):
		case colons == 0:
			s.numbers[s.n-1] = min(s.numbers[s.n-1]*10+int(c-'0'), 1<<24)
		case colons == 1:
			s.subs[s.n-1] = min(s.subs[s.n-1]*10+int(c-'0'), 1<<24)
		}
	}
	return s
}
