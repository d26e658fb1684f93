package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestProgramThatOutlivesItsSupervisor has a program take back that it is
// killed when its supervisor ends. Then the supervisor is killed: the next
// command has to end the program, or nobody would know of it any more.
func TestProgramThatOutlivesItsSupervisor(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"kept": nil, "removed": {"--rm"}, "among the host's processes": {"--share", "pid"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.attacker(t)
			run := append([]string{"run", "-d", "--name", "x"}, flags...)
			p.run(t, append(run, p.bb(), "/bin/attacker", "outlive")...)
			if err := within(patience, func() error {
				if said := p.run(t, "logs", "x"); said != "outlives\n" {
					return fmt.Errorf("the attacker says %q", said)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			program, keeper := p.processes(t, "x")
			if err := syscall.Kill(keeper, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := within(patience, func() error { return ended(keeper) }); err != nil {
				t.Fatal(err)
			}
			if ended(program) == nil {
				t.Error("it ended with its supervisor: the test tells nothing")
			}
			p.run(t, "ps", "-a")
			if err := ended(program); err != nil {
				t.Errorf("after the next command: %v", err)
				syscall.Kill(program, syscall.SIGKILL)
			}
		})
	}
}

// ended objects to a process that has not.
func ended(pid int) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	state := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
	if err != nil || strings.HasPrefix(state, " Z") || strings.HasPrefix(state, " X") {
		return nil
	}
	return fmt.Errorf("it runs: %s", stat)
}

// TestDeepDirectories has a program make directories deeper in each other than
// a command may have descriptors. They have to go with the sandbox.
func TestDeepDirectories(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.run(t, "run", "--name", "x", p.bb(), "sh", "-c", "i=0; while [ $i -lt 1000 ]; do mkdir d && cd d || exit; i=$((i+1)); done; touch deepest")
	few := exec.Command("sh", "-c", `ulimit -n 256; exec "$@"`, "sh", p.binary(), "rm", "x")
	few.Env = p.env()
	if out, err := few.CombinedOutput(); err != nil {
		t.Errorf("rm: %v: %.200s", err, out)
	}
	bundles, err := os.ReadDir(filepath.Join(p.home(), "data/sandboxes"))
	if err != nil || len(bundles) != 0 {
		t.Errorf("left are %v (%v)", bundles, err)
	}
}

// TestDescriptorsOfTheLauncher launches with a lock held on an inherited
// descriptor. With the launcher's end it has to be free, while the sandbox,
// and the supervisor beside it, run on.
func TestDescriptorsOfTheLauncher(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	path := filepath.Join(p.dir, "lock")
	held, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	c := p.command("run", "-d", "--name", "x", p.bb(), "sleep", "1000")
	c.ExtraFiles = []*os.File{held, held, held} // the supervisor's own socket takes the place of the first
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	other, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != syscall.EWOULDBLOCK {
		t.Errorf("while it is held here: %v, want %v", err, syscall.EWOULDBLOCK)
	}
	held.Close()
	// A child that another test is just starting has it, too, until its execve.
	if err := within(patience, func() error { return syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }); err != nil {
		t.Errorf("the supervisor holds the launcher's lock: %v", err)
	}
}
