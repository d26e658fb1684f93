package tui

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTwins sees that chroot lets the host's root show, and pivot_root does
// not, and that neither sandbox is left.
func TestTwins(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	if err := os.WriteFile(filepath.Join(bb, "only-inside"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	h := newHome(t, bb)
	u := h.open(t, 120, 40, bb)
	u.sees("Root filesystems (2)")
	u.types("jT")
	u.sees("Twins of", "with chroot", "with pivot_root", "THE HOST'S ROOT", "the sandbox's root", "IT GOT OUT", "it did not get out", "only-inside", "/proc/PID/root")
	for _, line := range strings.Split(u.screen(), "\n") {
		left, right, _ := strings.Cut(line, "│")
		if strings.Contains(left, "did not get out") || strings.Contains(right, "GOT OUT") || strings.Contains(right, "THE HOST'S") {
			t.Errorf("a verdict is on the wrong side: %s", line)
		}
	}
	u.types("\x1b")
	u.sees("Sandboxes (0)")
	waitFor(t, "both to be removed", func() bool {
		left, _ := filepath.Glob(filepath.Join(h.store.Data, "sandboxes", "*"))
		return len(left) == 0 && len(h.processes(t)) == 0
	})
}

// TestTwinsDoNotOutliveTheUI leaves while they are being looked at, by key and
// by signal.
func TestTwinsDoNotOutliveTheUI(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	for name, leave := range map[string]func(u *user){
		"key":    func(u *user) { u.types("q") },
		"hangup": func(u *user) { u.signal(syscall.SIGHUP) },
		"end":    func(u *user) { u.signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, bb)
			u := h.opensTwins(t, bb)
			leave(u)
			if code := u.waitsEnd(); code != 0 {
				t.Errorf("it ended with %d", code)
			}
			if strings.Contains(u.screen(), "runs on") {
				t.Errorf("it says that something runs on:\n%s", u.screen())
			}
			if left, _ := filepath.Glob(filepath.Join(h.store.Data, "sandboxes", "*")); len(left) > 0 {
				t.Errorf("it leaves %q", left)
			}
			waitFor(t, "their processes to end", func() bool { return len(h.processes(t)) == 0 })
		})
	}
}

// opensTwins launches a root filesystem twice, and waits for one of them.
func (h home) opensTwins(t *testing.T, root string) *user {
	t.Helper()
	u := h.open(t, 120, 40, root)
	u.sees("Root filesystems (2)")
	u.types("jT")
	for start := time.Now(); time.Since(start) < patience; { // without a pause: they live for a fraction of a second
		if list, err := h.store.List(); err == nil && len(list) > 0 {
			return u
		}
		if strings.Contains(u.screen(), "Twins of") { // they were gone before anybody had looked
			u.types("\x1b")
			u.seesNo("Twins of")
			u.types("T")
		}
	}
	t.Fatalf("the screen is\n%s\nwaited for a twin in vain", u.screen())
	return u
}

// TestTwinsOfAKilledUI kills the UI while they are being looked at. One that
// runs ends by itself, and the next command clears away what was half made.
func TestTwinsOfAKilledUI(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.opensTwins(t, bb)
	u.signal(syscall.SIGKILL)
	u.waitsEnd()
	waitFor(t, "the twins to end, and to be removed", func() bool {
		h.store.Sweep()
		left, _ := filepath.Glob(filepath.Join(h.store.Data, "sandboxes", "*"))
		return len(left) == 0 && len(h.processes(t)) == 0
	})
}
