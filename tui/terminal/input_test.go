package terminal

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorder is a Target that notes what it gets.
type recorder struct {
	input    strings.Builder
	commands []Command
	modes    Modes
	begun    int  // how often Begin was called
	prefixed bool // what it says
}

func (r *recorder) Begin() bool                    { r.begun++; return r.prefixed }
func (r *recorder) Input(b []byte)                 { r.input.Write(b) }
func (r *recorder) Modes() Modes                   { return r.modes }
func (r *recorder) Bounds() (x, y, cols, rows int) { return 10, 5, 80, 24 }
func (r *recorder) Command(c Command)              { r.commands = append(r.commands, c) }

// passThrough sends input through an attached Passthrough, reading size bytes
// at a time, and returns what came out for the UI.
func passThrough(t testing.TB, r *recorder, input string, size int) string {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	go func() {
		defer out.Close()
		io.WriteString(out, input)
	}()
	p := NewPassthrough(in, 0)
	p.Attach(r)
	var ui strings.Builder
	buf := make([]byte, size)
	for {
		n, err := p.Read(buf)
		ui.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return ui.String()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPassthrough(t *testing.T) {
	paste := Modes{BracketedPaste: true}
	mouse := func(tracking MouseTracking, encoding MouseEncoding) Modes {
		return Modes{Mouse: tracking, MouseEncoding: encoding}
	}
	for _, c := range []struct {
		name     string
		modes    Modes
		in       string
		pane, ui string
		commands []Command
	}{
		{name: "text", in: "ls\r", pane: "ls\r"},
		{name: "control keys", in: "\x03\x09\x1a\x00\x7f\x1c", pane: "\x03\x09\x1a\x00\x7f\x1c"},
		{name: "utf-8", in: "äöü日本🎉", pane: "äöü日本🎉"},
		{name: "escape", in: "\x1b", pane: "\x1b"},
		{name: "two escapes", in: "\x1b\x1b", pane: "\x1b\x1b"},
		{name: "alt keys", in: "\x1bx\x1b[\x1b]\x1bO", pane: "\x1bx\x1b[\x1b]\x1bO"},
		{name: "alt and a bracket, then text", in: "\x1b]x\x1bPx\x1b_x", pane: "\x1b]x\x1bPx\x1b_x"},
		{name: "function keys", in: "\x1bOP\x1b[15~\x1b[1;2R\x1b[[A", pane: "\x1bOP\x1b[15~\x1b[1;2R\x1b[[A"},
		{name: "kitty keys", in: "\x1b[97;5u\x1b[13;2u", pane: "\x1b[97;5u\x1b[13;2u"},
		{name: "cursor keys", in: "\x1b[A\x1bOB\x1b[1;5C\x1bOH", pane: "\x1b[A\x1b[B\x1b[1;5C\x1b[H"},
		{name: "cursor keys, application", modes: Modes{AppCursor: true}, in: "\x1b[A\x1bOB\x1b[1;5C\x1b[F", pane: "\x1bOA\x1bOB\x1b[1;5C\x1bOF"},

		{name: "detach", in: "a\x1ddb", pane: "a", ui: "b", commands: []Command{CommandDetach}},
		{name: "zoom", in: "a\x1dzb", pane: "ab", commands: []Command{CommandZoom}},
		{name: "scroll", in: "a\x1d[b", pane: "a", ui: "b", commands: []Command{CommandScroll}},
		{name: "literal prefix", in: "\x1d]x", pane: "\x1dx"},
		{name: "prefix and another key", in: "\x1dx\x1d\x1b[A\x1d\x1d", pane: "\x1dx\x1d\x1b[A\x1d\x1d"},
		{name: "prefix as CSI u", in: "\x1b[93;5u\x1b[100u", commands: []Command{CommandDetach}},
		{name: "prefix as CSI u with locks and releases", in: "\x1b[93;197:1u\x1b[93;197:3ud", commands: []Command{CommandDetach}},
		{name: "prefix as modifyOtherKeys", in: "\x1b[27;5;93~z", commands: []Command{CommandZoom}},
		{name: "prefix as CSI u, another key", in: "\x1b[93;5ux", pane: "\x1b[93;5ux"},
		{name: "alt and prefix is no prefix", in: "\x1b\x1dd", pane: "\x1b\x1dd"},

		{name: "paste unasked", in: "\x1b[200~a\x1ddb\x1b[A\x1b[201~c", pane: "a\x1ddb\x1b[Ac"},
		{name: "paste asked", modes: paste, in: "\x1b[200~a\x1ddb\x1b[201~c", pane: "\x1b[200~a\x1ddb\x1b[201~c"},
		{name: "focus unasked", in: "\x1b[I\x1b[O", ui: "\x1b[I\x1b[O"},
		{name: "focus asked", modes: Modes{Focus: true}, in: "\x1b[I\x1b[O", pane: "\x1b[I\x1b[O", ui: "\x1b[I\x1b[O"},
		{name: "answers", in: "\x1b[?62;22c\x1b[>1;2;3c\x1b[?2026;2$y\x1b[12;40R\x1b[?1u\x1b[8;24;80t\x1b[0n",
			ui: "\x1b[?62;22c\x1b[>1;2;3c\x1b[?2026;2$y\x1b[12;40R\x1b[?1u\x1b[8;24;80t\x1b[0n"},
		{name: "string answers", in: "a\x1b]11;rgb:00/00/00\x1b\\b\x1b]10;rgb:ff/ff/ff\x07c\x1bP>|term 1\x1b\\d", pane: "abcd",
			ui: "\x1b]11;rgb:00/00/00\x1b\\\x1b]10;rgb:ff/ff/ff\x07\x1bP>|term 1\x1b\\"},

		{name: "mouse unasked", in: "\x1b[<0;15;10M", ui: "\x1b[<0;15;10M"},
		{name: "mouse outside", modes: mouse(MouseNormal, MouseEncodingSGR), in: "\x1b[<0;1;1M\x1b[<0;1;1m", ui: "\x1b[<0;1;1M\x1b[<0;1;1m"},
		{name: "mouse inside", modes: mouse(MouseNormal, MouseEncodingSGR), in: "\x1b[<0;15;10M\x1b[<0;15;10m", pane: "\x1b[<0;5;5M\x1b[<0;5;5m"},
		{name: "drag out of the pane", modes: mouse(MouseButton, MouseEncodingSGR), in: "\x1b[<0;15;10M\x1b[<32;1;1M\x1b[<0;1;1m", pane: "\x1b[<0;5;5M\x1b[<32;1;1M\x1b[<0;1;1m"},
		{name: "drag into the pane", modes: mouse(MouseButton, MouseEncodingSGR), in: "\x1b[<0;1;1M\x1b[<32;15;10M\x1b[<0;15;10m", ui: "\x1b[<0;1;1M\x1b[<32;15;10M\x1b[<0;15;10m"},
		{name: "no motion in mode 1000", modes: mouse(MouseNormal, MouseEncodingSGR), in: "\x1b[<35;15;10M"},
		{name: "no free motion in mode 1002", modes: mouse(MouseButton, MouseEncodingSGR), in: "\x1b[<35;15;10M"},
		{name: "motion in mode 1003", modes: mouse(MouseAny, MouseEncodingSGR), in: "\x1b[<35;15;10M", pane: "\x1b[<35;5;5M"},
		{name: "no release in mode 9", modes: mouse(MouseX10, MouseEncodingX10), in: "\x1b[<0;15;10M\x1b[<0;15;10m", pane: "\x1b[M %%"},
		{name: "X10 encoding", modes: mouse(MouseNormal, MouseEncodingX10), in: "\x1b[<2;15;10M\x1b[<2;15;10m", pane: "\x1b[M\"%%\x1b[M#%%"},
		{name: "urxvt encoding", modes: mouse(MouseNormal, MouseEncodingURXVT), in: "\x1b[<0;15;10M", pane: "\x1b[32;5;5M"},
		{name: "pixel encoding", modes: mouse(MouseNormal, MouseEncodingSGRPixels), in: "\x1b[<0;15;10M", pane: "\x1b[<0;45;90M"},
		{name: "wheel on the alternate screen", modes: Modes{AltScreen: true, AltScroll: true}, in: "\x1b[<64;15;10M", pane: "\x1b[A\x1b[A\x1b[A"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{4096, 7, 3, 2, 1} {
				r := &recorder{modes: c.modes}
				ui := passThrough(t, r, c.in, size)
				if r.input.String() != c.pane || ui != c.ui || !slices.Equal(r.commands, c.commands) {
					t.Errorf("%d bytes a read: pane %q, UI %q, commands %v", size, r.input.String(), ui, r.commands)
				}
			}
		})
	}
}

func TestPassthroughDetached(t *testing.T) {
	k := newTypist(t, 0)
	const keys = "\x1dd\x1b[<0;1;1M"
	if ui := k.types(keys); ui != keys {
		t.Errorf("for the UI %q, want %q", ui, keys)
	}
}

func TestPassthroughEscapeIsNotHeld(t *testing.T) {
	k, r := newTypist(t, 0), &recorder{}
	k.attach(r)
	start := time.Now()
	if ui := k.types("\x1b"); ui != "" || r.input.String() != "\x1b" {
		t.Errorf("for the UI %q, for the pane %q", ui, r.input.String())
	}
	if d := time.Since(start); d > patience {
		t.Errorf("took %v", d)
	}
}

func TestPassthroughOtherPrefix(t *testing.T) {
	k, r := newTypist(t, 0x01), &recorder{}
	k.attach(r)
	k.types("\x1d\x01a\x1b[97;5uz")
	if r.input.String() != "\x1d\x01" || !slices.Equal(r.commands, []Command{CommandZoom}) {
		t.Errorf("pane %q, commands %v", r.input.String(), r.commands)
	}
}

func FuzzPassthrough(f *testing.F) {
	f.Add("a\x1ddb\x1b[200~x\x1b[201~\x1b[<0;15;10M\x1b]11;x\x07", uint8(3), uint8(7))
	f.Fuzz(func(t *testing.T, in string, size, flags uint8) {
		r := &recorder{modes: Modes{AppCursor: flags&1 != 0, BracketedPaste: flags&2 != 0, Focus: flags&4 != 0}}
		if len(in) > 1000 {
			in = in[:1000]
		}
		ui := passThrough(t, r, in, int(size)+1)
		if got := r.input.Len() + len(ui); got > 2*len(in) {
			t.Errorf("%d bytes made %d", len(in), got)
		}
		if !strings.ContainsAny(in, "\x1b\x1d") && r.input.String() != in {
			t.Errorf("plain input %q became %q", in, r.input.String())
		}
	})
}
