package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

// TestCVE_2019_5736 has Aquarium's binary run inside a sandbox, by a script
// whose interpreter is /proc/self/exe: what is about to become the script is
// still Aquarium. A program that waits for it opens /proc/PID/exe, ends the
// process, and writes the file that the host's user will run next.
func TestCVE_2019_5736(t *testing.T) {
	t.Parallel()
	all := []string{"--cap-add", "ALL", "--security-opt", "seccomp=unconfined"}
	for _, way := range []struct {
		name    string
		confine []string // flags of run
		start   []string // starts /evil in the sandbox
	}{
		{"exec", nil, []string{"exec", "victim", "/evil"}},
		// The guard is no matter of what the sandbox is forbidden otherwise. And
		// who enters has all capabilities: only a program that does too can look
		// at its process.
		{"exec, with all capabilities", all, []string{"exec", "victim", "/evil"}},
		{"enter, with all capabilities", all, []string{"enter", "-t", "victim", "-a", "/evil"}},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.ownBinary(t)
			before := p.digest(t)
			o := overwriteFromInside(t, p, way.confine, way.start)
			for name, errno := range o {
				refusals := []syscall.Errno{syscall.EROFS, syscall.EACCES, syscall.EPERM, syscall.EINVAL}
				if !slices.Contains(refusals, errno) {
					t.Errorf("%s the binary from inside: %v, want a refusal", name, errno)
				}
			}
			// Not for want of permission, or because it runs, but because of the mount.
			if errno := o["open for writing"]; errno != syscall.EROFS {
				t.Errorf("open the binary for writing: %v, want %v", errno, syscall.EROFS)
			}
			if p.digest(t) != before {
				t.Error("the binary has changed")
			}
		})
	}
}

// overwriteFromInside has the attacker wait in a sandbox for who start brings
// there, and returns what its attempts came to when no Aquarium ran any more:
// as long as one does, its file is busy.
func overwriteFromInside(t *testing.T, p place, confine, start []string) outcomes {
	t.Helper()
	p.attacker(t)
	evil := filepath.Join(p.bb(), "evil")
	if err := os.WriteFile(evil, []byte("#!/proc/self/exe\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(p.dir, "out")
	if err := os.Mkdir(out, 0o777); err != nil {
		t.Fatal(err)
	}
	run := append([]string{"run", "-d", "--name", "victim", "-v", out + ":/out"}, confine...)
	p.run(t, append(run, p.bb(), "/bin/attacker", "overwrite", "/out/result", "/bin/busybox")...)
	pid, keeper := p.processes(t, "victim")
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	result := filepath.Join(out, "result")
	held := func() error {
		p.command(start...).Run() // the attacker kills it, if it is quick enough
		_, err := os.Stat(result)
		return err
	}
	if err := within(patience, held); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return p.whenIdle(t, result)
}

// whenIdle waits for what attempts came to that were made when nothing ran
// the binary.
func (p place) whenIdle(t *testing.T, result string) outcomes {
	t.Helper()
	var o outcomes
	err := within(patience, func() error {
		content, err := os.ReadFile(result)
		if err != nil {
			return err
		}
		o = readOutcomes(t, string(content))
		for name, errno := range o {
			if errno == syscall.ETXTBSY {
				return fmt.Errorf("%s: %w", name, errno)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestCVE_2019_5736Works is the control: the same attacker overwrites a binary
// that nothing guards.
func TestCVE_2019_5736Works(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	path := p.attacker(t)
	victim := filepath.Join(p.dir, "busybox") // it goes by its name
	if err := install(victim, needProgram(t, "busybox")); err != nil {
		t.Fatal(err)
	}
	// In a pid namespace of their own, so that the attacker meets nobody else.
	result := filepath.Join(p.dir, "result")
	script := `mount -t proc proc /proc || exit 9; "$0" sleep 60 & "$1" overwrite "$2" /bin/busybox >/dev/null & until grep -q "^truncate: 0" "$2" 2>/dev/null; do jobs %2 >/dev/null || exit 8; done`
	c := exec.Command("/bin/busybox", "sh", "-c", script, victim, path, result)
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER, Pdeathsig: syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	content, err := os.ReadFile(victim)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) > len("overwritten") {
		t.Errorf("the victim is unharmed: %d bytes", len(content))
	}
}

// TestNobodyWritesTheBinaryOfASandboxsProcesses looks from outside, with all
// the rights there are, at those who run Aquarium's binary beside and in a
// sandbox.
func TestNobodyWritesTheBinaryOfASandboxsProcesses(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.ownBinary(t)
	p.run(t, "run", "-d", "--name", "runs", p.bb(), "sleep", "1000")
	_, supervisor := p.processes(t, "runs")
	_, clone := p.countSteps(t)
	u := p.sit(t, "run", "--step", "--name", "waits", p.bb(), "sleep", "1000")
	for i := 1; i <= clone; i++ {
		u.sees(fmt.Sprintf("step %d of", i))
		u.types("\r")
	}
	u.sees(fmt.Sprintf("step %d of", clone+1))
	init, _ := p.processes(t, "waits")
	for who, pid := range map[string]int{"the supervisor": supervisor, "init": init} {
		exe := fmt.Sprintf("/proc/%d/exe", pid)
		fd, err := syscall.Open(exe, syscall.O_WRONLY|syscall.O_TRUNC, 0)
		if err != syscall.EROFS {
			syscall.Close(fd)
			t.Errorf("open %s of %s for writing: %v, want %v", exe, who, err, syscall.EROFS)
		}
		if os.Geteuid() == 0 {
			if err := syscall.Mount("", exe, "", syscall.MS_REMOUNT|syscall.MS_BIND, ""); err != syscall.EINVAL {
				t.Errorf("remount %s of %s: %v, want %v", exe, who, err, syscall.EINVAL)
			}
		}
	}
}

// ownBinary gives the place a binary that no other place has.
func (p place) ownBinary(t *testing.T) {
	t.Helper()
	path, err := filepath.EvalSymlinks(p.binary())
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil {
		err = install(path, binary)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p place) digest(t *testing.T) [sha256.Size]byte {
	t.Helper()
	content, err := os.ReadFile(p.binary())
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(content)
}

// processes are a sandbox's program, or init where its launch waits, and its
// supervisor.
func (p place) processes(t *testing.T, name string) (program, keeper int) {
	t.Helper()
	program, err := strconv.Atoi(p.pidOf(t, name))
	if err != nil {
		t.Fatal(err)
	}
	states, err := filepath.Glob(filepath.Join(p.home(), "run", "*", "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range states {
		var state struct {
			Name   string
			Keeper int
		}
		content, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(content, &state) != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if state.Name == name {
			return program, state.Keeper
		}
	}
	t.Fatalf("no state of %s in %v", name, states)
	return 0, 0
}
