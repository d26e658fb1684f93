package console

import (
	"bytes"
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"text", "hello\r\nworld\n", "hello\r\nworld\n"},
		{"colours", "\x1b[1;31mred\x1b[m \x1b[38:2::1:2:3mrgb\x1b[0m", "\x1b[1;31mred\x1b[m \x1b[38:2::1:2:3mrgb\x1b[0m"},
		{"unicode", "héé 漢字 👩‍👩‍👧", "héé 漢字 👩‍👩‍👧"},
		{"questions", "a\x1b[6n\x1b[c\x1b]11;?\x07\x1bP$qm\x1b\\b", "ab"},
		{"titles and clipboard", "a\x1b]0;title\x07\x1b]52;c;aGk=\x1b\\b", "ab"},
		{"cursor and screens", "a\x1b[2J\x1b[H\x1b[?1049hb\x1bc", "ab"},
		{"keyboard modes", "a\x1b[>4;2m\x1b[?4m\x1b[=1ub", "ab"},
		{"other controls", "a\x07\x0e\x0f\x05b", "ab"},
		{"eight-bit controls", "a\x9b31mb\x9d0;t\x9cc", "abc"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for size := 1; size <= len(test.in); size++ {
				var got bytes.Buffer
				w := &plain{to: &got}
				for rest := test.in; rest != ""; {
					n := min(size, len(rest))
					if written, err := w.Write([]byte(rest[:n])); written != n || err != nil {
						t.Fatalf("Write: %d, %v", written, err)
					}
					rest = rest[n:]
				}
				if got.String() != test.want {
					t.Fatalf("in pieces of %d: %q, want %q", size, got.String(), test.want)
				}
			}
		})
	}
}

// FuzzPlain: no control character gets through but those that are meant to.
func FuzzPlain(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b]0;t\x07"), uint8(2))
	f.Add([]byte("\x1b[\x1b[6n\x9b6n"), uint8(0))
	f.Fuzz(func(t *testing.T, input []byte, size uint8) {
		var got bytes.Buffer
		w := &plain{to: &got}
		for rest := input; len(rest) > 0; {
			n := min(len(rest), int(size)+1)
			w.Write(rest[:n])
			rest = rest[n:]
		}
		rest := got.String()
		for {
			i := strings.IndexFunc(rest, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\n\r\t\b", r) || r == 0x7f })
			if i < 0 {
				return
			}
			end := strings.IndexByte(rest[i:], 'm')
			if end < 0 || !harmless([]byte(rest[i:i+end+1])) {
				t.Fatalf("%q becomes %q", input, got.String())
			}
			rest = rest[i+end+1:]
		}
	})
}
