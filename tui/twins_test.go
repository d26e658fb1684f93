package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
