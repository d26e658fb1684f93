package terminal

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// checkScreen fails the test when a screen is not in order: cursor and margins
// inside, wide characters whole, tables and history within their bounds, and
// every row as wide as the screen when it is drawn.
func checkScreen(t testing.TB, s *Screen) {
	t.Helper()
	if s.cur.x < 0 || s.cur.x >= s.cols || s.cur.y < 0 || s.cur.y >= s.rows {
		t.Fatalf("cursor %d,%d outside %d×%d", s.cur.x, s.cur.y, s.cols, s.rows)
	}
	if s.top < 0 || s.bottom >= s.rows || s.top > s.bottom || s.left < 0 || s.right >= s.cols || s.left > s.right {
		t.Fatalf("margins %d-%d, %d-%d outside %d×%d", s.top, s.bottom, s.left, s.right, s.cols, s.rows)
	}
	for _, b := range []*buffer{&s.main, &s.alt} {
		if b.grid != nil {
			checkGrid(t, s, b.grid)
		}
	}
	d := decoder{pool: newPool(1 << 16)}
	for n := s.history.begin(); n < s.history.end(); n++ {
		if w := len(d.appendCells(nil, s.history.line(n))); w > s.cols {
			t.Fatalf("line %d of the history is %d columns wide, not %d", n, w, s.cols)
		}
	}
	s.history.measure()
	if limit := max(s.history.budget, 0) + 4*blockSize; s.history.bytes > limit {
		t.Fatalf("history of %d bytes, budget %d", s.history.bytes, s.history.budget)
	}
	if n := len(s.pool.extras.list); n > maxExtras+1 {
		t.Fatalf("%d extras", n)
	}
}

func checkGrid(t testing.TB, s *Screen, g *grid) {
	t.Helper()
	if g.cols != s.cols || g.rows != s.rows || len(g.ring) != s.rows {
		t.Fatalf("grid of %d×%d on a screen of %d×%d", g.cols, g.rows, s.cols, s.rows)
	}
	p := painter{pool: s.pool, palette: &s.palette}
	for y := range g.rows {
		r := g.row(y)
		checkRow(t, s, r)
		cells := r.cells[:r.used]
		text := p.plain(cells, s.cols)
		if w := ansi.StringWidth(text); w != s.cols {
			t.Fatalf("row %d is %d columns wide, not %d: %q", y, w, s.cols, text)
		}
		if i := strings.IndexFunc(text, unicode.IsControl); i >= 0 {
			t.Fatalf("row %d holds a control character: %q", y, text)
		}
		styled := p.styled(cells, s.cols, nil)
		if ansi.Strip(styled) != text {
			t.Fatalf("row %d: styled %q, plain %q", y, styled, text)
		}
	}
}

func checkRow(t testing.TB, s *Screen, r *row) {
	t.Helper()
	if r.used > s.cols || len(r.cells) != s.cols {
		t.Fatalf("row uses %d of %d cells", r.used, len(r.cells))
	}
	for x, c := range r.cells {
		switch {
		case x >= r.used && c != (cell{}):
			t.Fatalf("cell %d after the last used, %d, is not empty: %+v", x, r.used, c)
		case c.ch&glyphTail != 0 && (x == 0 || r.cells[x-1].ch&glyphWide == 0):
			t.Fatalf("right half at %d without its left", x)
		case c.ch&glyphWide != 0 && (x+1 >= s.cols || r.cells[x+1].ch&glyphTail == 0):
			t.Fatalf("left half at %d without its right", x)
		case c.ch&glyphCluster != 0 && int(c.ch&glyphMask) >= len(s.pool.clusters.text):
			t.Fatalf("cluster %d of %d", c.ch&glyphMask, len(s.pool.clusters.text))
		case c.ext != 0 && int(c.ext) >= len(s.pool.extras.list):
			t.Fatalf("extra %d of %d", c.ext, len(s.pool.extras.list))
		}
	}
}

