package tui

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	const line = "42 (a) b ) c) S 7 1 1 0 -1 0 0 0 0 0 100 23 0 0 20 0 1 0 5 1000 256 0 0"
	p, ok := parseStat(line)
	if want := (process{parent: 7, ticks: 123, pages: 256}); !ok || p != want {
		t.Errorf("parseStat = %+v, %v; want %+v", p, ok, want)
	}
}

func FuzzParseStat(f *testing.F) {
	content, _ := os.ReadFile("/proc/self/stat")
	f.Add(string(content))
	f.Add("1 (x) S")
	f.Fuzz(func(t *testing.T, s string) {
		if p, ok := parseStat(s); !ok && p != (process{}) {
			t.Errorf("%+v comes with a refusal", p)
		}
	})
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	self := sandbox.Sandbox{State: supervisor.State{ID: "self", PID: os.Getpid()}}
	gone := sandbox.Sandbox{State: supervisor.State{ID: "gone", PID: 1 << 30}}
	first := measure([]sandbox.Sandbox{self, gone}, nil)
	if !first["self"].known || first["self"].memory < 1<<20 || first["gone"].known {
		t.Errorf("measured %+v", first)
	}
	for start := ownTime(t); ownTime(t)-start < 100*time.Millisecond; {
	}
	second := measure([]sandbox.Sandbox{self}, first)
	if share := second["self"].share; share <= 0 {
		t.Errorf("a busy process has a share of %v", share)
	}
}

// ownTime is the processor time that this process has had.
func ownTime(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Nano())
}

// A sandbox with control groups is measured by them: also what is not below
// its first process.
func TestMeasureByControlGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("control groups at the top of the hierarchies need root") // CI runs it as root too
	}
	t.Parallel()
	h := newHome(t)
	sb := h.launch(t, spec.Options{Name: "counted", Rootfs: busybox(t), Command: []string{"sh", "-c", "while :; do :; done"}})
	sb.PID = 1 << 30 // not to be looked at
	first := measure([]sandbox.Sandbox{sb}, nil)
	waitFor(t, "it to be busy", func() bool {
		u := measure([]sandbox.Sandbox{sb}, first)[sb.ID]
		return u.known && u.memory > 0 && u.share > 0
	})
}

func TestBytesText(t *testing.T) {
	t.Parallel()
	for n, want := range map[uint64]string{0: "0", 1023: "1023", 1 << 10: "1.0K", 1536: "1.5K", 10 << 20: "10M", 999 << 20: "999M", 1000 << 20: "1.0G", 1 << 60: "1.0E"} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %s, want %s", n, got, want)
		}
	}
}
