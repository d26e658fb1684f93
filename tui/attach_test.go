package tui

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/spec"
	"aquarium/tui/terminal"
)

// shell starts a sandbox with a busybox shell.
func (h home) shell(t *testing.T, name, rootfs string) {
	t.Helper()
	h.launch(t, spec.Options{Name: name, Rootfs: rootfs, Command: []string{"sh"}, TTY: true, Interactive: true, Cols: 40, Rows: 10})
}

// attaches opens the UI and gives the keys to its only sandbox.
func (h home) attaches(t *testing.T, cols, rows int) *user {
	t.Helper()
	u := h.open(t, cols, rows)
	u.sees("Sandboxes (1)", "/ #")
	u.types("\t\r")
	u.sees("To get out")
	return u
}

func TestControlKeysGoToTheProgram(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.launch(t, spec.Options{Name: "keys", Rootfs: busybox(t), Command: []string{"sh", "-c", "stty raw -echo; echo ready; exec cat -vt"}, TTY: true, Interactive: true})
	u := h.open(t, 80, 24)
	u.sees("ready")
	u.types("\ta")
	u.sees("To get out")
	for _, c := range []struct{ keys, want string }{
		{"\x03", "^C"}, {"\t", "^I"}, {"\x1a", "^Z"}, {"q", "q"}, {"\x1d]", "^]"}, {"\x1dx", "^]x"}, {"\x1b[A", "^[[A"}, {"ü", "M-CM-<"},
	} {
		u.types(c.keys + "|\n")
		u.sees(c.want + "|")
	}
}

func TestKeysTypedAheadAreTheProgramsToo(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t)
	u := h.open(t, 80, 24, bb)
	u.sees("Root filesystems (2)")
	u.types("j")
	u.sees("▸  …") // the path's end
	u.types("\recho typed $((1+1)) sd\r")
	u.sees("typed 2 sd")
	u.types("\x1dd")
	u.sees("Enter attach")
	u.types("\recho again $((2+2))\r\x1d\x1d\x1dd?") // in one piece, and the last key is the UI's
	u.sees("─ Help ─")
	u.types("\x1b")
	u.sees("again 4", "Enter attach")
	u.types("eecho pasted \x1b[200~$((1+2)) sd\x1b[201~ too\r") // into a shell that is being started
	u.sees("pasted 3 sd too")
}

func TestSizeFollowsThePane(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t)
	h.shell(t, "sized", bb)
	u := h.attaches(t, 80, 24)
	u.types("stty size\r")
	u.sees("21 47")
	u.types("\x1dz")
	u.seesNo("Sandboxes")
	u.types("stty size\r")
	u.sees("23 80")
	for cols := 81; cols < 100; cols++ { // somebody drags the window's corner
		u.resize(cols, 30)
	}
	u.resize(100, 30)
	u.types("\x1dz") // a rule shows when the last size has come
	u.waits("for a rule of 100 columns", func(screen string) bool {
		return utf8.RuneCountInString(strings.TrimRight(strings.Split(screen, "\n")[28], " ")) == 100
	})
	u.types("\x1dz")
	u.waits("for the last row to move", func(screen string) bool {
		rows := strings.Split(screen, "\n")
		return len(rows) == 30 && strings.Contains(rows[29], "sized attached")
	})
	u.types("stty size\r")
	u.sees("29 100")
	u.types("\x1dd")
	u.sees("Enter attach")
}

// TestTwoViewers has two user interfaces of different sizes at one sandbox:
// the one that attached last decides, the other shows what fits.
func TestTwoViewers(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.shell(t, "shared", busybox(t))
	first := h.attaches(t, 80, 24)
	first.types("echo $((40+2)) one\r")
	first.sees("42 one")
	second := h.attaches(t, 120, 40)
	second.sees("42 one")
	second.types("stty size\r")
	second.sees("37 80")
	first.sees("37 80", "its size is 80x37")
	first.types("echo $((50+3)) two\r")
	second.sees("53 two")
	second.types("\x1dd")
	second.sees("Enter attach")
	second.types("q")
	second.waitsEnd()
	if !strings.Contains(second.screen(), "The sandbox shared runs on") {
		t.Errorf("does not say what runs on:\n%s", second.screen())
	}
	first.types("exit\r")
	first.sees("shared has ended (exit 0)", "stopped: exit 0")
}

