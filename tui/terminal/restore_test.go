package terminal

import (
	"bytes"
	"testing"
)

// state is everything that Restore promises to bring back.
func state(t *testing.T, s *Screen) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(scrolledOff(s))
	b.WriteString("\n")
	p := painter{pool: s.pool, palette: &s.palette}
	for y := range s.rows {
		r := s.grid.row(y)
		b.WriteString(p.styled(r.cells[:r.used], s.cols, nil))
		b.WriteString("\n")
	}
	return b.String()
}

func TestRestore(t *testing.T) {
	for _, in := range []string{
		"hello",
		"a\r\nb\r\nc\r\nd\r\ne\r\nf\x1b[31mred\x1b[1;4:3;58:5:9mx",
		"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz",
		"main\x1b[?1049h\x1b[2;3Halt\x1b[44m\x1b[K",
		"\x1b[2;3r\x1b[?6hx\x1b7\x1b[?25l\x1b[?2004h\x1b[?1002;1006h",
		"0123456789", // wrap pending
		"👩‍👩‍👧x🇩🇪日本\r\ne\u0301",
		"\x1b[1\"qprotected\x1b[0\"q",
	} {
		a := New(10, 5, Options{})
		a.Write([]byte(in))
		b := New(10, 5, Options{})
		b.Write(a.Restore())
		if got, want := state(t, b), state(t, a); got != want {
			t.Errorf("%q:\n got %q\nwant %q", in, got, want)
		}
		if a.cur != b.cur {
			t.Errorf("%q: cursor %+v, want %+v", in, b.cur, a.cur)
		}
		if a.modes != b.modes {
			t.Errorf("%q: modes %+v, want %+v", in, b.modes, a.modes)
		}
		if len(b.TakeReplies()) > 0 {
			t.Errorf("%q: Restore asks questions", in)
		}
	}
}
