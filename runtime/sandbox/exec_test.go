package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aquarium/runtime/spec"
	"aquarium/runtime/wire"
)

func TestExecJoinsEveryNamespace(t *testing.T) {
	s := newStore(t)
	for _, rootSwitch := range []spec.RootSwitch{spec.PivotRoot, spec.Chroot} {
		t.Run(string(rootSwitch), func(t *testing.T) {
			sb, _ := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Command: []string{"sleep", "1000"}, RootSwitch: rootSwitch})
			conn := dial(t, sb)
			script := "for n in uts pid mnt net ipc user cgroup; do [ $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) ] || echo $n differs; done; hostname; ls /; echo $0; cat; echo err >&2; exit 7"
			if err := conn.Exec(wire.ExecRequest{Argv: []string{"sh", "-c", script}, Env: []string{"X=1"}, Stdin: true}); err != nil {
				t.Fatal(err)
			}
			conn.Input([]byte("typed\n"))
			conn.EndOfInput()
			got := watch(t, conn)
			want := sb.Name + "\nbin\ndev\nproc\nsys\nsh\ntyped\n"
			if got.output != want || got.errput != "err\n" || got.exit.Code != 7 {
				t.Errorf("exec gave %q, %q, %+v; want %q, \"err\\n\", code 7", got.output, got.errput, got.exit, want)
			}
		})
	}
}

func TestExecOnATerminal(t *testing.T) {
	s := newStore(t)
	sb, _ := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Command: []string{"sleep", "1000"}, TTY: true})
	conn := dial(t, sb)
	request := wire.ExecRequest{Argv: []string{"sh"}, TTY: true, Dimensions: wire.Dimensions{Cols: 93, Rows: 31}}
	if err := conn.Exec(request); err != nil {
		t.Fatal(err)
	}
	conn.Input([]byte("tty; stty size; echo end$((1+1))\n"))
	output := until(t, conn, "end2")
	for _, want := range []string{"/dev/pts/1", "31 93"} {
		if !strings.Contains(output, want) {
			t.Errorf("the shell printed %q, want %q in it", output, want)
		}
	}
	conn.Input([]byte("sh -c 'echo began$((1+1)); sleep 1000'\n"))
	until(t, conn, "began2")
	conn.Input([]byte{3}) // Ctrl-C: job control needs a controlling terminal
	conn.Input([]byte("echo status=$?\n"))
	until(t, conn, "status=130")
	conn.Input([]byte("exit 4\n"))
	if got := watch(t, conn); got.exit.Code != 4 {
		t.Errorf("the shell ended with %+v, want code 4", got.exit)
	}
}

func TestExecIsConfinedLikeTheProgram(t *testing.T) {
	s := newStore(t)
	sb, _ := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Command: []string{"sleep", "1000"}})
	conn := dial(t, sb)
	script := "for p in 1 self; do grep -E 'Cap|NoNew|Uid|Gid|Groups' /proc/$p/status; grep 'open files' /proc/$p/limits; ls /proc/$p/fd | head -3; done"
	if err := conn.Exec(wire.ExecRequest{Argv: []string{"sh", "-c", script}}); err != nil {
		t.Fatal(err)
	}
	got := watch(t, conn)
	lines := strings.Split(strings.TrimSpace(got.output), "\n")
	if len(lines)%2 != 0 || len(lines) < 10 {
		t.Fatalf("unexpected output %q", got.output)
	}
	for i, line := range lines[:len(lines)/2] {
		if other := lines[len(lines)/2+i]; line != other {
			t.Errorf("PID 1 has %q, the exec'd program %q", line, other)
		}
	}
}

func TestExecReportsWhatCannotRun(t *testing.T) {
	s := newStore(t)
	sb, _ := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Command: []string{"sleep", "1000"}})
	for command, code := range map[string]int{"nonexistent": 127, "/bin/nonexistent": 127, "/bin": 126} {
		conn := dial(t, sb)
		if err := conn.Exec(wire.ExecRequest{Argv: []string{command}}); err != nil {
			t.Fatal(err)
		}
		err := sb.WaitStarted(conn)
		failed, ok := err.(*LaunchError)
		if !ok || failed.ExitCode() != code {
			t.Errorf("exec %s: %v, want exit code %d", command, err, code)
		}
	}
}

// TestExecWaitsForTheProgram: before the root switch what is "in the sandbox"
// stands in the host's tree, with all of root's rights.
func TestExecWaitsForTheProgram(t *testing.T) {
	s := newStore(t)
	l := newStepped(t, s, spec.Options{Rootfs: busybox(t), Name: "half"})
	l.to(6)
	sb := l.running(s)
	if _, err := sb.DialExec(); err == nil || err.Error() != "exec in half: its launch waits between two steps" {
		t.Errorf("the sandbox itself says %v", err)
	}
	conn := dial(t, sb)
	victim := filepath.Join(t.TempDir(), "by-exec")
	if err := conn.Exec(wire.ExecRequest{Argv: []string{"sh", "-c", "echo bad >" + victim + "; echo bad"}}); err != nil {
		t.Fatal(err)
	}
	kind, payload, err := conn.Next()
	if err != nil || kind != wire.Started || !strings.Contains(string(payload), "its launch waits between two steps") {
		t.Errorf("the supervisor says %q %s, %v", kind, payload, err)
	}
	if left, err := os.ReadDir(filepath.Dir(victim)); err != nil || len(left) > 0 {
		t.Errorf("the host has %v, %v", left, err)
	}
	for l.end == nil {
		l.goOn()
	}
	if err := conn.Exec(wire.ExecRequest{Argv: []string{"echo", "good"}}); err != nil {
		t.Fatal(err)
	}
	if got := watch(t, conn); got.output != "good\n" {
		t.Errorf("once the program runs, exec gives %+v", got)
	}
}

// TestExecDuringALaunchIsForTheProgram asks for a program as early as it can
// be: it is to stand in the sandbox, and not where init still works.
func TestExecDuringALaunchIsForTheProgram(t *testing.T) {
	s, bb := newStore(t), busybox(t)
	for range 10 {
		sb, creator, err := s.Launch(spec.Options{Rootfs: bb, Command: []string{"sleep", "1000"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { creator.Close() })
		conn := dial(t, sb)
		if err := conn.Exec(wire.ExecRequest{Argv: []string{"ls", "/"}}); err != nil {
			t.Fatal(err)
		}
		if got := watch(t, conn); got.output != "bin\ndev\nproc\nsys\n" {
			t.Fatalf("exec gave %+v", got)
		}
	}
}
