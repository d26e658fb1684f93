package terminal

import (
	"strings"
	"testing"
)

// resized is fed, given a new size, and fed again.
func resized(before string, cols, rows int, after string) *Screen {
	s := fed(before)
	s.Resize(cols, rows)
	s.Write([]byte(after))
	return s
}

func TestResize(t *testing.T) {
	prompt := "1\r\n2\r\n3\r\n4\r\n$ "
	for _, c := range []struct {
		name       string
		before     string
		cols, rows int
		after      string
		history    string
		want       string
	}{
		{"lower: rows go out at the top", prompt, 10, 3, "x", "1|2", "3|4|$ x"},
		{"lower: blank rows below go first", "1\r\n$ ", 10, 2, "x", "", "1|$ x"},
		{"lower: the cursor's row stays", abc + "\x1b[2;1H", 10, 2, "X", "abcdefghij", "Xlmnopqrst|uvwxyzABCD"},
		{"higher: rows come back", "0\r\n" + prompt, 10, 6, "x", "", "0|1|2|3|4|$ x"},
		{"higher, nothing to come back", prompt, 10, 7, "x", "", "1|2|3|4|$ x"},
		{"higher after clear", "0\r\n" + prompt + "\x1b[H\x1b[2J$ ", 10, 6, "x", "", "0|$ x"},
		{"wider: wrapped lines join", "0123456789ab", 20, 5, "x", "", "0123456789abx"},
		{"wider: other lines do not", "0123456789\r\nab", 20, 5, "x", "", "0123456789|abx"},
		{"narrower: lines wrap", "0123456789", 4, 5, "x", "", "0123|4567|89x"},
		{"narrower: no wide character is cut", "日本語", 3, 5, "x", "", "日|本|語x"},
		{"narrower and wider again", "0123456789\r\n日本語", 20, 5, "", "", "0123456789|日本語"},
		{"alternate screen is cut", "\x1b[?1049h0123456789", 4, 5, "", "", "0123"},
		{"main screen below it wraps", "0123456789\r\n$ \x1b[?1049hx", 4, 5, "\x1b[?1049ly", "", "0123|4567|89|$ y"},
		{"erased after the wrap", "0123456789ab\x1b[2;1H\x1b[K\x1b[1;1H\x1b[K", 20, 5, "x", "", "x"},
		{"a line erased below a wrap is its own", "0123456789ab\x1b[2;1H\x1b[Knew", 20, 5, "", "", "0123456789|new"},
		{"a line written over is its own", "0123456789ab\x1b[1;1Habcdefghij\r\nx", 20, 5, "", "", "abcdefghij|xb"},
		{"margins are reset", "\x1b[2;5r\x1b[?69h\x1b[3;9s", 4, 3, "\x1b[H\x1bM\x1bMx", "", "x"},
		{"saved cursor outside", "\x1b[5;10H\x1b7", 4, 3, "\x1b8x", "|", "||   x"},
		{"tab stop outside", "\x1b[10G\x1bH", 4, 3, "\r\t\tx", "", "   x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := resized(c.before, c.cols, c.rows, c.after)
			checkScreen(t, s)
			if got := scrolledOff(s); got != c.history {
				t.Errorf("history %q, want %q", got, c.history)
			}
			if got := shown(s); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestReflowHistory(t *testing.T) {
	s := New(20, 4, Options{})
	for range 50 {
		s.Write([]byte("0123456789012345678901234567890123456789 日本語 e\u0301\r\n"))
	}
	before := logicalLines(s)
	for _, cols := range []int{7, 100, 13, 20} {
		s.Resize(cols, 4)
		checkScreen(t, s)
		if got := logicalLines(s); got != before {
			t.Fatalf("%d columns: got\n%s\nwant\n%s", cols, got, before)
		}
	}
}

// logicalLines is all text, soft-wrapped lines in one piece.
func logicalLines(s *Screen) string {
	p := NewPane(s.cols, s.rows, Options{})
	p.screen = s
	p.selection = selection{active: true, from: point{s.history.begin(), 0}, to: point{p.lastLine(), s.cols - 1}}
	return strings.TrimSpace(p.SelectedText())
}

// TestHugeParameters gives every control function numbers that ask for more
// work than a screenful.
func TestHugeParameters(t *testing.T) {
	s := New(80, 24, Options{})
	for _, piece := range pieces {
		for range 20 {
			s.Write([]byte(strings.ReplaceAll(piece, "%d", "2147483648")))
		}
		checkScreen(t, s)
	}
}

// TestClamps creates screens of silly sizes.
func TestClamps(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {-5, 1 << 30}, {1, 1}, {1 << 30, 2}} {
		s := New(size[0], size[1], Options{})
		s.Write([]byte(abc + "日本\x1b[?1049h語"))
		checkScreen(t, s)
		s.Resize(size[1], size[0])
		checkScreen(t, s)
	}
}
