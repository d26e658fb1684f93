package fork

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cat is a program that becomes cat(1) of a file, with its output in w.
func cat(file string, w *os.File) *Program {
	p := new(Program)
	p.Add(MustWork, "dup3()", syscall.SYS_DUP3, w.Fd(), 1, 0)
	for _, dir := range []string{"/no/such/directory", "/bin", "/usr/bin"} {
		p.Add(TryExec, `execve("cat")`, syscall.SYS_EXECVE, p.Text(dir+"/cat"), p.Vector([]string{"cat", file}), p.Vector(nil))
	}
	return p
}

// output starts a program that writes to w, and returns what it says.
func output(t *testing.T, group *os.File, file string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := cat(file, w)
	p.Group = group
	child, err := p.Start(0)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	process, err := child.Process()
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(r)
	if _, waited := process.Wait(); err != nil || waited != nil {
		t.Fatal(err, waited)
	}
	return string(said)
}

func TestStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := output(t, nil, file); said != "content" {
		t.Errorf("it says %q", said)
	}
}

// The call that was refused is named, and no child is left.
func TestRefused(t *testing.T) {
	p := new(Program)
	p.Add(MayFail, "close(-1)", syscall.SYS_CLOSE, ^uintptr(0))
	p.Add(MustWork, `chdir("/no/such/directory")`, syscall.SYS_CHDIR, p.Text("/no/such/directory"))
	child, err := p.Start(0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = child.Process()
	var refused *Refused
	if !errors.As(err, &refused) || refused.Call != `chdir("/no/such/directory")` || refused.Errno != syscall.ENOENT {
		t.Errorf("the error is %v", err)
	}
	if _, err := syscall.Wait4(child.PID, nil, 0, nil); err != syscall.ECHILD {
		t.Errorf("process %d is still there: %v", child.PID, err)
	}
}

// A child begins its life in the group that it is given.
func TestGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("making a control group needs root")
	}
	dir := group(t)
	opened, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if said := output(t, opened, "/proc/self/cgroup"); !strings.Contains(said, "0::/"+filepath.Base(dir)+"\n") {
		t.Errorf("the child is in %q, want %s", said, dir)
	}
}

// group makes a control group of version 2.
func group(t *testing.T) string {
	t.Helper()
	for _, top := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(top + "/cgroup.controllers"); err != nil {
			continue
		}
		dir, err := os.MkdirTemp(top, "aquarium-fork-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			err := os.Remove(dir)
			for end := time.Now().Add(10 * time.Second); errors.Is(err, syscall.EBUSY) && time.Now().Before(end); time.Sleep(time.Millisecond) {
				err = os.Remove(dir) // who has ended may be on its way out
			}
			if err != nil {
				t.Error(err)
			}
		})
		return dir
	}
	t.Skip("no control groups of version 2 are mounted here")
	return ""
}