// checkRestore fails the test when Restore does not bring back the picture.
func checkRestore(t testing.TB, s *Screen) {
	t.Helper()
	b := New(s.cols, s.rows, s.opts)
	b.Write(s.Restore())
	want, got := picture(s), picture(b)
	for y := range want {
		if want[y] != got[y] {
			t.Fatalf("restored row %d:\n got %q\nwant %q\nfrom %q", y, got[y], want[y], s.Restore())
		}
	}
	if b.cur.x != s.cur.x || b.cur.y != s.cur.y {
		if !s.cur.origin { // a cursor outside the margins cannot be set then
			t.Fatalf("restored cursor %d,%d, want %d,%d", b.cur.x, b.cur.y, s.cur.x, s.cur.y)
		}
	}
	if len(b.replies) > 0 {
		t.Fatalf("restoring asks: %q", b.replies)
	}
}

func picture(s *Screen) []string {
	p := painter{pool: s.pool, palette: &s.palette}
	var rows []string
	for y := range s.rows {
		r := s.grid.row(y)
		rows = append(rows, p.styled(r.cells[:r.used], s.cols, nil))
	}
	return rows
}

// pieces are what structured input is made of; %d is a number, often a silly one.
var pieces = []string{
	"\x1b[%dA", "\x1b[%dB", "\x1b[%dC", "\x1b[%dD", "\x1b[%dE", "\x1b[%dF", "\x1b[%dG", "\x1b[%d;%dH", "\x1b[%dI", "\x1b[%dJ", "\x1b[%dK",
	"\x1b[?%dJ", "\x1b[?%dK", "\x1b[%dL", "\x1b[%dM", "\x1b[%dP", "\x1b[%dS", "\x1b[%dT", "\x1b[%dX", "\x1b[%dZ", "\x1b[%d@", "\x1b[%db", "\x1b[%dd",
	"\x1b[%dm", "\x1b[38;5;%dm", "\x1b[48;2;%d;%d;%dm", "\x1b[4:%dm", "\x1b[58;2;%d;%d;%dm", "\x1b[%d;%dr", "\x1b[%d;%ds", "\x1b[?69h", "\x1b[?69l", "\x1b[?6h", "\x1b[?6l",
	"\x1b[?7h", "\x1b[?7l", "\x1b[?45h", "\x1b[?1045h", "\x1b[?1049h", "\x1b[?1049l", "\x1b[?47h", "\x1b[?47l", "\x1b[?%dh", "\x1b[?%dl", "\x1b[4h", "\x1b[4l", "\x1b[20h",
	"\x1b[%dg", "\x1bH", "\x1b7", "\x1b8", "\x1bM", "\x1bD", "\x1bE", "\x1b6", "\x1b9", "\x1b#8", "\x1b[!p", "\x1bc", "\x1b(0", "\x1b(B", "\x0e", "\x0f", "\x1bN", "\x1bn",
	"\x1b[%d;%d;%d;%d;%d$x", "\x1b[%d;%d;%d;%d$z", "\x1b[%d;%d;%d;%d${", "\x1b[%d;%d;%d;%d;1;%d;%d;1$v", "\x1b[%d;%d;%d;%d;%d$r", "\x1b[%d;%d;%d;%d;%d$t", "\x1b[%d*x",
	"\x1b[1;1;%d;%d;%d;%d*y", "\x1b[%d'}", "\x1b[%d'~", "\x1b[%d @", "\x1b[%d A", "\x1b[%d\"q", "\x1bV", "\x1bW", "\x1b[3J", "\x1b[%d q", "\x1b[>%du", "\x1b[<%du",
	"\x1b]2;title\x07", "\x1b]8;;http://x/%d\x1b\\", "\x1b]8;;\x1b\\", "\x1b]4;%d;#123456\x07", "\x1b[?2026h", "\x1b[?2026l", "\x1bP$qm\x1b\\", "\x1b[%dn", "\x1b[c",
	"a", "hello world", "日本語", "👩‍👩‍👧", "🇩🇪", "e\u0301", "❤\ufe0f", "1\ufe0f\u20e3", "\u200d", "\u0301", "한글", "각", "நி", "\u0600", "🏽", "\r\n", "\n", "\r", "\b", "\t",
	"0123456789012345678901234567890123456789", "\xff", "\xe6\x97", "\u009b1m", "🇩", "\u00ad", "\u200b", "\u2028", "\u3164", "\ufe0f", "\u1f1e6", "ﷺ", "\U000e0041",
}

