package console

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"aquarium/tui/terminal"
)

// filtered is what a filter lets through of text that comes in pieces.
func filtered(text []byte, piece int) string {
	var f filter
	var out bytes.Buffer
	for b := range slices.Chunk(text, piece) {
		out.Write(f.pass(b))
	}
	return out.String()
}

func TestFilter(t *testing.T) {
	t.Parallel()
	const all = "=" // what goes in comes out
	tests := []struct{ name, in, want string }{
		{"text", "plain\r\n\ttext \a\b\v\f\x0e\x0f\x7f\x00, größer, 漢字 👩‍👩‍👧 \U0010fffd\n", all},
		{"colours", "\x1b[1;31mred\x1b[m\x1b[38:2::1:2:3;48;5;7m\x1b[58;2;1;2;3m", all},
		{"cursor, erasing, scrolling", "\x1b[2J\x1b[H\x1b[3;4H\x1b[5A\x1b[?K\x1b[2;20r\x1b[S\x1b[3T\x1b[4@\x1b[2P\x1b[L\x1b[M\x1b[7b\x1b7\x1b8\x1bM\x1bD\x1b[s\x1b[u\x1b[3g\x1bH", all},
		{"modes", "\x1b[?1049h\x1b[?1000;1006h\x1b[?2004h\x1b[?25l\x1b[4h\x1b[?1h\x1b=\x1b>\x1b[?2026h\x1b[!p\x1bc", all},
		{"cursor style, rectangles, sets", "\x1b[4 q\x1b[2;3;4;5$z\x1b[2*x\x1b[1\"q\x1b(0qqq\x1b(B\x1b)0\x1b#8\x1b[3'}", all},
		{"keys", "\x1b[>4;2m\x1b[>4m\x1b[>1u\x1b[<u\x1b[=1;2u\x1b[?u", all},
		{"questions with a fixed answer", "\x1b[6n\x1b[5n\x1b[?6n\x1b[?996n\x1b[c\x1b[0c\x1b[>c\x1b[?2026$p\x1b[4$p\x1bZ", all},
		{"other questions", "a\x1b[7n\x1b[?63;1n\x1b[=c\x1b[>q\x1b[2$w\x1b[1;1;1;1;9;9*y\x1b[x\x05b", "ab"},
		{"titles and clipboard", "a\x1b]0;title\ab\x1b]52;c;aGk=\x1b\\c\x1bktitle\x1b\\d", "abcd"},
		{"strings", "a\x1bPq#0\a~~\x1b\\b\x1bXsos\a\x1b\\c\x1b^pm\nx\x1b\\d\x1b_Gf=100;AAAA\x1b\\e", "abcde"},
		{"in tmux", "a\x1bPtmux;\x1b\x1b]52;c;aGk=\a\x1b\\b", "ab"},
		{"ends of strings", "a\x1b]0;t\x18b\x1b]0;t\x1ac\x1b]0;t\x1b[31md\x1b]0;t\u009ce\x1b]0;✓\u00dc\af", "abc\x1b[31mdef"},
		{"a string without an end", "a\x1b]0;" + strings.Repeat("x", 10000), "a"},
		{"windows, printing, lights, bells", "a\x1b[21t\x1b[8;9;9t\x1b[5i\x1b[?5i\x1b[1q\x1b[2 t\x1b[2 u\x1b[80$|\x1b[9*|\x1b[4;1y\x1b[>2p\x1b[>1t\x1b[62\"pb", "ab"},
		{"rectangles are not windows", "\x1b[1;2;3;4;7$t", all},
		{"out of UTF-8", "a\x1b%@\x1b%/G\x1b%Gb\x1b[?42hc\x1b[?2ld\x1b<e", "abcde"},
		{"modes one by one", "\x1b[?25;2;1049h\x1b[?3;18l\x1b[2;4h\x1b[12l\x1b[?4294967298h\x1b[?h\x1b[?;h\x1b[?1042h\x1b[?025h", "\x1b[?25;1049h\x1b[4h\x1b[?025h"},
		{"other keys", "a\x1b[>1;3m\x1b[>m\x1b[>41m\x1b[?4mb", "ab"},
		{"not well-formed", "a\x1b[1?25hb\x1b[ 1mc\x1b[?>1hd\x1b[1 !pe", "abcde"},
		{"the Linux console's own", "a\x1b[12;3]b\x1b[[Ac\x1b[?1cd", "abAc\x1b[?1cd"},
		{"controls inside", "\x1b[3\b1mx\x1b\n[31my\x1b[3\x051m\x1b\x7fM", "\b\x1b[31mx\n\x1b[31my\x1b[31m\x1bM"},
		{"cut off", "\x1b[31\x1b[32ma\x1b[3\x18b\x1b\x1ac\x1b[3é\x1b(日\x1b\x1b]0;t\ad", "\x1b[32ma\x18b\x1acé日d"},
		{"eight bits, in UTF-8", "a\u009b31mb\u009d0;t\u009cc\u0090q\u009cd\u0098x\u009ce\u009ex\u009cf\u009fx\u009cg\u0085\u009ch\u009b21ti", "a\x1b[31mbcdefg\x1bEhi"},
		{"eight bits, raw", "a\x9b31m\x9d0;t\x90\x9cb\xff\xc3(\xe2\x94x\xf0\x9f\x92", "a�31m�0;t��b��(�x"},
		{"overlong", "\xc0\x9b\xe0\x82\x9b\xf8\x80\x80\x82\x9b\xed\xa0\x80", strings.Repeat("�", 13)},
		{"too long", "a\x1b[" + strings.Repeat("1;", maxSequence) + "mb\x1b" + strings.Repeat("(", maxSequence) + "Bc", "abc"},
	}
	for _, test := range tests {
		if test.want == all {
			test.want = test.in
		}
		for piece := 1; piece <= len(test.in); piece++ {
			if got := filtered([]byte(test.in), piece); got != test.want {
				t.Errorf("%s, in pieces of %d: %q becomes %q, want %q", test.name, piece, test.in, got, test.want)
				break
			}
		}
	}
}

