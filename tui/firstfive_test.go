package tui

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFirstFiveMinutes is what a new user does on an empty machine, from the
// first start to nothing being left.
func TestFirstFiveMinutes(t *testing.T) {
	t.Parallel()
	needProgram(t, "vim")
	bb := busybox(t)
	h := newHome(t, bb)
	mounts := readFile(t, "/proc/self/mountinfo")

	u := h.open(t, 100, 30, bb)
	u.sees("Root filesystems (2)", "No sandbox yet", "Sandboxes (0)", "host")
	u.types("\r") // launch host
	u.sees("Sandboxes (1)", "Ctrl-] d detach", "then d")
	u.types("cd; vim -u NONE -N notes\r")
	u.sees("~", `"notes" [New]`)
	u.types("ihello from inside\x1b")
	u.sees("hello from inside")
	u.types("\x1dd") // detach
	u.sees("Enter attach", "hello from inside")

	u.types("\t\t") // to the root filesystems
	u.sees("▸Root filesystems")
	u.types("j\r") // launch the busybox directory
	u.sees("Sandboxes (2)", "/ #")
	u.types("echo $((6*7)) $0\r")
	u.sees("42 /bin/sh")
	u.signal(syscall.SIGKILL)
	u.waitsEnd()

	list, err := h.store.List()
	if err != nil || len(list) != 2 {
		t.Fatalf("after SIGKILL of the UI: %v, %v", list, err)
	}
	processes := h.processes(t)

	u = h.open(t, 100, 30, bb)
	shown := func(name string) string { return name[:min(len(name), 8)] } // beside pid, cpu and memory
	u.sees("Sandboxes (2)", shown(list[0].Name), shown(list[1].Name))
	u.types("\t") // the sandboxes
	u.sees("hello from inside")
	u.types("\r") // reattach to vim
	u.sees("To get out: Ctrl-] then d", "hello from inside")
	u.types("o and again\x1b")
	u.sees("and again")
	u.types("\x1ddj") // detach, the next one
	u.sees("42 /bin/sh", "Enter attach")
	u.types("a")
	u.sees("d detach")
	u.types("echo $((7*9)) back\r")
	u.sees("63 back")
	u.types("\x1dd")
	u.sees("Enter attach")

	u.types("s") // stop: a shell ignores SIGTERM, and is killed
	u.sees("Stop " + list[1].Name + "?")
	u.types("y")
	u.sees("stopped: killed by SIGKILL")
	u.types("d")
	u.sees("Remove " + list[1].Name + "?")
	u.types("y")
	u.sees("Sandboxes (1)")
	u.types("d") // the other one runs: remove kills it first
	u.sees("Remove "+list[0].Name+"?", "killed first")
	u.types("y")
	u.sees("Sandboxes (0)")
	u.types("q")
	if code := u.waitsEnd(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if screen := u.screen(); strings.Contains(screen, "run on") {
		t.Errorf("says that something runs on:\n%s", screen)
	}

	waitFor(t, "all processes to end", func() bool {
		for pid, start := range processes {
			if startTime(pid) == start {
				return false
			}
		}
		return len(h.processes(t)) == 0
	})
	if now := readFile(t, "/proc/self/mountinfo"); strings.Contains(now, h.dir) {
		t.Errorf("mounts are left:\n%s\nbefore:\n%s", now, mounts)
	}
	if sockets := readFile(t, "/proc/net/unix"); strings.Contains(sockets, h.dir) {
		t.Errorf("sockets are left:\n%s", sockets)
	}
	for _, dir := range []string{"data/sandboxes", "data/names"} {
		if left, err := os.ReadDir(filepath.Join(h.dir, dir)); err != nil || len(left) > 0 {
			t.Errorf("%s holds %v, %v", dir, left, err)
		}
	}
	left, err := os.ReadDir(h.store.Run)
	for _, entry := range left {
		if entry.Name() != "lock" && entry.Name() != "ids" { // shared by all launches
			t.Errorf("%s is left in the running state, %v", entry.Name(), err)
		}
	}
}

// processes are those of the home's sandboxes, with their start times.
// A supervisor's environment does not tell, so they are found by what they
// hold: a program's root is on an overlay in the home.
func (h home) processes(t *testing.T) map[int]uint64 {
	t.Helper()
	list, err := h.store.List()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[int]uint64)
	for _, sb := range list {
		for _, pid := range []int{sb.PID, sb.Keeper} {
			if pid > 0 {
				found[pid] = startTime(pid)
			}
		}
	}
	mounted, _ := filepath.Glob("/proc/[0-9]*/mountinfo")
	for _, path := range mounted {
		content, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(content), h.dir) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			found[pid] = startTime(pid)
		}
	}
	return found
}

// startTime tells one process from a later one of the same number; 0 when
// there is none.
func startTime(pid int) uint64 {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	start, _ := strconv.ParseUint(fields[19], 10, 64)
	return start
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// waitFor polls for what no terminal shows.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited for %s in vain", what)
		}
	}
}
