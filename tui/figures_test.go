package tui

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

// addStopped writes n sandboxes that have stopped.
func (h home) addStopped(t testing.TB, n int) {
	t.Helper()
	for i := range n {
		var random [16]byte
		rand.Read(random[:])
		code := i % 256
		st := supervisor.State{
			ID: hex.EncodeToString(random[:]), Name: fmt.Sprintf("stopped-%d", i), Status: supervisor.Stopped,
			Rootfs: "host", Command: []string{"/bin/sh"}, TTY: true, ExitCode: &code,
			Created: time.Now(), Started: time.Now(), Finished: time.Now(),
		}
		st.Bundle = filepath.Join(h.store.Data, "sandboxes", st.ID)
		if err := os.Mkdir(st.Bundle, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(st.ID, filepath.Join(h.store.Data, "names", st.Name)); err != nil {
			t.Fatal(err)
		}
		if err := st.Save(st.Bundle); err != nil {
			t.Fatal(err)
		}
	}
}

// addTrees stores n root filesystems.
func (h home) addTrees(t testing.TB, n int) {
	t.Helper()
	shell := needProgram(t, "busybox")
	content, err := os.ReadFile(shell)
	if err != nil {
		t.Fatal(err)
	}
	first := ""
	for i := range n {
		bin := filepath.Join(h.store.Data, "rootfs", fmt.Sprintf("tree-%d", i), "bin")
		for _, dir := range []string{bin, filepath.Join(bin, "../proc"), filepath.Join(bin, "../dev")} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(bin, "sh")
		if first == "" {
			first = path
			err = os.WriteFile(path, content, 0o755)
		} else {
			err = os.Link(first, path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// launch starts a sandbox without looking at it.
func (h home) launch(t testing.TB, o spec.Options) sandbox.Sandbox {
	t.Helper()
	if o.RootSwitch == "" {
		o.RootSwitch = spec.PivotRoot
	}
	sb, conn, err := h.store.Launch(o)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := sb.WaitStarted(conn); err != nil {
		t.Fatal(err)
	}
	if sb, err = h.store.Find(sb.ID); err != nil {
		t.Fatal(err)
	}
	return sb
}

// BenchmarkFirstFrame is the time from the start of the process to the first
// full picture, with 200 sandboxes and 1,000 root filesystems. The aim is less
// than 150 ms.
func BenchmarkFirstFrame(b *testing.B) {
	h := newHome(b)
	h.addStopped(b, 200)
	h.addTrees(b, 1000)
	program(b)
	for b.Loop() {
		u := h.open(b, 120, 40)
		u.sees("Sandboxes (200)", "Root filesystems (1001)", "stopped: exit 0")
		b.StopTimer()
		u.types("q")
		u.waitsEnd()
		b.StartTimer()
	}
}

// idleTime is how long an idle user interface is watched.
const idleTime = 5 * time.Second

// BenchmarkIdle is what a user interface costs that shows 50 running
// sandboxes in which nothing happens: processor use in percent of a core, and
// bytes to the terminal. The aims are less than 1 % and none.
func BenchmarkIdle(b *testing.B) {
	h := newHome(b)
	bb := busybox(b)
	for i := range 50 {
		h.launch(b, spec.Options{Name: fmt.Sprintf("idle-%d", i), Rootfs: bb, Command: []string{"sleep", "100000"}, TTY: true})
	}
	u := h.open(b, 120, 60)
	u.sees("Sandboxes (50)", "idle-49", "0%")
	u.quiet(usagePause + time.Second)
	for b.Loop() {
		written, used := u.bytes.Load(), processorTime(b, u.cmd.Process.Pid)
		<-time.After(idleTime)
		share := 100 * float64(processorTime(b, u.cmd.Process.Pid)-used) / float64(idleTime)
		b.ReportMetric(share, "%core")
		b.ReportMetric(float64(u.bytes.Load()-written), "bytes")
	}
}

// quiet waits until nothing has been written for a while.
func (u *user) quiet(while time.Duration) {
	for {
		select {
		case <-u.pane.Changed():
		case <-time.After(while):
			return
		}
	}
}

// processorTime is what all threads of a process have used, to the
// nanosecond: the first field of /proc/PID/task/TID/schedstat.
func processorTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	var sum time.Duration
	for _, path := range paths {
		var used time.Duration
		if _, err := fmt.Sscan(readSmall(path, make([]byte, 256)), &used); err != nil {
			t.Fatalf("read %s: %v", path, err)
		}
		sum += used
	}
	return sum
}

// TestNothingIsDrawnWhenNothingChanges watches for longer than any period of
// the user interface's own.
func TestNothingIsDrawnWhenNothingChanges(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.launch(t, spec.Options{Name: "idle", Rootfs: busybox(t), Command: []string{"sleep", "100000"}, TTY: true})
	u := h.open(t, 80, 24)
	u.sees("idle", "0%")
	u.quiet(usagePause + time.Second)
	for range 10 {
		screen, written := u.screen(), u.bytes.Load()
		<-time.After(2 * usagePause)
		more := u.bytes.Load() - written
		if more == 0 {
			return
		}
		if u.screen() == screen {
			t.Fatalf("%d bytes were written while nothing changed:\n%s", more, screen)
		}
		u.quiet(usagePause + time.Second) // the kernel has counted its memory anew
	}
	t.Errorf("something changes all the time:\n%s", u.screen())
}
