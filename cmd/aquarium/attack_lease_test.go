package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// leasePatience is how long a command may take beside a lease, which whoever
// waits for it would get after 45 seconds (/proc/sys/fs/lease-break-time).
const leasePatience = 20 * time.Second

// TestLeases has a sandbox take leases on files of its own root filesystem and
// of another's that it got as a volume: no command waits for them.
func TestLeases(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.attacker(t)
	shared := filepath.Join(p.dir, "shared")
	if err := busyboxRoot(shared); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shared, "etc/os-release"), []byte("NAME=Pond\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.run(t, "run", "-d", "--name", "greedy", "-v", shared+":/shared", p.bb(), "sh", "-c",
		"echo >/written; exec attacker lease /etc/passwd /shared/etc/passwd /shared/etc/group /shared/etc/os-release /shared/bin/busybox")
	if err := within(patience, func() error {
		if said := p.run(t, "logs", "greedy"); strings.Count(said, "\n") < 5 || strings.Count(said, ": 0") != 5 {
			return fmt.Errorf("the attacker said %q", said)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	// The control: who opens one would wait.
	if _, err := os.OpenFile(filepath.Join(shared, "etc/passwd"), os.O_RDONLY|syscall.O_NONBLOCK, 0); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("a file with a lease is opened: %v", err)
	}
	for _, test := range []struct{ command, says string }{
		{"exec -u fish greedy id", "open /etc/passwd: somebody holds a lease on it"},
		{"exec -u 1000 greedy hostname", "greedy"},
		{"run --rm -u fish SHARED id", "open /etc/passwd: somebody holds a lease on it"},
		{"run --rm SHARED", "/bin/sh: somebody holds a lease on it"},
		{"rootfs check SHARED", "/etc/os-release: somebody holds a lease on it"},
		{"rootfs import pond SHARED", `read "bin/busybox": somebody holds a lease on it`},
		{"rootfs ls", "host"},
		{"inspect greedy", "attacker lease"},
		{"rootfs diff greedy", "A /written"},
		{"rm -f greedy", "greedy"},
	} {
		command := strings.ReplaceAll(test.command, "SHARED", shared)
		ctx, cancel := context.WithTimeout(t.Context(), leasePatience)
		c := exec.CommandContext(ctx, p.binary(), strings.Fields(command)...)
		c.Env, c.Dir, c.WaitDelay = p.env(), p.dir, leasePatience
		out, err := c.CombinedOutput()
		switch {
		case ctx.Err() != nil:
			t.Errorf("aquarium %s waits for the lease", command)
		case !strings.Contains(string(out), test.says):
			t.Errorf("aquarium %s: %v, %s, want %q", command, err, out, test.says)
		}
		cancel()
	}
}

// TestSignalsEndWhatOnlyReads has commands wait that have nothing to clear
// away, for a pipe that nobody reads: a signal ends them.
func TestSignalsEndWhatOnlyReads(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, command := range []string{"rootfs ls", "rootfs check ./bb"} {
		var pipe [2]int
		if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		full := os.NewFile(uintptr(pipe[1]), "pipe")
		defer syscall.Close(pipe[0])
		defer full.Close()
		fill(t, pipe[1])
		c := p.command(strings.Fields(command)...)
		c.Stdout = full
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		if err := within(patience, func() error { return writes(c.Process.Pid) }); err != nil {
			t.Error(err)
		}
		c.Process.Signal(syscall.SIGTERM)
		if err := within(patience, func() error {
			select {
			case <-ended:
				return nil
			default:
				return fmt.Errorf("aquarium %s goes on after SIGTERM", command)
			}
		}); err != nil {
			c.Process.Kill()
			t.Error(err)
		}
	}
}

// writes tells whether a process is in a write(2) to its standard output.
func writes(pid int) error {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	for _, task := range tasks {
		if call, _ := os.ReadFile(task); strings.HasPrefix(string(call), fmt.Sprintf("%d 0x1 ", syscall.SYS_WRITE)) {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("process %d does not write", pid), err)
}

// fill fills a pipe, and leaves it one that writers wait for.
func fill(t *testing.T, pipe int) {
	t.Helper()
	if err := syscall.SetNonblock(pipe, true); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := syscall.Write(pipe, make([]byte, 4096)); errors.Is(err, syscall.EAGAIN) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.SetNonblock(pipe, false); err != nil {
		t.Fatal(err)
	}
}
