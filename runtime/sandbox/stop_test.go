package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

// stubborn is a program that TERM does not end, with children of three kinds:
// one that ignores TERM too, one in a session of its own, and one whose parent
// has ended.
func stubborn(mark int) []string {
	return []string{"sh", "-c", fmt.Sprintf(
		`trap "" TERM; sleep %[1]d & busybox setsid sleep %[1]d & (busybox setsid sh -c "trap '' TERM; sleep %[1]d" &); echo ready; while :; do sleep %[1]d; done`, mark)}
}

// marked are the processes with the mark in their command line.
func marked(t *testing.T, mark int) (list []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		line, _ := os.ReadFile(file) // gone meanwhile
		if strings.Contains(string(line), fmt.Sprint(mark)) {
			list = append(list, filepath.Base(filepath.Dir(file))+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}

// Stop is TERM, a grace period, and then the end of all that runs in the
// sandbox, whatever namespaces it has.
func TestStopEndsEverything(t *testing.T) {
	const grace = 100 * time.Millisecond
	for i, share := range []string{"", "pid", "pid,net,ipc,uts"} {
		t.Run("share "+share, func(t *testing.T) {
			s := newStore(t)
			mark := 2000000 + 10*os.Getpid() + i // no other test run's
			o := spec.Options{Name: "stubborn", Rootfs: busybox(t), Command: stubborn(mark)}
			if share != "" {
				o.Share = strings.Split(share, ",")
			}
			sb, conn := startSandbox(t, s, o)
			if err := conn.Attach(everything); err != nil {
				t.Fatal(err)
			}
			until(t, conn, "ready")
			if !eventually(func() bool { return len(marked(t, mark)) >= 5 }) {
				t.Fatalf("there are only %q", marked(t, mark))
			}
			began := time.Now()
			if err := sb.Stop(t.Context(), grace); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < grace {
				t.Errorf("it was killed after %v, with a grace period of %v", took, grace)
			}
			if !eventually(func() bool { return len(marked(t, mark)) == 0 }) {
				t.Errorf("still there: %q", marked(t, mark))
			}
			sb, err := s.Find("stubborn")
			if err != nil || sb.Status != supervisor.Stopped || sb.State.Signal != int(syscall.SIGKILL) || strings.Contains(sb.Reason, "runs on") {
				t.Errorf("it is %s, ended by signal %d, %q: %v", sb.Status, sb.State.Signal, sb.Reason, err)
			}
		})
	}
}

// What is left among the host's processes by a supervisor that was killed is
// ended where control groups tell whose it is; otherwise it is said.
func TestAKilledSupervisorsProcesses(t *testing.T) {
	for i, share := range []string{"", "pid"} {
		t.Run("share "+share, func(t *testing.T) {
			s := newStore(t)
			told := noticing(s)
			mark := 3000000 + 10*os.Getpid() + i
			o := spec.Options{Name: "orphaned", Rootfs: busybox(t), Command: stubborn(mark)}
			if share != "" {
				o.Share = []string{share}
			}
			sb, conn := startSandbox(t, s, o)
			if err := conn.Attach(everything); err != nil {
				t.Fatal(err)
			}
			until(t, conn, "ready")
			if !eventually(func() bool { return len(marked(t, mark)) >= 5 }) {
				t.Fatalf("there are only %q", marked(t, mark))
			}
			if err := syscall.Kill(sb.Keeper, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if !eventually(func() bool { s.Sweep(); return len(told()) > 0 }) {
				t.Fatal("nothing is cleaned up")
			}
			said := strings.Contains(told()[0], "may run on")
			if said != (share == "pid" && len(sb.Groups) == 0) {
				t.Errorf("told %q", told())
			}
			if !said && !eventually(func() bool { return len(marked(t, mark)) == 0 }) {
				t.Errorf("still there: %q", marked(t, mark))
			}
			for _, process := range marked(t, mark) {
				var pid int
				fmt.Sscan(process, &pid)
				syscall.Kill(pid, syscall.SIGKILL) // its command line has this test's mark
			}
			if slices.ContainsFunc(told(), func(line string) bool { return strings.HasPrefix(line, "cannot") }) {
				t.Errorf("told %q", told())
			}
		})
	}
}

// A viewer that only watches, and neither attaches nor goes, does not keep
// others from being told the end.
func TestAWatcherDelaysNoExit(t *testing.T) {
	s, root := newStore(t), busybox(t)
	const patience = 1500 * time.Millisecond // the supervisor's, with the watcher, is 2 s
	took := toldOfTheEnd(t, s, root)
	for range 4 { // a busy machine may delay it, too
		if took < patience {
			return
		}
		took = min(took, toldOfTheEnd(t, s, root))
	}
	if took >= patience {
		t.Errorf("the end was told after %v at the least", took)
	}
}

// toldOfTheEnd is how long it takes until a viewer is told of a program's end,
// beside one that only watches.
func toldOfTheEnd(t *testing.T, s *Store, root string) time.Duration {
	t.Helper()
	sb, watcher := startSandbox(t, s, spec.Options{Rootfs: root, Command: []string{"sleep", "100000"}, TTY: true})
	conn := dial(t, sb)
	if err := conn.Attach(everything); err != nil {
		t.Fatal(err)
	}
	if err := sb.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	watch(t, conn)
	took := time.Since(began)
	// The watcher may still attach, and sees all of it.
	if err := watcher.Attach(everything); err != nil {
		t.Fatal(err)
	}
	if o := watch(t, watcher); o.exit.Signal != int(syscall.SIGKILL) {
		t.Errorf("the watcher is told %+v", o.exit)
	}
	return took
}

// TestWhoEndsAProgramIsAnswered: the supervisor ends with it, but not before.
func TestWhoEndsAProgramIsAnswered(t *testing.T) {
	s := newStore(t)
	for range 20 {
		sb, conn := reaped(t, s, spec.Options{}, "echo up; read line")
		until(t, conn, "up")
		conn.Close()
		if err := sb.Signal(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		if err := sb.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
