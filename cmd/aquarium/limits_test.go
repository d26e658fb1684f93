package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// needGroups skips where sandboxes have no control groups.
func needGroups(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("control groups at the top of the hierarchies need root") // CI runs it as root too
	}
}

// bomb forks without end: every process makes two, as long as it may. The first
// makes one only, before all others: refused, it would end, and the sandbox.
const bomb = `f() { f | f & }; f & exec sleep 100000`

// TestForkBomb goes off in a sandbox. Its neighbour answers, and so does the
// sandbox itself: who comes in from outside need not fork there.
func TestForkBomb(t *testing.T) {
	needGroups(t)
	t.Parallel()
	const most = 200
	p := newPlace(t)
	p.run(t, "run", "-d", "--name", "calm", p.bb(), "sleep", "100000")
	p.run(t, "run", "-d", "--name", "bomb", "--pids", strconv.Itoa(most), "--cpus", "0.5", p.bb(), "sh", "-c", bomb)
	var bombed string
	for _, sb := range p.sandboxes(t) {
		if g, ok := sb.Groups.Of("pids"); ok && sb.Name == "bomb" {
			bombed = g.Directory()
		}
	}
	if err := within(patience, func() error {
		if events, err := os.ReadFile(filepath.Join(bombed, "pids.events")); err != nil || strings.TrimSpace(string(events)) == "max 0" {
			return fmt.Errorf("no fork was refused yet: %s, %v", events, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		began := time.Now()
		for _, name := range []string{"calm", "bomb"} {
			if out := p.run(t, "exec", name, "echo", "well"); out != "well\n" {
				t.Errorf("%s says %q", name, out)
			}
		}
		if took := time.Since(began); took > patience {
			t.Errorf("it took %v", took)
		}
		current, err := os.ReadFile(filepath.Join(bombed, "pids.current"))
		if n, _ := strconv.Atoi(strings.TrimSpace(string(current))); err != nil || n > most+1 { // and the one that came in
			t.Errorf("there are %s processes, %v", current, err)
		}
	}
	p.run(t, "rm", "-f", "bomb")
}

// TestMemoryHog takes all memory that it may have, again and again. A UI that
// looks on stays awake, and says what happened.
func TestMemoryHog(t *testing.T) {
	needGroups(t)
	t.Parallel()
	p := newPlace(t)
	p.run(t, "run", "-d", "--name", "calm", p.bb(), "sleep", "100000")
	u := p.sit(t)
	u.sees(`Sandboxes \(1\)`)
	p.run(t, "run", "-d", "--name", "hog", "--memory", "32M", p.bb(), "sh", "-c",
		"for i in 1 2 3; do dd if=/dev/zero of=/dev/null bs=500M count=1; done; exec dd if=/dev/zero of=/dev/null bs=500M count=1")
	u.sees(`Sandboxes \(2\)`)
	u.sees(`hog +out of memory`)
	if out := p.run(t, "exec", "calm", "echo", "well"); out != "well\n" {
		t.Errorf("the neighbour says %q", out)
	}
	if out := p.run(t, "ps", "-a"); !strings.Contains(out, "out of memory at its limit of 32M") {
		t.Errorf("the list says\n%s", out)
	}
	u.types("q")
	if status := u.leaves(); status != 0 {
		t.Errorf("the UI ended with status %d", status)
	}
}

// TestVersion2Alone does without the hierarchies of version 1, in a mount
// namespace where they are not: as on most machines of today, but for the
// controllers, which version 1 has here.
func TestVersion2Alone(t *testing.T) {
	needGroups(t)
	if mounts, err := os.ReadFile("/proc/self/mounts"); err != nil || !strings.Contains(string(mounts), " cgroup2 ") {
		t.Skipf("version 2 is not mounted (%v)", err)
	}
	t.Parallel()
	p := newPlace(t)
	script := `set -eu
		while read -r _ at kind _; do [ "$kind" != cgroup ] || umount -l "$at"; done </proc/self/mounts
		"$0" run -d --name web "$1" sleep 100000
		"$0" exec web sh -c 'ls -d /sys/fs/cgroup/cgroup.procs; tail -n 1 /proc/self/cgroup'
		"$0" pause web
		"$0" ps
		"$0" unpause web
		"$0" exec web echo awake
		"$0" pause web
		"$0" rm -f web
		"$0" trace web 2>&1 || true
		"$0" run --dry-run "$1" true`
	c := exec.Command("unshare", "--mount", "sh", "-c", script, p.binary(), p.bb())
	c.Env, c.Dir = p.env(), p.dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"/sys/fs/cgroup/cgroup.procs\n", "0::/\n", " paused ", "awake\n", "CLONE_INTO_CGROUP", `mount("cgroup2"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}
