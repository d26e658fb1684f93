package sandbox

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// paused starts a sandbox that answers lines, and pauses it.
func paused(t *testing.T, s *Store) (Sandbox, *supervisor.Conn) {
	t.Helper()
	sb, conn := limitedSandbox(t, s, spec.Options{Command: []string{"cat"}})
	if err := conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
		t.Fatal(err)
	}
	if err := sb.Pause(); err != nil {
		t.Fatal(err)
	}
	sb = reread(t, s, sb)
	if sb.Status != supervisor.Paused {
		t.Fatalf("it is %s, want paused", sb.Status)
	}
	return sb, conn
}

func reread(t *testing.T, s *Store, sb Sandbox) Sandbox {
	t.Helper()
	now, err := s.Find(sb.ID)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// Nothing runs while it is paused, and all that came meanwhile is seen after.
func TestPauseAndUnpause(t *testing.T) {
	s := newStore(t)
	sb, conn := paused(t, s)
	if err := sb.Pause(); err == nil || !strings.Contains(err.Error(), "it is paused") {
		t.Errorf("pausing it again: %v", err)
	}
	if _, err := sb.DialExec(); err == nil || !strings.Contains(err.Error(), "it is paused") {
		t.Errorf("exec in it: %v", err)
	}
	late := dial(t, sb) // one that does not know
	if err := late.Exec(wire.ExecRequest{Argv: []string{"true"}}); err != nil {
		t.Fatal(err)
	}
	if _, payload, err := late.Next(); err != nil || !strings.Contains(string(payload), "paused") {
		t.Errorf("exec in it all the same: %s, %v", payload, err)
	}
	before := groupUsage(t, sb)
	if err := conn.Input([]byte("heard\n")); err != nil {
		t.Fatal(err)
	}
	if after := groupUsage(t, sb); after != before {
		t.Errorf("it used %d µs of processor time while it was paused", after-before)
	}
	if err := sb.Unpause(); err != nil {
		t.Fatal(err)
	}
	until(t, conn, "heard")
	if sb = reread(t, s, sb); sb.Status != supervisor.Running {
		t.Errorf("it is %s, want running", sb.Status)
	}
	if err := sb.Unpause(); err == nil || !strings.Contains(err.Error(), "it is running") {
		t.Errorf("unpausing it again: %v", err)
	}
}

func groupUsage(t *testing.T, sb Sandbox) int64 {
	t.Helper()
	used := sb.Groups.Usage().CPU
	if used < 0 {
		t.Fatal("its use of the processor cannot be read")
	}
	return used
}

// A paused sandbox ends like any other.
func TestPausedEnds(t *testing.T) {
	for name, end := range map[string]func(Sandbox) error{
		"stop":   func(sb Sandbox) error { return sb.Stop(context.Background(), 0) },
		"kill":   func(sb Sandbox) error { return errors.Join(sb.Signal(syscall.SIGKILL), sb.Wait(context.Background())) },
		"remove": func(sb Sandbox) error { return sb.Remove(context.Background(), true) },
		"its supervisor is killed": func(sb Sandbox) error {
			return syscall.Kill(sb.Keeper, syscall.SIGKILL)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			sb, conn := paused(t, s)
			conn.Close()
			if err := end(sb); err != nil {
				t.Fatal(err)
			}
			if !eventually(func() bool {
				now, err := s.Find(sb.ID)
				return err != nil || now.Status == supervisor.Stopped
			}) {
				t.Error("it has not stopped")
			}
			for _, g := range sb.Groups {
				if _, err := os.Stat(g.Directory()); !os.IsNotExist(err) {
					t.Errorf("%s is left (%v)", g.Directory(), err)
				}
			}
		})
	}
}

// A signal that a paused program gets waits for it.
func TestSignalWaitsForUnpause(t *testing.T) {
	s := newStore(t)
	sb, conn := limitedSandbox(t, s, spec.Options{Command: []string{"sh", "-c", "trap 'echo caught' HUP; echo ready; while :; do sleep 0.1; done"}})
	if err := conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
		t.Fatal(err)
	}
	until(t, conn, "ready")
	if err := errors.Join(sb.Pause(), sb.Signal(syscall.SIGHUP)); err != nil {
		t.Fatal(err)
	}
	if now := reread(t, s, sb); now.Status != supervisor.Paused {
		t.Errorf("a signal made it %s", now.Status)
	}
	if err := sb.Unpause(); err != nil {
		t.Fatal(err)
	}
	until(t, conn, "caught")
}

// Without control groups there is nothing to pause by.
func TestPauseNeedsGroups(t *testing.T) {
	if caller().Privileged {
		t.Skip("root's sandboxes have control groups") // CI runs it as an ordinary user too
	}
	s := newStore(t)
	sb, _ := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Interactive: true, Command: []string{"cat"}})
	if len(sb.Groups) > 0 {
		t.Skip("this user's own control group is delegated")
	}
	err := sb.Pause()
	var hinted *Error
	if !errors.As(err, &hinted) || !strings.Contains(err.Error(), "no control group") || hinted.Hint() == "" {
		t.Errorf("pausing: %v", err)
	}
}