func TestShellBesideTheProgram(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.launch(t, spec.Options{Name: "silent", Rootfs: busybox(t), Command: []string{"sleep", "100000"}, TTY: true})
	u := h.open(t, 80, 24)
	u.sees("silent ● running")
	u.types("e")
	u.sees("▸Shell", "/ #", "To get out")
	u.types("echo $((6*7)) $(ps | grep -c sleep)\r")
	u.sees("│42 ")
	u.types("\x1dd")
	u.sees("Enter attach")
	u.types("e") // the same one again
	u.sees("attached: Ctrl-] d")
	u.types("exit\r")
	u.sees("the shell in silent has ended", "▸0 Terminal")
}

func TestScrollBackAndReturn(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.shell(t, "long", busybox(t))
	u := h.attaches(t, 80, 24)
	u.types("seq 100 300\r")
	u.sees("│299", "│300", "│/ #") // a number alone may be that of a process
	u.types("\x1d[")
	u.sees("▸l Logs", "Scrolling back")
	u.types("g")
	u.sees("seq 100 300", "│103")
	u.types("/222\r")
	u.sees("│222", "n N")
	u.types("\x1b")
	u.sees("▸0 Terminal", "│300", "attached")
	u.types("echo $((3*3))9\r")
	u.sees("│99")
}

// TestKeysInTheirOrder types on while the keys go from the UI to the program
// and back: each goes where it would had one waited.
func TestKeysInTheirOrder(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.shell(t, "ahead", busybox(t))
	u := h.open(t, 80, 24)
	u.sees("Sandboxes (1)", "/ #")
	const word = "abcdefghijklmnopqrstuvwxyz"
	for i := range 20 {
		for _, key := range strings.Split(fmt.Sprintf("\t\recho %d$((%d))%s\r\x1dd", i, i, word), "") {
			u.types(key)
		}
		u.sees(fmt.Sprintf("│%d%d%s", i, i, word), "Enter attach")
	}
}

func TestFloodDoesNotHoldUpTheKeys(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.shell(t, "flood", busybox(t))
	u := h.attaches(t, 80, 24)
	u.types("yes flooded\r")
	u.sees("│flooded ") // not only as it is typed
	u.types("\x1dd")
	u.sees("Enter attach")
	u.types("?")
	u.sees("Help")
	u.types("\x1b")
	u.seesNo("Help")
	u.types("a\x03")
	u.sees("^C", "/ #") // Ctrl-C empties what the terminal has not read yet
	u.types("echo $((9*9)) dry\r")
	u.sees("81 dry")
}

// TestProgramThatDoesNotRead fills the way to a program; the prefix key still
// works.
func TestProgramThatDoesNotRead(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.launch(t, spec.Options{Name: "deaf", Rootfs: busybox(t), Command: []string{"sh", "-c", "stty raw -echo; echo ready; exec sleep 100000"}, TTY: true, Interactive: true})
	u := h.open(t, 80, 24)
	u.sees("ready")
	u.types("\ta")
	u.sees("To get out")
	for range 64 {
		u.types(strings.Repeat("x", 4096))
	}
	u.types("\x1dd")
	u.sees("Enter attach")
}

// TestCleanupIsTold: that a program has ended does not take the place of what
// was cleaned up after it, whichever comes first.
func TestCleanupIsTold(t *testing.T) {
	t.Parallel()
	const told = "cleaned up after orphan"
	for _, cleanedFirst := range []bool{true, false} {
		m := newRoot(nil, newTheme(true), keyboard{input: terminal.NewPassthrough(nil, 0), send: func(tea.Msg) {}})
		f := quietFeed(80, 24)
		defer f.close()
		m.keyboard.attach(f)
		f.facts.live = false
		if cleanedFirst {
			m.Update(cleanedUp(told))
		}
		m.Update(feedEnded{f})
		if m.keyboard.attached() {
			t.Fatal("the keys are still the program's")
		}
		if !cleanedFirst {
			m.Update(cleanedUp(told))
		}
		if m.notice != told {
			t.Errorf("with the cleanup first %v: it says %q", cleanedFirst, m.notice)
		}
	}
}

func TestSupervisorKilled(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.shell(t, "orphan", busybox(t))
	u := h.attaches(t, 80, 24)
	sb, err := h.store.Find("orphan")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(sb.Keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	u.sees("orphan ○ stopped", "its supervisor", "cleaned up after orphan")
	u.types("d")
	u.sees("Remove orphan?")
	u.types("y")
	u.sees("Sandboxes (0)")
}
