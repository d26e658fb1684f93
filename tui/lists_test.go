package tui

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aquarium/runtime/spec"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.addStopped(t, 30)
	u := h.open(t, 80, 24)
	u.sees("Sandboxes (30)", "stopped-0 ")
	u.types("\t/29")
	u.sees("Sandboxes (1/30) /29", "stopped-29", "Filter: 29")
	u.types("\r")
	u.sees("stopped-29 stopped: exit 29")
	u.types("/\x1b")
	u.sees("Sandboxes (30)")
	u.types("/nothing like it\r")
	u.sees("No sandbox matches the filter")
}

// TestListsFollow changes the state from outside, while two user interfaces
// look on.
func TestListsFollow(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	bb := busybox(t)
	both := []*user{h.open(t, 80, 24), h.open(t, 120, 40)}
	for _, u := range both {
		u.sees("Sandboxes (0)", "Root filesystems (1)")
	}
	sb := h.launch(t, spec.Options{Name: "new", Rootfs: bb, Command: []string{"sleep", "100000"}, TTY: true})
	if err := os.MkdirAll(filepath.Join(h.store.Data, "rootfs"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, u := range both {
		u.sees("Sandboxes (1)", "new ● running")
	}
	if err := os.Mkdir(filepath.Join(h.store.Data, "rootfs", "fresh"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, u := range both {
		u.sees("Root filesystems (2)", "fresh")
	}
	if err := sb.Stop(context.Background(), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	for _, u := range both {
		u.sees("new ○ stopped", "SIGKILL")
	}
	both[0].types("\td")
	both[0].sees("Remove new?")
	both[0].types("y")
	for _, u := range both {
		u.sees("Sandboxes (0)")
	}
}

// TestHostileNames draws what directories and programs are called without
// letting any of it through.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	hostile := filepath.Join(t.TempDir(), "evil\x1b]0;gotcha\x07\x1b[2J\u202e")
	if err := os.Rename(busybox(t), hostile); err != nil {
		t.Fatal(err)
	}
	h.launch(t, spec.Options{Name: "victim", Rootfs: hostile, Command: []string{"sh", "-c", "# \x1b[31mred\n" + `printf '\033]0;gotcha\007title set\n'; exec sleep 100000`}, TTY: true})
	u := h.open(t, 100, 24, hostile)
	u.sees(`\u202e`, "title set")
	u.types("i")
	u.sees("evil", `\x1b[31mred`)
	if written := string(u.output()); strings.Contains(written, "gotcha\x07") || strings.ContainsRune(written, 0x202e) {
		t.Error("control characters got through")
	}
	if title := u.pane.Title(); strings.Contains(title, "gotcha") {
		t.Errorf("the terminal's title is %q", title)
	}
}

func TestSignal(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.launch(t, spec.Options{Name: "trap", Rootfs: busybox(t), Command: []string{"sh", "-c", `trap 'echo got usr1' USR1; echo ready; while :; do sleep 0.05; done`}, TTY: true})
	u := h.open(t, 80, 24)
	u.sees("ready")
	u.types("K")
	u.sees("Signal to trap", "SIGTERM", "SIGKILL")
	u.types("usr1\r")
	u.sees("got usr1", "SIGUSR1 sent to trap")
	u.types("Kkill\r")
	u.sees("trap ○ stopped", "killed by SIGKILL", "SIGKILL sent to trap")
	u.types("s")
	u.sees("s: trap has stopped")
}

func TestLaunchForm(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t)
	u := h.open(t, 100, 30, bb)
	u.sees("Root filesystems (2)")
	u.types("jo")
	u.sees("Launch ", "aquarium run -it ")
	u.types("nosuch 'a b'\tmine")
	u.sees("nosuch 'a b'", "--name mine")
	u.types("\r")
	u.sees("That did not work", "nosuch")
	u.types("\r")
	u.seesNo("That did not work")
	u.sees("nosuch 'a b'", "--name mine") // nothing is lost
	u.sees("▸ Command")                   // where it is wrong
	u.types("\x15sh -c 'echo $X; exec sleep 100000'")
	u.sees("sleep 100000'")
	u.toField("Environment")
	u.types("X=seen")
	u.sees("-e X=seen")
	u.types("\x10") // Ctrl-P
	u.sees("The launch, call by call", "  1  supervisor  ", "clone(")
	u.types("G")
	u.sees("init        execve(", "[execve(2); this process only]")
	u.types("\x1b")
	u.seesNo("call by call")
	u.types("\r")
	u.sees("mine ● running", "seen", "d detach")
	list, err := h.store.List()
	if err != nil || len(list) != 1 || list[0].Name != "mine" {
		t.Errorf("sandboxes are %v, %v", list, err)
	}
}

func TestMouse(t *testing.T) {
	t.Parallel()
	h := populated(t)
	u := h.open(t, 80, 24)
	u.sees("Sandboxes (3)", "listening on port 80")
	click := func(x, y int) { u.types(fmt.Sprintf("\x1b[<0;%d;%dM\x1b[<0;%d;%dm", x, y, x, y)) }
	click(5, 7) // the second sandbox
	u.sees("▸Sandboxes", "lines ● running", "│200")
	for range 3 { // the wheel over the terminal
		u.types("\x1b[<64;50;10M")
	}
	u.sees("9 lines back", "│172")
	u.types("\x1b[<65;50;10M\x1b[<65;50;10M\x1b[<65;50;10M")
	u.sees("│200")
	click(u.column(0, "│l")+1, 1) // in the tab bar
	u.sees("▸l Logs")
	click(u.column(0, "│0")+1, 1)
	u.sees("▸0 Terminal")
	click(3, 4) // the third root filesystem
	u.sees("▸Root filesystems", "▸  busybox")
	click(5, 6)
	u.sees("listening on port 80")
	u.types("\x1b[<0;34;2M\x1b[<32;42;2M\x1b[<0;42;2m") // drag over "listening"
	u.types("y")
	u.sees("Copied: listening")
}

// column is where a text begins on a row of the screen, counted from 1, behind
// the lists on the left.
func (u *user) column(row int, text string) int {
	u.t.Helper()
	line := []rune(u.pane.Text()[row])
	for x := narrowLeft; x < len(line); x++ {
		if strings.HasPrefix(string(line[x:]), text) {
			return x + 1
		}
	}
	u.t.Fatalf("no %q on row %d: %s", text, row, string(line))
	return 0
}
