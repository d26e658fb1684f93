package tui

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"aquarium/runtime/spec"
	"aquarium/tui/terminal"
)

// foreign is the first piece of what is drawn that is neither text nor a
// colour; "" where there is none.
func foreign(drawn string) string {
	for len(drawn) > 0 {
		r, size := utf8.DecodeRuneInString(drawn)
		switch {
		case r == '\x1b':
			size = strings.IndexByte(drawn, 'm') + 1
			if size == 0 || !strings.HasPrefix(drawn, "\x1b[") || strings.Trim(drawn[2:size-1], "0123456789;:") != "" {
				return strconv.Quote(drawn[:min(len(drawn), 12)])
			}
		case r == utf8.RuneError && size == 1, unicode.In(r, unicode.Cc, unicode.Bidi_Control):
			return strconv.Quote(drawn[:size])
		}
		drawn = drawn[size:]
	}
	return ""
}

// terminalActions is one of each kind of thing that a terminal acts on. Each has a
// number or a word in it, 4242 or PWND, that nothing of ours has.
var terminalActions = []string{
	"\x1b]0;PWND\x07", "\x1b]2;PWND\x1b\\", "\x1b]52;c;UFdORA==PWND\x07", "\x1b]8;;http://PWND/\x1b\\link\x1b]8;;\x1b\\", "\x1b]7;file://PWND/\x07", "\x1b]4;42;#424242\x07",
	"\x1b]10;#PWND\x07", "\x1b]1337;File=PWND:x\x07", "\x1b]777;notify;PWND;x\x07", "\x1b]9;PWND\x07", "\x1bP+q4242\x1b\\", "\x1bP4242|PWND\x1b\\", "\x1b_GPWND\x1b\\", "\x1b^PWND\x1b\\", "\x1bXPWND\x1b\\",
	"\x1b[4242;4242H", "\x1b[4242J", "\x1b[4242K", "\x1b[?4242h", "\x1b[>4242u", "\x1b[4242;4242r", "\x1b[4242n", "\x1b[4242c", "\x1b[4242t", "\x1b[4242;1\"p", "\x1b[4242i", "\x1b[4242 q",
	"\x1b[?4242$p", "\x1b[4242;4242m", "\x1b[5i", "\x1b[21t", "\x1bc", "\x1b#8", "\x1bZ", "\x1b%G", "\x1b(0", "\x05", "\x07", "\x0e", "\x0f", "\x9b4242J", "\u009b4242J", "\x90PWND\x9c", "\u0090PWND\u009c",
	"\u202ePWND\u202c", "\u2066x\u2069", "\u200f", "\xff\xfe", "\x00", "\x7f", "\x18", "\x1a",
}

// FuzzPaneIsText: whatever a program puts out, and however its screen is cut to
// fit, what is drawn of it is text and colours.
func FuzzPaneIsText(f *testing.F) {
	for _, a := range terminalActions {
		f.Add([]byte("x"+a+"y"), uint8(20), uint8(4), uint8(12), uint8(3))
	}
	f.Add([]byte(strings.Join(terminalActions, "")), uint8(80), uint8(24), uint8(79), uint8(24))
	f.Fuzz(func(t *testing.T, data []byte, cols, rows, w, h uint8) {
		pane := terminal.NewPane(1+int(cols), 1+int(rows), terminal.Options{})
		defer pane.Close()
		pane.Feed(data)
		for _, row := range append(crop(newTheme(true), pane, int(w), int(h)).rows, crop(newTheme(false), pane, int(w), int(h)).rows...) {
			if bad := foreign(row); bad != "" {
				t.Fatalf("%s is drawn in %q", bad, row)
			}
		}
		if bad := foreign(visible(pane.Title()) + visible(pane.Directory())); bad != "" {
			t.Fatalf("%s is in the title", bad)
		}
	})
}

// FuzzNamesAreText: whatever things are called.
func FuzzNamesAreText(f *testing.F) {
	for _, a := range terminalActions {
		f.Add("x"+a+"y", uint8(40), true)
	}
	f.Fuzz(func(t *testing.T, name string, w uint8, plain bool) {
		s := sheet{note: name, sections: []section{{title: name, columns: []column{{name: "A", flex: true}, {name: "B", right: true}}, rows: []row{{key: name, cells: []string{name, name}, more: []fact{{"x", name}}}}}}}
		s.finish()
		p := page{theme: newTheme(plain), focused: true}
		p.set(s)
		drawn := append(p.view(int(w), 8), visible(name))
		for _, line := range p.dialog().(*messageDialog).text {
			drawn = append(drawn, line.text)
		}
		for _, row := range drawn {
			if bad := foreign(row); bad != "" {
				t.Fatalf("%s is drawn in %q", bad, row)
			}
		}
	})
}

// TestNothingOfASandboxReachesTheTerminal looks at every byte that the whole UI
// writes, while it shows a sandbox that prints everything a terminal acts on, in
// every view, attached and not.
func TestNothingOfASandboxReachesTheTerminal(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	evil := strings.ToValidUTF8(strings.ReplaceAll(strings.Join(terminalActions, "\r\n"), "\x00", ""), "?")
	// Printed by the program itself, so that bytes that are not UTF-8 are there too.
	script := `while :; do printf %s "$1"; printf '\0\233\220\377'; printf '\033cready\n'; read x || exec sleep 100000; done`
	h.launch(t, spec.Options{Name: "evil", Rootfs: busybox(t), TTY: true, Env: []string{"EVIL=" + evil}, Command: []string{"sh", "-c", script, "sh", evil}})
	u := h.open(t, 120, 40)
	u.sees("ready")
	u.types("\t\r") // attached
	u.types("again\r")
	u.sees("ready")
	u.types("\x1dd")
	for _, view := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "l", "0"} {
		u.types(view)
		u.sees("▸" + view + " ")
	}
	u.types("9/EVIL\r")
	u.sees("filter: EVIL", "PWND")
	u.types("0z")
	u.sees("ready")
	output := string(u.output())
	var state byte
	for len(output) > 0 {
		piece, _, n, next := ansi.DecodeSequence(output, state, nil)
		state = next
		text := n > 0 && piece[0] >= ' ' && piece[0] != 0x7f
		if !text && (strings.Contains(piece, "PWND") || strings.Contains(piece, "4242")) {
			t.Errorf("%q has got through", piece)
		}
		if bad := foreign(piece); text && bad != "" {
			t.Errorf("%s has got through in %q", bad, piece)
		}
		if strings.ContainsAny(piece[:1], "\x05\x0e\x0f\x18\x1a\x00") {
			t.Errorf("%q has got through", piece)
		}
		output = output[n:]
	}
	if title := u.pane.Title(); strings.Contains(title, "PWND") {
		t.Errorf("the terminal's title is %q", title)
	}
}

// TestForeign is the control: what finds these is not blind.
func TestForeign(t *testing.T) {
	t.Parallel()
	for _, a := range terminalActions {
		if a != "\x1b[4242;4242m" && foreign("x"+a) == "" {
			t.Errorf("%q is taken for text", a)
		}
	}
	if bad := foreign("größer 日本 👩‍👩‍👧 \x1b[0;1;38;5;7mx\x1b[m"); bad != "" {
		t.Errorf("%s is no text", bad)
	}
}
