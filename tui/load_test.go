package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

// thousands is how many processes one sandbox may fill the lists with.
const thousands = 20000

// TestTwentyThousandProcesses works in the UI beside, and in, a sandbox with
// that many: keys are answered, and the list of processes can be walked.
func TestTwentyThousandProcesses(t *testing.T) {
	h := newHome(t)
	needProcesses(t, thousands)
	root := busybox(t)
	// A shell takes longer for each child that it has: a hundred of them make
	// two hundred each, which wait until a pipe is written to.
	const program = `busybox mkfifo /tmp/end
		group() { i=0; while [ $i -lt 200 ]; do read x < /tmp/end & i=$((i+1)); done; wait; }
		j=0; while [ $j -lt 100 ]; do group & j=$((j+1)); done
		until [ $(busybox ls /proc | busybox grep -c '^[0-9]') -ge %d ]; do sleep 0.1; done
		echo crowded; wait`
	h.launch(t, spec.Options{Name: "crowd", Rootfs: root, TTY: true, Pids: spec.NoLimit,
		Command: []string{"sh", "-c", fmt.Sprintf(program, thousands)}})
	u := h.open(t, 120, 40)
	u.sees("crowd")
	u.patience = 10 * patience // so many are not there at once
	u.sees("crowded")
	u.patience = patience
	u.answers(t, "?", "Help", "\x1b", "▸0 Terminal")
	u.types("\t\t2")
	u.sees("HOST USER") // what is looked at takes the kernel's time to list
	u.answers(t, "?", "Help", "\x1b", "HOST USER")
}

// answers measures how soon a key is answered, and takes back what it did. Others
// may have the processors for once.
func (u *user) answers(t *testing.T, key, shows, back, shown string) {
	t.Helper()
	var times []time.Duration
	for range 5 {
		began := time.Now()
		u.types(key)
		u.sees(shows)
		times = append(times, time.Since(began))
		u.types(back)
		u.seesNo(shows)
		u.sees(shown)
		if slices.Min(times) < 2*time.Second {
			return
		}
	}
	t.Errorf("%q is answered after %v", key, times)
}

// needProcesses skips where the machine does not allow that many more.
func needProcesses(t *testing.T, n int) {
	t.Helper()
	content, err := os.ReadFile("/proc/sys/kernel/pid_max")
	most, _ := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || most < n+n/4 {
		t.Skipf("kernel.pid_max is %d: it needs room for %d processes", most, n)
	}
}

// TestUIKilledBetweenSteps: what it was leading stays where it was, can be
// taken up by the next UI, and leaves nothing when it is removed.
func TestUIKilledBetweenSteps(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	for _, at := range []int{0, 2, 12, 30} {
		u := h.open(t, 120, 40, bb)
		u.sees("Root filesystems (2)")
		u.types("jS")
		u.sees("Now: before step 1 of")
		sb := h.only(t)
		u.types(strings.Repeat("n", at))
		u.sees(fmt.Sprintf("Now: before step %d of", at+1))
		u.signal(syscall.SIGKILL)
		<-u.ended
		next := h.open(t, 120, 40, bb)
		next.sees("Sandboxes (1)", "created")
		if sb = h.only(t); sb.Status != supervisor.Created {
			t.Fatalf("killed before step %d: the sandbox is %s", at+1, sb.Status)
		}
		if err := sb.Remove(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		next.sees("Sandboxes (0)")
		next.types("q")
		<-next.ended
		waitFor(t, "its processes to end", func() bool { return len(h.processes(t)) == 0 })
		for _, pattern := range []string{"run/*/*", "data/sandboxes/*", "data/names/*"} {
			left, _ := filepath.Glob(filepath.Join(h.dir, pattern))
			if left = slices.DeleteFunc(left, func(path string) bool { return filepath.Base(path) == "lock" }); len(left) > 0 {
				t.Errorf("killed before step %d, it leaves %q", at+1, left)
			}
		}
		if left := controlGroups(sb.ID); len(left) > 0 {
			t.Errorf("killed before step %d, it leaves %q", at+1, left)
		}
	}
}
