package tui

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aquarium/runtime/observe"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
)

// only is the one sandbox of a home, once there is one.
func (h home) only(t *testing.T) sandbox.Sandbox {
	t.Helper()
	var list []sandbox.Sandbox
	waitFor(t, "a sandbox", func() bool {
		list, _ = h.store.List()
		return len(list) == 1
	})
	return list[0]
}

// stepAt is the first step of a sandbox's plan whose call begins so.
func stepAt(t *testing.T, sb sandbox.Sandbox, call string) int {
	t.Helper()
	trace, err := sb.Trace()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := trace.Plan()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(plan.Steps, func(s step.Step) bool { return strings.HasPrefix(s.Call(), call) })
	if at < 0 {
		t.Fatalf("no step begins with %s", call)
	}
	return at
}

// TestStepThrough leads a launch by keys, and compares what is shown after
// each step with what the kernel says.
func TestStepThrough(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 120, 60, bb)
	u.sees("Root filesystems (2)")
	u.types("jS")
	u.sees("Plan: ", "Now: before step 1 of", "Nothing is done yet", "none yet", "clone(")
	sb := h.only(t)
	trace, err := sb.Trace()
	if err != nil {
		t.Fatal(err)
	}
	self, err := observe.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	clone := stepAt(t, sb, "clone")
	for n := range len(trace.Steps) {
		u.sees(fmt.Sprintf("Now: before step %d of %d", n+1, len(trace.Steps)), fmt.Sprintf("=> %2d", n+1))
		waitFor(t, "the state of the sandbox", func() bool {
			sb, err = h.store.Find(sb.ID)
			return err == nil && sb.Status == supervisor.Created && (n <= clone || sb.PID > 0)
		})
		if n > clone {
			now, err := observe.Read(sb.PID)
			if err != nil {
				t.Fatal(err)
			}
			if now.Namespaces["mnt"] == self.Namespaces["mnt"] {
				t.Fatalf("before step %d init has our mount namespace", n+1)
			}
			u.sees(fmt.Sprintf("Changed by step %d", n), fmt.Sprintf("mnt    %d NEW", now.Namespaces["mnt"]),
				fmt.Sprintf("%d on the host", sb.PID))
		}
		u.types("n")
	}
	u.sees("Now: the program runs", "Enter attach")
	u.types("b")
	u.sees(fmt.Sprintf("Recorded: before step %d", len(trace.Steps)))
	u.types("nn")
	u.sees("/ #", "To get out")
	u.types("echo $((6*7))\r")
	u.sees("42")
}

// TestStepLeave leaves a launch in the middle, comes back, and runs it to a
// mark and to the end.
func TestStepLeave(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 80, 24, bb)
	u.sees("Root filesystems (2)")
	u.types("jS")
	u.sees("Now: before step 1 of")
	u.types("nn")
	u.sees("Now: before step 3 of")
	u.types("\x1b")
	u.sees("waits before step 3", "created")
	u.types("\t") // the sandboxes
	u.sees("▸Sandboxes (1)", "Enter step on")
	u.types("S")
	u.sees("Now: before step 3 of")
	u.types("\x1b")
	u.sees("waits before step 3")
	u.types("\r")
	u.sees("Now: before step 3 of")
	u.types("b")
	u.sees("Recorded: before step 2", "Changed by step 1", "NEW")
	u.types("b")
	u.sees("Recorded: before step 1")
	u.types("nn")
	u.sees("Now: before step 3")
	u.types("jjjm")
	u.sees("r run to step 6")
	u.types("r")
	u.sees("Now: before step 6", "r run to the end")
	u.types("r")
	u.sees("the program runs")
	u.types("\r")
	u.sees("/ #")
}

// TestStepAbort aborts at several places and finds nothing left.
func TestStepAbort(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 100, 30, bb)
	u.sees("Root filesystems (2)")
	u.types("j")
	for _, steps := range []int{0, 1, 4, 30} {
		u.types("S")
		u.sees("Now: before step 1 of")
		for n := range steps {
			u.types("n")
			u.sees(fmt.Sprintf("Now: before step %d ", n+2))
		}
		u.types("a")
		u.sees("is aborted: nothing of it is left", "Sandboxes (0)")
		waitFor(t, "all to be undone", func() bool {
			left, _ := filepath.Glob(filepath.Join(h.store.Data, "sandboxes", "*"))
			return len(left) == 0 && len(h.processes(t)) == 0
		})
		if now := readFile(t, "/proc/self/mountinfo"); strings.Contains(now, h.dir) {
			t.Fatalf("mounts are left after %d steps:\n%s", steps, now)
		}
	}
}

// TestStepWhatIf leaves the private mount out, and sees the leak; the host has
// none of it.
func TestStepWhatIf(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("an outer mount namespace needs root") // CI runs it as root too
	}
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 120, 40, bb)
	u.sees("Root filesystems (2)")
	u.types("jW")
	u.sees("Now: before step 1 of", "x leave out")
	private := stepAt(t, h.only(t), `mount(NULL, "/", NULL, MS_REC|MS_PRIVATE`)
	for n := range private {
		u.types("n")
		u.sees(fmt.Sprintf("Now: before step %d of", n+2))
	}
	u.types("x")
	u.sees(fmt.Sprintf("Now: before step %d of", private+2), "it was left out on purpose", "-- ")
	u.types("n")
	u.sees(fmt.Sprintf("Now: before step %d of", private+3), "LEAKED to the outer mount namespace")
	if now := readFile(t, "/proc/self/mountinfo"); strings.Contains(now, h.dir) {
		t.Errorf("the host has the mounts, too:\n%s", now)
	}
	u.types("a")
	u.sees("is aborted")
}

// TestStepFailure steps into a refusal.
func TestStepFailure(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 120, 40, bb)
	u.sees("Root filesystems (2)")
	u.types("jS")
	u.sees("Now: before step 1 of")
	if err := os.Remove(filepath.Join(bb, "bin", "busybox")); err != nil {
		t.Fatal(err)
	}
	u.types("r")
	u.sees("FAILED at step", "FAILED with ENOENT", "!!")
	u.types("\x1b")
	u.sees("Sandboxes (0)")
	list, err := h.store.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, sb := range list {
		if err := sb.Remove(context.Background(), true); err != nil {
			t.Error(err)
		}
		t.Errorf("%s is left", sb.Name)
	}
}
