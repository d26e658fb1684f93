package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
)

// reaped starts a sandbox with a reaper as PID 1, and shows its output.
func reaped(t *testing.T, s *Store, o spec.Options, script string) (Sandbox, *supervisor.Conn) {
	t.Helper()
	needStatic(t)
	o.Rootfs, o.Init, o.Interactive = busybox(t), true, true
	o.Command = []string{"sh", "-c", script}
	sb, conn := startSandbox(t, s, o)
	follow(t, conn)
	return sb, conn
}

func needStatic(t *testing.T) {
	t.Helper()
	if dynamic() {
		t.Skip("this test binary is linked dynamically: go test with CGO_ENABLED=0")
	}
}

// makeOrphans makes as many processes as $1 says whose parent ends at once,
// and becomes a program that waits for none.
const makeOrphans = `for i in $(seq $1); do sh -c "true & :"; done; echo made; exec sleep 1000`

// zombies counts the children of a process that have ended and were not
// waited for.
func zombies(t *testing.T, parent int) int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // gone
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if fields[0] == "Z" && fields[1] == fmt.Sprint(parent) {
			count++
		}
	}
	return count
}

func TestReaperCollectsOrphans(t *testing.T) {
	s := newStore(t)
	sb, conn := reaped(t, s, spec.Options{}, "set 1000; "+makeOrphans)
	until(t, conn, "made")
	if !eventually(func() bool { return zombies(t, sb.PID) == 0 }) {
		t.Errorf("%d of 1000 orphans are left", zombies(t, sb.PID))
	}
	if state := reread(t, s, sb); state.Status != supervisor.Running {
		t.Errorf("it is %s", state.Status)
	}
}

// A program that is PID 1 itself has to know what that means.
func TestWithoutReaperOrphansStay(t *testing.T) {
	s := newStore(t)
	// The orphan ends with the input, and not before the shell that would wait for it has become another program.
	script := `exec 3<&0; sh -c "cat <&3 & :"; exec sleep 1000 3<&-`
	sb, conn := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Interactive: true, Command: []string{"sh", "-c", script}})
	if !eventually(func() bool {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", sb.PID))
		return err == nil && string(line) == "sleep\x001000\x00"
	}) {
		t.Fatal("the program does not become another")
	}
	if err := conn.EndOfInput(); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return zombies(t, sb.PID) == 1 }) {
		t.Error("the orphan was collected by a program that waits for none")
	}
}

// The sandbox ends as the program does, which gets the signals.
func TestReaperPassesSignalsAndStatusOn(t *testing.T) {
	for _, test := range []struct {
		name, script string
		send         syscall.Signal
		says         string
		code         int
	}{
		{"exit status", "exit 7", 0, "", 7},
		{"killed", "kill -USR1 $$", 0, "", 138},
		{"default action", "echo up; read line", syscall.SIGTERM, "", 143},
		{"handler", "trap 'echo caught; exit 9' HUP; echo up; while :; do sleep 0.1; done", syscall.SIGHUP, "caught", 9},
		{"real-time", "echo up; read line", 40, "", 168},
		{"what others leave", "sleep 1000 & sleep 1000 & exit 4", 0, "", 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			sb, conn := reaped(t, s, spec.Options{}, test.script)
			before := ""
			if test.send != 0 {
				before = until(t, conn, "up")
				if err := sb.Signal(test.send); err != nil {
					t.Fatal(err)
				}
			}
			got := watch(t, conn)
			if got.exit.Code != test.code || !strings.Contains(before+got.output, test.says) {
				t.Errorf("it ended with %+v after %q, want code %d", got.exit, before+got.output, test.code)
			}
		})
	}
}

