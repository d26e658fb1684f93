package main

import (
	"regexp"
	"strings"
	"testing"
)

// acting is what a terminal would do something else with than draw: strings in
// their three forms (title, clipboard, a tmux passthrough, screen's title),
// window operations, printing, a terminal's own answer, and what would make it
// read the rest as something else. Each carries or is followed by text.
const acting = `\033]0;TITLE\007\033]52;c;aGFja2Vk\007\033Ptmux;\033\033]2;INNER\007\033\\\033^PM\033\\\033_APC\033\\\033XSOS\033\\\033kSCREEN\033\\` +
	`\302\2350;TITLE8\302\234\302\220DCS8\302\234\302\2330;0t\2350;RAW\007\220RAW\234` +
	`\033[21t\033[8;9;9t\033[5i\033[4;1y\033[?2l\033%%@\033 G\033[>2p\033[12;3]\005`

// actsBeyond finds in an output what a terminal does not only draw.
var actsBeyond = regexp.MustCompile(`\x1b[]PX^_k% ]|\x1b\[[0-9;<=>?]*[tiyp\]]|\x1b\[\?2l|\x05|[` + "\u0080-\u009f" + `]`)

// TestPrintedOutputOnlyDraws has a sandbox's programs print what acts on a
// terminal, each way that a program's output gets to the user's.
func TestPrintedOutputOnlyDraws(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	script := `printf '` + acting + `\033[31mdr\342\224\200wn\033[m\n'; printf '` + acting + `\033[32malso\033[m\n' >&2`
	p.run(t, "run", "-d", "--name", "tty", "-t", p.bb(), "sh", "-c", script+"; read line; "+script+"; read line")
	p.run(t, "run", "-d", "--name", "pipes", "-t=false", "-i", p.bb(), "sh", "-c", script+"; read line; "+script+"; read line")
	for _, test := range []struct {
		args []string
		keys string
	}{
		{args: []string{"run", "--rm", p.bb(), "sh", "-c", script}},
		{args: []string{"run", "--rm", "-t=false", p.bb(), "sh", "-c", script}},
		{args: []string{"exec", "tty", "sh", "-c", script}},
		{args: []string{"exec", "-t=false", "tty", "sh", "-c", script}},
		{args: []string{"attach", "tty"}, keys: "\n\n"},
		{args: []string{"attach", "pipes"}, keys: "\n\n"},
	} {
		t.Run(strings.Join(test.args[:2], " "), func(t *testing.T) {
			u := p.sitUnderShell(t, test.args...)
			u.sees("dr─wn(?s:.*)also|also(?s:.*)dr─wn")
			u.types(test.keys)
			u.sees("it ended with 0")
			got := u.received()
			if bad := actsBeyond.FindString(got); bad != "" {
				t.Errorf("it let through %q in\n%q", bad, got)
			}
			for _, word := range []string{"TITLE", "hack", "SCREEN", "INNER", "TITLE8"} {
				if strings.Contains(got, word) {
					t.Errorf("a string's text %q is in\n%q", word, got)
				}
			}
			if !strings.Contains(got, "31mdr─wn\x1b[") || !strings.Contains(got, "32malso\x1b[") {
				t.Errorf("what is only drawn is missing in\n%q", got)
			}
		})
	}
	// A file has every byte.
	out, err := p.command("run", "--rm", "-t=false", p.bb(), "sh", "-c", script).Output()
	if want := "\x1b]0;TITLE\x07\x1b]52;c;aGFja2Vk\x07"; err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("a pipe has %q, %v, want it to begin with %q", out, err, want)
	}
}

// TestActsBeyond is the control: it is not blind.
func TestActsBeyond(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\x1b]0;x\x07", "\x1bP", "\x1bX", "\x1b^", "\x1b_", "\x1bk", "\u009d", "\u0090", "\x1b[21t", "\x1b[?5i", "\x1b[>2p", "\x05", "\x1b%@", "\x1b[?2l"} {
		if !actsBeyond.MatchString("plain" + text) {
			t.Errorf("%q is taken for a drawing", text)
		}
	}
	if bad := actsBeyond.FindString("text \x1b[31;1m \x1b[?1049h\x1b(0\x1b[2J日本\r\n"); bad != "" {
		t.Errorf("%q is no drawing", bad)
	}
}
