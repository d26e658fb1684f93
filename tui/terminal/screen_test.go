package terminal

import (
	"strings"
	"testing"
)

// shown returns the rows of a screen as text, trailing blanks cut, joined by "|".
func shown(s *Screen) string {
	p := painter{pool: s.pool}
	var rows []string
	for y := range s.rows {
		r := s.grid.row(y)
		rows = append(rows, strings.TrimRight(p.plain(r.cells[:r.used], s.cols), " "))
	}
	return strings.TrimRight(strings.Join(rows, "|"), "|")
}

// history returns the lines of the scrollback as text, joined by "|".
func scrolledOff(s *Screen) string {
	pool := newPool(1 << 20)
	p := painter{pool: pool}
	d := decoder{pool: pool}
	var rows []string
	for n := s.history.begin(); n < s.history.end(); n++ {
		cells := d.appendCells(nil, s.history.line(n))
		rows = append(rows, strings.TrimRight(p.plain(cells, len(cells)), " "))
	}
	return strings.Join(rows, "|")
}

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "hello\r\nworld", "hello|world"},
		{"wide", "日本語", "日本語"},
		{"combining", "e\u0301x", "e\u0301x"},
		{"wide at the margin wraps", "123456789日x", "123456789|日x"},
		{"wrap", "0123456789ab", "0123456789|ab"},
		{"family", "👩‍👩‍👧x", "👩‍👩‍👧x"},
		{"flag", "🇩🇪🇫🇷x", "🇩🇪🇫🇷x"},
		{"graphics", "\x1b(0lqk\x1b(Bq", "┌─┐q"},
		{"overwrite half of wide", "日本\x1b[2Gx", " x本"},
		{"alternate", "main\x1b[?1049halt\x1b[?1049l", "main"},
		{"region", "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\n", "1|3||4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(10, 5, Options{})
			s.Write([]byte(c.in))
			if got := shown(s); got != c.want {
				t.Errorf("whole: got %q, want %q", got, c.want)
			}
			s = New(10, 5, Options{})
			for i := range len(c.in) {
				s.Write([]byte{c.in[i]})
			}
			if got := shown(s); got != c.want {
				t.Errorf("byte by byte: got %q, want %q", got, c.want)
			}
		})
	}
}

func TestHistory(t *testing.T) {
	s := New(10, 3, Options{})
	s.Write([]byte("1\r\n\x1b[31m2\x1b[m\r\n日本\r\n4\r\n5\r\n6"))
	if got := scrolledOff(s); got != "1|2|日本" {
		t.Errorf("history %q", got)
	}
	if got := shown(s); got != "4|5|6" {
		t.Errorf("screen %q", got)
	}
}

func TestReflow(t *testing.T) {
	s := New(10, 3, Options{})
	s.Write([]byte("0123456789abcdef\r\nx\r\ny"))
	s.Resize(20, 3)
	if got := scrolledOff(s) + "/" + shown(s); got != "/0123456789abcdef|x|y" {
		t.Errorf("wider: %q", got)
	}
	s.Resize(5, 3)
	if got := scrolledOff(s) + "/" + shown(s); got != "01234|56789|abcde/f|x|y" {
		t.Errorf("narrower: %q", got)
	}
	if s.cur.x != 1 || s.cur.y != 2 {
		t.Errorf("cursor %d,%d", s.cur.x, s.cur.y)
	}
	s.Resize(5, 6)
	if got := scrolledOff(s) + "/" + shown(s); got != "/01234|56789|abcde|f|x|y" {
		t.Errorf("higher: %q", got)
	}
}
