package cgroup

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// realGroups makes a group in every hierarchy of this machine, as a launch
// does: on most machines version 2 is one of them.
func realGroups(t *testing.T) Groups {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("groups at the top of the hierarchies need root") // CI runs it as root too
	}
	host, err := Find(true)
	if err != nil {
		t.Fatal(err)
	}
	var random [16]byte
	rand.Read(random[:])
	var groups Groups
	for _, h := range host.hierarchies {
		if slices.Contains(h.controllers, memory) || slices.Contains(h.controllers, cpu) {
			continue // nothing that the others do not show
		}
		g := Group{Version: h.version, Base: h.directory, ID: hex.EncodeToString(random[:]), Controllers: h.controllers, Own: h.own}
		// The group above goes with the last sandbox, which may be just now.
		for err := error(syscall.ENOENT); errors.Is(err, syscall.ENOENT); {
			if err = os.MkdirAll(g.Directory(), 0o755); err != nil && !errors.Is(err, syscall.ENOENT) {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() { Remove(g.Directory()) })
		groups = append(groups, g)
	}
	if len(groups) == 0 {
		t.Fatal("no hierarchy is mounted")
	}
	return groups
}

// member starts a process in a group.
func member(t *testing.T, g Group, command ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(command[0], command[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	if err := set(g.Directory()+"/cgroup.procs", strconv.Itoa(c.Process.Pid)); err != nil {
		t.Fatal(err)
	}
	return c
}

// Whatever runs in a group, also below it and also frozen, ends with it.
func TestRemoveEndsWhatRuns(t *testing.T) {
	for _, g := range realGroups(t) {
		t.Run(filepath.Base(g.Base), func(t *testing.T) {
			nested := Group{Version: g.Version, Base: g.Base, ID: g.ID + "/below/deep"}
			if err := os.MkdirAll(nested.Directory(), 0o755); err != nil {
				t.Fatal(err)
			}
			processes := []*exec.Cmd{member(t, g, "sleep", "1000"), member(t, g, "sh", "-c", "trap '' TERM; while :; do sleep 1; done"), member(t, nested, "sleep", "1000")}
			if _, freezes := (Groups{g}).Of(freezer); freezes {
				if err := (Groups{g}).Freeze(); err != nil {
					t.Fatal(err)
				}
			}
			if list, err := Processes(g.Directory()); err != nil || len(list) < len(processes) {
				t.Errorf("members: %v, %v", list, err)
			}
			if err := Remove(g.Directory()); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(g.Directory()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the group is left: %v", err)
			}
			for _, c := range processes {
				c.Wait()
				if status := c.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
					t.Errorf("%v ended with %v", c.Args, status)
				}
			}
			if err := Remove(g.Directory()); err != nil {
				t.Errorf("removing it again: %v", err)
			}
		})
	}
}

// A frozen process uses no processor time.
func TestFreezeStops(t *testing.T) {
	for _, g := range realGroups(t) {
		groups := Groups{g}
		if _, freezes := groups.Of(freezer); !freezes {
			if err := groups.Freeze(); !errors.Is(err, ErrNoFreezer) {
				t.Errorf("freezing without a freezer: %v", err)
			}
			continue
		}
		t.Run(filepath.Base(g.Base), func(t *testing.T) {
			c := member(t, g, "sh", "-c", "while :; do :; done")
			if err := groups.Freeze(); err != nil {
				t.Fatal(err)
			}
			before := ticks(t, c.Process.Pid)
			time.Sleep(100 * time.Millisecond) // in which it would use ten
			if after := ticks(t, c.Process.Pid); after != before {
				t.Errorf("it used %d ticks while it was frozen", after-before)
			}
			if err := groups.Thaw(); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(20 * time.Second)
			for ticks(t, c.Process.Pid) == before {
				if time.Now().After(deadline) {
					t.Fatal("it does not run on")
				}
			}
		})
	}
}

// ticks is the processor time of a process, in user mode.
func ticks(t *testing.T, pid int) (n int) {
	t.Helper()
	fields, err := words("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	const utime = 14 // proc_pid_stat(5), for a command without blanks
	for _, digit := range fields[utime-1] {
		n = 10*n + int(digit-'0')
	}
	return n
}

// Only what a launch can have made is taken for ours.
func TestIsOurs(t *testing.T) {
	for _, g := range realGroups(t) {
		if !IsOurs(g.Directory()) {
			t.Errorf("%s is not taken for ours", g.Directory())
		}
		for _, other := range []string{g.Base, g.Above(), g.Directory() + "/..", g.Base + "/" + g.ID, ""} {
			if IsOurs(other) {
				t.Errorf("%q is taken for ours", other)
			}
		}
	}
	outside := filepath.Join(t.TempDir(), Parent, "0123456789abcdef0123456789abcdef")
	if err := os.MkdirAll(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	if IsOurs(outside) {
		t.Error("a directory that is no control group is taken for ours")
	}
}
