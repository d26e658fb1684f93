package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// evil is text that a terminal would act on: it sets the title, asks for an
// answer that would be typed at the shell, clears the screen, turns the
// direction of writing round; as escape sequences of seven bits, of eight, and
// of eight in UTF-8.
const (
	evil = evilText + "\x9b5n\x90q\xff"
	// evilText is what of it is UTF-8: other arguments are refused.
	evilText = "a\x1b]0;pwned\x07\x1b[2J\x1b[21t\x1b]52;c;cHduZWQ=\x1b\\\u009b5n\u0090q\x7f\x08\x0e\u202eb\u2066c"
)

// TestOutputIsSafeForTheTerminal has everything in a sandbox that can be named
// be named so, and every command print it on a terminal.
func TestOutputIsSafeForTheTerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	volume := filepath.Join(p.dir, "volume"+evilText)
	root := filepath.Join(p.dir, "root"+evilText)
	if err := os.Mkdir(volume, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := busyboxRoot(root); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"etc/os-release", "etc/resolv.conf", "etc/hosts"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(`PRETTY_NAME="`+evil+"\"\nnameserver "+evil+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	script := fmt.Sprintf("touch \"/tmp/$1\"; mkdir -p \"/etc/$1\"; printf %%s\\\\n \"$1\"; printf %%s\\\\n \"$1\" >&2; printf '%%s' evil >/proc/self/comm; (exec -a \"$1\" sleep 1000) & touch /tmp/$(printf '\\233q\\377'); exec sleep 1000")
	p.run(t, "run", "-d", "--name", "evil", "-v", volume+":/mnt/"+evilText, "-e", "EVIL="+evilText, root, "sh", "-c", script, "sh", evilText)
	if err := within(patience, func() error {
		if out := p.run(t, "logs", "evil"); !strings.Contains(out, "pwned") {
			return fmt.Errorf("it has printed %q", out)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	pid := p.pidOf(t, "evil")
	for _, args := range [][]string{
		{"ps"}, {"ps", "-a"}, {"ps", "--json"}, {"logs", "evil"}, {"trace", "evil"}, {"trace", "evil", "--json"},
		{"inspect", "evil"}, {"inspect", "evil", "--json"}, {"inspect", pid}, {"inspect", pid, "--json"}, {"inspect", "evil", "mounts"},
		{"rootfs", "diff", "evil"}, {"rootfs", "diff", "evil", "--json"}, {"rootfs", "ls"}, {"rootfs", "ls", "--json"}, {"rootfs", "check", root}, {"rootfs", "check", root, "--json"},
		{"run", "--dry-run", "-v", volume + ":/v", "-e", evil + "=1", root, "sh", evil},
		{"run", root, evil}, {"run", "--name", evil, root, "true"}, {"run", evil, "true"}, {"run", "./" + evil, "true"}, {"run", "-u", evil, root, "true"},
		{"run", "-v", evil, root}, {"run", "--share", evil, root}, {"run", "--" + evil, root}, {"run", "--cap-add", evil, root},
		{"run", "--ulimit", evil, root}, {"run", "--network", evil, root}, {"run", "--hostname", evil, root}, {"run", "--memory", evil, root}, {"run", "--bundle", evil},
		{"exec", "evil", evil}, {"exec", "-u", evil, "evil", "true"}, {"exec", "-w", "/" + evil, "evil", "true"}, {"exec", evil, "true"},
		{"stop", evil}, {"rm", evil}, {"kill", evil}, {"pause", evil}, {"attach", evil}, {"logs", evil}, {"trace", evil}, {"inspect", evil}, {evil},
		{"enter", "-t", evil, "-m", "true"}, {"enter", "-t", "evil", "-m=" + evil, "true"}, {"enter", "-t", "evil", "-n", evil},
		{"rootfs", "import", "x", evil}, {"rootfs", "import", evil, "x"}, {"rootfs", "rm", evil}, {"rootfs", "pull", evil}, {"rootfs", "export", evil}, {"rootfs", "commit", "evil", evil},
		{"run", "--help", evil}, {"__complete", "run", evil}, {"doctor"},
		{"run", root, evilText}, {"run", "-w", "/" + evilText, root, "true"}, {"run", "-u", evilText, root, "true"}, {"exec", "evil", evilText}, {"exec", "-w", "/" + evilText, "evil", "true"},
		{"run", "--dry-run", "-v", volume + ":/v", "-e", evilText + "=1", root, "sh", evilText},
	} {
		u := p.sit(t, args...)
		<-u.ended
		said := u.everything()
		if bad := dangerous(said, args[0] == "logs"); bad != "" {
			t.Errorf("aquarium %s let through %s in\n%q", strings.Join(args, " "), bad, said)
		}
	}
	p.run(t, "rm", "-f", "evil")
}

// dangerous names what in an output is no text; "" where there is nothing.
// Colours are the only sequences that are allowed, where they are.
func dangerous(output string, colours bool) string {
	for len(output) > 0 {
		r, size := utf8.DecodeRuneInString(output)
		switch {
		case r == utf8.RuneError && size == 1:
			return "a byte that is not UTF-8, " + strconv.Quote(output[:1])
		case strings.ContainsRune("\r\n\t", r), unicode.IsPrint(r):
		case r == '\x1b' && colours && colourLength(output) > 0:
			size = colourLength(output)
		case r == '\b' && colours:
		default:
			return strconv.Quote(output[:min(len(output), 8)])
		}
		output = output[size:]
	}
	return ""
}

// colourLength is the length of the SGR sequence that text begins with, 0
// where it does not.
func colourLength(text string) int {
	if !strings.HasPrefix(text, "\x1b[") {
		return 0
	}
	for i, c := range []byte(text[2:]) {
		switch {
		case c == 'm':
			return i + 3
		case (c < '0' || c > '9') && c != ';' && c != ':':
			return 0
		}
	}
	return 0
}

// TestDangerous is the control: it is not blind.
func TestDangerous(t *testing.T) {
	t.Parallel()
	for _, text := range []string{evil, "\x1b[2J", "\x07", "\x9b", "\u009b", "\u202e", "\x1b]0;x\x07", "\x1b[31;1m", "\x1bc", "\x7f", "\u2028"} {
		if dangerous("plain"+text, false) == "" {
			t.Errorf("%q is taken for text", text)
		}
	}
	if bad := dangerous("plain, größer, 日本, \x1b[31m…\r\n", true); bad != "" {
		t.Errorf("%s is no text", bad)
	}
}