// What cannot be started is told as without a reaper.
func TestReaperStartsWhatIsThere(t *testing.T) {
	needStatic(t)
	s := newStore(t)
	for command, want := range map[string]struct {
		code int
		says string
	}{
		"nosuch":      {127, "not found in PATH="},
		"/bin/nosuch": {127, `execve("/bin/nosuch"`},
		"/bin":        {126, "it is a directory"},
	} {
		sb, conn, err := s.Launch(spec.Options{Rootfs: busybox(t), Init: true, Command: []string{command}})
		if err == nil {
			err = sb.WaitStarted(conn)
			conn.Close()
		}
		var failed *LaunchError
		if !errors.As(err, &failed) || failed.ExitCode() != want.code || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: %v", command, err)
		}
	}
}

// Every thread of the reaper has the program's rights; nobody inside sees the
// host's binary by it.
func TestReaperIsConfined(t *testing.T) {
	s := newStore(t)
	sb, conn := reaped(t, s, spec.Options{}, "exec 2>&1; cat /proc/1/exe >/dev/null; cat /proc/1/environ; echo looked; cat")
	said := until(t, conn, "looked")
	program := childOf(t, sb.PID)
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", sb.PID))
	if err != nil || len(threads) == 0 {
		t.Fatalf("threads of the reaper: %v, %v", threads, err)
	}
	want := rights(t, fmt.Sprintf("/proc/%d/status", program))
	for _, thread := range threads {
		if got := rights(t, thread); got != want {
			t.Errorf("%s has\n%swant the program's\n%s", thread, got, want)
		}
	}
	if strings.Count(said, "Permission denied") != 2 {
		t.Errorf("looking at PID 1 said %q, want to be refused twice", said)
	}
}

// childOf is the one process that a reaper has started.
func childOf(t *testing.T, parent int) int {
	t.Helper()
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		var pid, ppid int
		if err != nil {
			continue
		}
		fmt.Sscan(string(stat), &pid)
		fmt.Sscan(strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))[1], &ppid)
		if ppid == parent {
			return pid
		}
	}
	t.Fatalf("process %d has no child", parent)
	return 0
}

// rights are the lines of a status file that say what a process may do.
func rights(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for line := range strings.Lines(string(content)) {
		for _, name := range []string{"Uid:", "Gid:", "Groups:", "Cap", "NoNewPrivs:", "Seccomp:"} {
			if strings.HasPrefix(line, name) {
				kept.WriteString(line)
			}
		}
	}
	return kept.String()
}

// The program has the terminal: its keys reach it, once.
func TestReaperGivesTheTerminal(t *testing.T) {
	s := newStore(t)
	_, conn := reaped(t, s, spec.Options{TTY: true, Cols: 80, Rows: 24}, "trap 'echo caught' INT; echo up; read line; read line; echo bye")
	until(t, conn, "up")
	for _, keys := range []string{"\x03", "a\r", "b\r"} {
		if err := conn.Input([]byte(keys)); err != nil {
			t.Fatal(err)
		}
	}
	if said := until(t, conn, "bye"); strings.Count(said, "caught") != 1 {
		t.Errorf("the program said %q, want that it caught one signal", said)
	}
}

// It works with every way to launch: without /proc, without a pid namespace,
// as another user, by chroot.
func TestReaperEverywhere(t *testing.T) {
	for name, o := range map[string]spec.Options{
		"without proc":  {NoProc: true},
		"shared pid":    {Share: []string{"pid"}},
		"chroot":        {RootSwitch: spec.Chroot},
		"terminal":      {TTY: true},
		"limited":       {Pids: 16},
		"with an arena": {Env: []string{"GOMAXPROCS=64", "GOGC=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if o.Pids > 0 && !caller().Privileged {
				t.Skip("control groups at the top of the hierarchies need root") // CI runs it as root too
			}
			s := newStore(t)
			sb, conn := reaped(t, s, o, "sleep 1000 & echo up; exec sleep 1000")
			until(t, conn, "up")
			if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", sb.PID)); err != nil || strings.TrimSpace(string(comm)) != step.ReaperName {
				t.Errorf("PID 1 is %q, %v", comm, err)
			}
			conn.Close()
			if err := sb.Stop(context.Background(), 0); err != nil {
				t.Fatal(err)
			}
		})
	}
}
