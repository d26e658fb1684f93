package tui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"aquarium/runtime/spec"
)

var update = flag.Bool("update", false, "write the golden screens")

// changing is what differs from one run to the next, masked by # of the same width.
var changing = []*regexp.Regexp{
	regexp.MustCompile(` +\d+ +\d+% +[0-9.]+[KMG]?`), // pid, cpu, memory
	regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`),
}

// tabBar is the list of tabs, which is tested where they are.
var tabBar = regexp.MustCompile(`[│|][▸> ]?0[ │|].*`)

func masked(screen string) string {
	for _, pattern := range changing {
		screen = pattern.ReplaceAllStringFunc(screen, func(s string) string {
			return strings.Repeat("#", utf8.RuneCountInString(s))
		})
	}
	lines := strings.Split(screen, "\n")
	lines[0] = tabBar.ReplaceAllString(lines[0], " tabs")
	lines[len(lines)-1] = " keys" // the table of actions, as much of it as fits
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// golden compares the screen with the one on file.
func (u *user) golden(name string) {
	u.t.Helper()
	cols, rows := u.pane.Size()
	path := filepath.Join("testdata", fmt.Sprintf("%s-%dx%d.golden", name, cols, rows))
	if *update {
		u.quiet(time.Second)
		if err := os.WriteFile(path, []byte(masked(u.screen())), 0o644); err != nil {
			u.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		u.t.Fatal(err)
	}
	deadline := time.After(patience)
	for masked(u.screen()) != string(want) {
		select {
		case <-u.pane.Changed():
		case <-deadline:
			u.t.Errorf("%s differs:\n%s", path, difference(string(want), masked(u.screen())))
			return
		}
	}
}

// difference shows the rows of two screens that are not the same.
func difference(want, got string) string {
	old, now := strings.Split(want, "\n"), strings.Split(got, "\n")
	var b strings.Builder
	for i := range max(len(old), len(now)) {
		var a, c string
		if i < len(old) {
			a = old[i]
		}
		if i < len(now) {
			c = now[i]
		}
		if a != c {
			fmt.Fprintf(&b, "%3d - %s\n    + %s\n", i, a, c)
		}
	}
	return b.String()
}

// populated is a home with two root filesystems, one of them broken, two
// sandboxes that run and one that has stopped.
func populated(t *testing.T) home {
	t.Helper()
	h := newHome(t)
	trees := filepath.Join(h.store.Data, "rootfs")
	if err := os.MkdirAll(filepath.Join(trees, "broken"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(busybox(t), filepath.Join(trees, "busybox")); err != nil {
		t.Fatal(err)
	}
	run := func(name, script string) {
		h.launch(t, spec.Options{Name: name, Rootfs: "busybox", Command: []string{"sh", "-c", script}, TTY: true, Interactive: true, Cols: 80, Rows: 24})
	}
	run("web", "echo listening on port 80; exec sleep 100000")
	run("lines", "seq 1 200; exec sleep 100000")
	run("done", "echo the last words; exit 3")
	waitFor(t, "the third to stop", func() bool {
		sb, err := h.store.Find("done")
		return err == nil && sb.ExitCode != nil
	})
	return h
}

func TestGoldenScreens(t *testing.T) {
	t.Parallel()
	h := populated(t)
	for _, size := range []struct{ cols, rows int }{{80, 24}, {120, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size.cols, size.rows), func(t *testing.T) {
			u := h.open(t, size.cols, size.rows)
			u.sees("Root filesystems (3)", "Sandboxes (3)", "listening on port 80", "%")
			u.golden("main")
			u.types("\tj")
			u.sees("lines ● running", "│200")
			u.golden("running")
			u.types("j")
			u.sees("the last words", "exit 3")
			u.golden("stopped")
			u.types("gl")
			u.sees("all in view")
			u.golden("logs")
			u.types("\x1b")
			u.sees("▸0 Terminal")
			u.types("?")
			u.sees("Help", "Enter close", "Launch a sandbox")
			u.types("\x1b")
			u.seesNo("Help")
			u.types(":")
			u.sees("Commands", "> ", "Esc back")
			u.types("zoom")
			u.sees("> zoom", "▸zoom")
			u.types("\x1b")
			u.seesNo("Commands")
			u.types("d")
			u.sees("Remove web?")
			u.golden("remove")
			u.types("n")
			u.seesNo("Remove")
			u.types("\ta")
			u.sees("To get out")
			u.golden("attached")
			u.types("\x1dz")
			u.sees("web attached")
			u.golden("zoomed")
			u.types("\x1dd")
			u.sees("Enter attach")
			u.types("\t\to")
			u.sees("Launch host")
			u.golden("form")
			u.types("\x1b")
			u.seesNo("Launch host")
			u.types("j\r")
			u.sees("That did not work")
			u.golden("problem")
		})
	}
}

func TestGoldenEmptyMachine(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	u := h.open(t, 80, 24)
	u.sees("No sandbox yet", "Root filesystems (1)", "host")
	u.golden("empty")
}

func TestGoldenSmall(t *testing.T) {
	t.Parallel()
	h := populated(t)
	u := h.open(t, 50, 14)
	u.sees("Root filesystems (3)", "host")
	u.golden("single-rootfs")
	u.types("\t")
	u.sees("Sandboxes (3)", "web", "0%")
	u.golden("single-sandboxes")
	u.types("\r")
	u.sees("listening on port 80", "To get out")
	u.golden("single-attached")
	u.resize(20, 5)
	u.sees("Aquarium needs")
	u.golden("too-small")
	u.resize(80, 24)
	u.sees("Root filesystems (3)", "Sandboxes (3)", "listening on port 80")
}

// TestASCII looks at a terminal that knows neither UTF-8 nor colours.
func TestASCII(t *testing.T) {
	t.Parallel()
	h := populated(t)
	h.launch(t, spec.Options{Name: "wide", Rootfs: "busybox", Command: []string{"sh", "-c", `printf 'caf\303\251 \346\227\245!\n'; exec sleep 100000`}, TTY: true})
	u := startUser(t, 80, 24, append(h.environment(), "LC_ALL=C", "NO_COLOR=1"), program(t))
	u.sees("Root filesystems (3)", "Sandboxes (4)", "listening on port 80", "%")
	u.golden("ascii")
	u.types("\tG")
	u.sees("caf? ??!")
	u.types("?")
	u.sees("Help")
	u.types("q")
	u.types("\x1b")
	for _, r := range string(u.output()) {
		if r >= 0x80 {
			t.Fatalf("%q was written to a terminal that only knows ASCII", r)
		}
	}
	if found := colours.Find(u.output()); found != nil {
		t.Errorf("colour %q was written in spite of NO_COLOR", found)
	}
}

// colours finds SGR sequences that set a colour.
var colours = regexp.MustCompile(`\x1b\[([0-9;:]*[;:])?([349][0-7]|10[0-7]|[34]8[;:][0-9;:]*)(;[0-9;:]*)?m`)

func TestSixteenColours(t *testing.T) {
	t.Parallel()
	h := populated(t)
	h.launch(t, spec.Options{Name: "colours", Rootfs: "busybox", Command: []string{"sh", "-c", `printf '\033[38;2;255;0;0mtrue\033[38;5;196mmany\033[m\n'; exec sleep 100000`}, TTY: true})
	u := startUser(t, 80, 24, append(h.environment(), "TERM=xterm"), program(t))
	u.sees("Sandboxes (4)", "listening on port 80")
	u.types("\tG")
	u.sees("truemany")
	if found := regexp.MustCompile(`\x1b\[[0-9;]*[34]8[;:][0-9;:]*m`).Find(u.output()); found != nil {
		t.Errorf("%q was written to a terminal of sixteen colours", found)
	}
	if colours.Find(u.output()) == nil {
		t.Error("no colour was written")
	}
}