// TestFilterKeepsSessions has recorded sessions of real programs look the same
// with and without the filter, down to cells, cursor and modes.
func TestFilterKeepsSessions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../tui/terminal/testdata/sessions/*.gz")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded sessions", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".gz")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cols, rows int
			if _, err := fmt.Sscanf(name[strings.LastIndex(name, "-")+1:], "%dx%d", &cols, &rows); err != nil {
				t.Fatal(err)
			}
			data := session(t, file)
			raw, drawn := terminal.NewPane(cols, rows, terminal.Options{}), terminal.NewPane(cols, rows, terminal.Options{})
			defer raw.Close()
			defer drawn.Close()
			raw.Replay(data)
			drawn.Replay([]byte(filtered(data, 1000)))
			if want, got := raw.Restore(), drawn.Restore(); !bytes.Equal(want, got) {
				t.Errorf("the filter changes the screen from\n%q\nto\n%q", want, got)
			}
			if raw.Modes() != drawn.Modes() || raw.Cursor() != drawn.Cursor() {
				t.Errorf("the filter changes modes or cursor from %+v, %+v to %+v, %+v", raw.Modes(), raw.Cursor(), drawn.Modes(), drawn.Cursor())
			}
		})
	}
}

// session reads a recording.
func session(t testing.TB, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// beyond finds what no filtered text may hold: what begins a string, sequences
// that act beyond the screen, controls of eight bits, ENQ.
var beyond = regexp.MustCompile(`\x1b[]PX^_k%< ]|\x1b\[[0-9:;<=>?]*[tiywqp]|\x1b\[\?([0-9]*;)*(2|3|42)[hlsr;]|[\x05` + "\u0080-\u009f" + `]`)

// FuzzFilter: whatever is printed, nothing that acts beyond the screen comes
// out, characters stay whole, and pieces make no difference.
func FuzzFilter(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b]0;t\x07\u009b5n\x9d0;x\x9c\xe2\x94"), uint8(2))
	f.Add([]byte("\x1b[?25;2h\x1b\x1b]\x1b[1\x1b]52;c;x\x1b\\\u009d;✓\u009c漢"), uint8(0))
	f.Add([]byte("\x1b(\x1bP\x1bP\x1bkx\x18\x1b[>4;1m\x1b[ q\x1b[2*y"), uint8(5))
	f.Fuzz(func(t *testing.T, input []byte, piece uint8) {
		got := filtered(input, len(input)+1)
		if bad := beyond.FindString(got); bad != "" {
			t.Errorf("%q is let through of %q", bad, input)
		}
		if !utf8.ValidString(got) {
			t.Errorf("%q becomes %q", input, got)
		}
		if again := filtered([]byte(got), len(got)+1); again != got {
			t.Errorf("%q becomes %q, and that %q", input, got, again)
		}
		for _, piece := range []int{1, int(piece) + 1} {
			if pieces := filtered(input, piece); pieces != got {
				t.Errorf("%q becomes %q, in pieces of %d %q", input, got, piece, pieces)
			}
		}
		if !bytes.ContainsRune(input, esc) && utf8.Valid(input) && !beyond.Match(input) && got != string(input) {
			t.Errorf("text %q becomes %q", input, got)
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	const size = 1 << 20
	fill := func(text string) []byte { return bytes.Repeat([]byte(text), size/len(text)) }
	tmux := session(b, "../../../tui/terminal/testdata/sessions/tmux-200x50.gz")
	for _, load := range []struct {
		name string
		data []byte
	}{
		{"plain", fill("The quick brown fox jumps over the lazy dog, 0123456789 times.\r\n")},
		{"lines", fill("y\r\n")},
		{"cjk", fill("漢字かな交じり文 カタカナ 한글 mixed text é ё\r\n")},
		{"colour", fill("\x1b[38;5;123ma\x1b[48;2;1;200;34m#")},
		{"cursor", fill("\x1b[12;34Hx5\x1b[?25l\x1b[?25h")},
		{"session", fill(string(tmux))},
		{"strings", fill("\x1b]0;a title\x07")},
	} {
		b.Run(load.name, func(b *testing.B) {
			var f filter
			b.SetBytes(int64(len(load.data)))
			b.ReportAllocs()
			for b.Loop() {
				for piece := range slices.Chunk(load.data, 32<<10) {
					f.pass(piece)
				}
			}
		})
	}
}