var numbers = []int{0, 1, 2, 3, 4, 5, 7, 8, 10, 20, 23, 24, 25, 40, 79, 80, 81, 200, 255, 1049, 65535, 1 << 31, -1}

// structured turns random bytes into control sequences and text.
func structured(data []byte) string {
	var out strings.Builder
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	for len(data) > 0 {
		piece := pieces[next()%len(pieces)]
		var args []any
		for range strings.Count(piece, "%d") {
			n := numbers[next()%len(numbers)]
			if n < 0 {
				n = next()
			}
			args = append(args, n)
		}
		fmt.Fprintf(&out, piece, args...)
	}
	return out.String()
}

func TestRandomSequences(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := New(1+random.IntN(40), 1+random.IntN(12), Options{ScrollbackBytes: 1 << 18})
		for range 20 {
			data := make([]byte, 60)
			for i := range data {
				data[i] = byte(random.Uint32())
			}
			text := structured(data)
			t.Logf("%d×%d: %q", s.cols, s.rows, text)
			s.Write([]byte(text))
			checkScreen(t, s)
			checkRestore(t, s)
			s.Resize(1+random.IntN(40), 1+random.IntN(12))
			checkScreen(t, s)
		}
	}
}

func FuzzRaw(f *testing.F) {
	for _, p := range pieces {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(20, 6, Options{})
		s.Write(data)
		checkScreen(t, s)
	})
}

func FuzzStructured(f *testing.F) {
	f.Add([]byte("some bytes"), uint8(20), uint8(5), uint8(10), uint8(9))
	f.Fuzz(func(t *testing.T, data []byte, cols, rows, newCols, newRows uint8) {
		s := New(int(cols), int(rows), Options{})
		half := len(data) / 2
		s.Write([]byte(structured(data[:half])))
		s.Resize(int(newCols), int(newRows))
		checkScreen(t, s)
		s.Write([]byte(structured(data[half:])))
		checkScreen(t, s)
		checkRestore(t, s)
	})
}

// FuzzColourName reads colours as programs set them, and has what a program is
// told of a colour be that colour again.
func FuzzColourName(f *testing.F) {
	for _, name := range []string{"rgb:1/22/333", "rgb:ffff/0000/8080", "#123", "#123456789abc", "#12", "rgb:/1/2", "rgb:-1/+1/0x1", "rgb:1_0/1/1", "red", "#ééé"} {
		f.Add(name, 7)
	}
	f.Fuzz(func(t *testing.T, name string, index int) {
		c, ok := parseColourName(name)
		if !ok {
			return
		}
		if strings.Trim(strings.ToLower(name), "0123456789abcdefrg:#/") != "" {
			t.Errorf("%q is a colour", name)
		}
		s := New(20, 6, Options{})
		number := strconv.Itoa(index & 255)
		s.Write([]byte("\x1b]4;" + number + ";" + name + "\x07\x1b]4;" + number + ";?\x07"))
		_, told, _ := strings.Cut(string(s.TakeReplies()), "\x1b]4;"+number+";")
		if again, ok := parseColourName(strings.TrimSuffix(told, "\a")); !ok || again != c {
			t.Errorf("%q is %x, and told to be %q", name, c, told)
		}
	})
}

// FuzzReplies has a program ask for anything: an answer is typed for it, and
// must not be a line that a shell would run, nor what the program has chosen.
func FuzzReplies(f *testing.F) {
	for _, p := range append(pieces, "\x1bP$q\"p\x1b\\", "\x1bP+q544e\x1b\\", "\x1b[21t", "\x1b]2;rm -rf\x07\x1b[21t", "\x1b]l\x1b\\", "\x1b]52;c;?\x07", "\x1b]11;?\x07", "\x1b[>q", "\x05", "\x1b[?6n\x1b[5n") {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(20, 6, Options{})
		s.Write([]byte("\x1b]2;rm -rf\x07"))
		s.Write(data)
		replies := string(s.TakeReplies())
		if strings.ContainsAny(replies, "\r\n\t\x03\x04\x1a") || strings.Contains(replies, "rm -rf") || len(replies) > maxReplies+1000 {
			t.Errorf("%q is answered %q", data, replies)
		}
		for _, r := range s.title {
			if !unicode.IsPrint(r) {
				t.Errorf("the title is %q", s.title)
			}
		}
	})
}
