package inspect

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestGoneIsGoneEvenIfItsNumberIsNot(t *testing.T) {
	t.Parallel()
	c := start(t, "quiet", syscall.CLONE_NEWUTS)
	c.command.Process.Kill()
	c.command.Wait()
	if _, err := New().Open(c.PID); !errors.Is(err, ErrGone) {
		t.Errorf("Open: %v", err)
	}
	looks := map[string]func() error{
		"Namespaces":  func() error { _, err := c.Namespaces(); return err },
		"Processes":   func() error { _, err := c.Processes(soon(t)); return err },
		"Mounts":      func() error { _, err := c.Mounts(soon(t)); return err },
		"Network":     func() error { _, err := c.Network(soon(t)); return err },
		"IPC":         func() error { _, err := c.IPC(); return err },
		"Users":       func() error { _, err := c.Users(); return err },
		"Limits":      func() error { _, err := c.Limits(); return err },
		"Environment": func() error { _, err := c.Environment(); return err },
		"List":        func() error { _, err := c.List("/"); return err },
		"ReadFile":    func() error { _, _, err := c.ReadFile("/etc/passwd", 0, 10); return err },
		"Identity":    func() error { _, err := c.Identity(); return err },
	}
	for name, look := range looks {
		if err := look(); !errors.Is(err, ErrGone) {
			t.Errorf("%s: %v, want ErrGone", name, err)
		}
	}
}

func TestZombieIsGoneButForWhatItKeeps(t *testing.T) {
	t.Parallel()
	c := start(t, "quiet", syscall.CLONE_NEWUTS)
	c.command.Process.Kill()
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, c.PID, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if identity, err := c.Identity(); err != nil || identity.State != "zombie" || identity.Command != "[exe]" {
		t.Errorf("Identity: %+v, %v", identity, err)
	}
	if _, err := c.Users(); err != nil {
		t.Errorf("Users: %v", err)
	}
	for name, err := range map[string]error{
		"Namespaces": second(c.Namespaces()), "Mounts": second(c.Mounts(soon(t))), "IPC": second(c.IPC()), "List": second(c.List("/")),
	} {
		if !errors.Is(err, ErrGone) {
			t.Errorf("%s: %v, want ErrGone", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestForbiddenNeedsRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 { // who may look at everything
		again := exec.Command("/proc/self/exe", "-test.run=^TestForbiddenNeedsRoot$")
		again.Dir = "/"
		again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: overflowID, Gid: overflowID}}
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("as an ordinary user: %v\n%s", err, out)
		}
		return
	}
	target, err := newObserver().Open(1)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	for name, err := range map[string]error{
		"Namespaces": second(target.Namespaces()), "Network": second(target.Network(soon(t))), "IPC": second(target.IPC()), "List": second(target.List("/")),
	} {
		if !errors.Is(err, ErrNeedsRoot) {
			t.Errorf("%s: %v, want ErrNeedsRoot", name, err)
		}
	}
	e, err := target.Environment()
	if err != nil || !slices.Contains(e.Denied, "variables") || !slices.Contains(e.Denied, "descriptors") {
		t.Errorf("Environment: %+v, %v", e, err)
	}
}
