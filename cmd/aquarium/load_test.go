package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aquarium/runtime/supervisor"
)

// load is how many sandboxes there are at once, and how many come and go one
// after the other. BenchmarkCreateDelete does five times as many.
const load = 200

// TestTwoHundredSandboxes has them all run at once, by several commands side
// by side. All are listed, each can be worked in, and nothing is left of them.
func TestTwoHundredSandboxes(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	began := time.Now()
	names := p.many(t, load, func(i int) []string {
		return []string{"run", "-d", "--name", "fish-" + strconv.Itoa(i), p.bb(), "sleep", "100000"}
	})
	t.Logf("%d sandboxes started in %v", load, time.Since(began))
	var list []struct{ ID, Name, Status string }
	if err := json.Unmarshal([]byte(p.run(t, "ps", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != load {
		t.Errorf("%d of %d are listed", len(list), load)
	}
	for _, sb := range list {
		if sb.Status != "running" {
			t.Errorf("%s is %s", sb.Name, sb.Status)
		}
	}
	for _, i := range []int{0, load / 2, load - 1} {
		name := "fish-" + strconv.Itoa(i)
		if out := p.run(t, "exec", name, "hostname"); strings.TrimSpace(out) != name {
			t.Errorf("the hostname in %s is %q", name, out)
		}
	}
	began = time.Now()
	p.run(t, append([]string{"rm", "-f"}, names...)...)
	t.Logf("removed in %v", time.Since(began))
}

// many runs commands, a few at a time, which all have to go well. It returns
// what they print.
func (p place) many(t testing.TB, n int, args func(i int) []string) []string {
	t.Helper()
	const atOnce = 8
	outputs := make([]string, n)
	turns := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			out, err := p.command(args(i)...).CombinedOutput()
			if err != nil {
				t.Errorf("aquarium %s: %v: %s", strings.Join(args(i), " "), err, out)
			}
			outputs[i] = strings.TrimSpace(string(out))
		})
	}
	all.Wait()
	return outputs
}

// TestCreateDelete launches and removes without pause. Nothing may be left.
func TestCreateDelete(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.many(t, load, func(int) []string { return []string{"run", "--rm", p.bb(), "true"} })
}

// BenchmarkCreateDelete is for a machine that does nothing else: it compares
// the counts of the whole machine. 1,000 launches and removals with layers
// of their own take 13 to 25 s on two cores.
//
//	go test ./cmd/aquarium -run '^$' -bench CreateDelete -benchtime 1000x
func BenchmarkCreateDelete(b *testing.B) {
	p := newPlace(b)
	p.run(b, "run", "--rm", p.bb(), "true") // makes the parents of all groups
	before := machineCount(b)
	p.many(b, b.N, func(int) []string { return []string{"run", "--rm", p.bb(), "true"} })
	if err := within(patience, func() error {
		now := machineCount(b)
		if now.files > before.files+spareFiles {
			return fmt.Errorf("%d descriptors were open, now there are %d", before.files, now.files)
		}
		if now.files = before.files; now != before {
			return fmt.Errorf("before %+v, now %+v", before, now)
		}
		return nil
	}); err != nil {
		b.Error(err)
	}
}

// spareFiles is what others on the machine may open meanwhile.
const spareFiles = 200

// counts are of a whole machine.
type counts struct{ mounts, groups, links, namespaces, processes, files int }

func machineCount(t testing.TB) (c counts) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	c.mounts = strings.Count(string(mounts), "\n")
	filepath.WalkDir("/sys/fs/cgroup", func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			c.groups++
		}
		return nil
	})
	links, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	c.links = len(links)
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, process := range processes {
		if exe, err := os.Readlink(process + "/exe"); err == nil && exe != "" { // not the kernel's own, which come and go
			c.processes++
		}
		for _, kind := range []string{"uts", "pid", "mnt", "net", "ipc", "user", "cgroup"} {
			if id, err := os.Readlink(process + "/ns/" + kind); err == nil {
				seen[id] = true
			}
		}
	}
	c.namespaces = len(seen)
	files, err := os.ReadFile("/proc/sys/fs/file-nr")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Sscan(string(files), &c.files) // the first of three numbers: those that are open
	return c
}

// TestFloodsLeaveNeighboursAlone has programs print without end, into
// terminals that nobody looks at.
func TestFloodsLeaveNeighboursAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	const floods = 3
	p.many(t, floods, func(i int) []string {
		return []string{"run", "-d", "-t", "--name", "flood-" + strconv.Itoa(i), p.bb(), "yes", "flooded"}
	})
	p.run(t, "run", "-d", "--name", "calm", p.bb(), "sh", "-c", "echo still here; exec sleep 100000")
	if err := within(patience, func() error {
		if out := p.run(t, "logs", "flood-0"); !strings.Contains(out, "flooded\r\nflooded") {
			return fmt.Errorf("flood-0 prints %.100q", out)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		began := time.Now()
		if out := p.run(t, "exec", "calm", "echo", "well"); out != "well\n" {
			t.Errorf("the neighbour says %q", out)
		}
		if took := time.Since(began); took > patience {
			t.Errorf("a neighbour's exec took %v", took)
		}
	}
	if err := within(patience, func() error {
		if out := p.run(t, "logs", "calm"); out != "still here\n" {
			return fmt.Errorf("the neighbour's output is %q", out)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	for _, sb := range p.sandboxes(t) {
		const most = 40 << 20 // bytes; the scrollback has 4 MB
		if used := residentMemory(t, sb.Keeper); used > most {
			t.Errorf("the supervisor of %s holds %d MB", sb.Name, used>>20)
		}
	}
}

// sandboxes are the states of those that run.
func (p place) sandboxes(t testing.TB) (list []supervisor.State) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.home(), "run/*", supervisor.StateFile))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sandbox runs: %v", err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		var st supervisor.State
		if err == nil {
			err = json.Unmarshal(document, &st)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, st)
	}
	return list
}

// residentMemory is a process's, in bytes: the second field of
// /proc/PID/statm counts pages.
func residentMemory(t testing.TB, pid int) int {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	var total, resident int
	if err == nil {
		_, err = fmt.Sscan(string(content), &total, &resident)
	}
	if err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize()
}
