package main

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aquarium/runtime/network"
)

// place is where one test runs: with a binary, root filesystems and a state
// directory of its own, so that what it leaves behind can be told from what
// others do at the same time.
type place struct{ dir string }

// newPlace makes a place below t's directory, with a root filesystem "bb". At
// the test's end nothing may be left but empty directories.
func newPlace(t testing.TB) place {
	t.Helper()
	needProgram(t, "busybox")
	p := place{t.TempDir()}
	if err := p.fill(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.removeAll()
		if err := p.checkEmpty(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p place) fill() error {
	if err := os.Mkdir(filepath.Dir(p.binary()), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(p.ownName(), p.binary()); err != nil {
		return err
	}
	own := filepath.Join(filepath.Dir(p.binary()), p.ownName())
	if err := os.Link(binary, own); err != nil {
		if err := install(own, binary); err != nil {
			return err
		}
	}
	return busyboxRoot(p.bb())
}

// ownName is the place's name for the one binary. /proc/PID/exe tells by it
// whose a process is; a supervisor's has no directory, see package itself.
func (p place) ownName() string {
	return "aquarium" + strings.NewReplacer("/", "-", " ", "-").Replace(p.dir)
}

func (p place) binary() string { return filepath.Join(p.dir, "bin", "aquarium") }
func (p place) bb() string     { return filepath.Join(p.dir, "bb") }
func (p place) home() string   { return filepath.Join(p.dir, "state") }

func (p place) env() []string {
	return append(os.Environ(), "AQUARIUM_HOME="+p.home(), "AQUARIUM_PREFIX=", "TERM=xterm-256color")
}

// command is an aquarium command line.
func (p place) command(args ...string) *exec.Cmd {
	c := exec.Command(p.binary(), args...)
	c.Env = p.env()
	c.Dir = p.dir
	return c
}

// run runs a command that must go well, and returns what it printed.
func (p place) run(t testing.TB, args ...string) string {
	t.Helper()
	c := p.command(args...)
	var errors strings.Builder
	c.Stderr = &errors
	out, err := c.Output()
	if err != nil {
		t.Fatalf("aquarium %s: %v\n%s%s", strings.Join(args, " "), err, out, errors.String())
	}
	return string(out)
}

// removeAll removes every sandbox, whatever became of the test.
func (p place) removeAll() {
	out, err := p.command("ps", "-a").Output()
	if err != nil {
		return
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n")[1:] {
		p.command("rm", "-f", strings.Fields(line)[0]).Run()
	}
}

// checkEmpty tells what is left: a process, a mount, a file. Processes are
// given time to end: their parents have been told, not the whole system.
func (p place) checkEmpty() error {
	if err := p.noFiles(); err != nil {
		return err
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), p.dir) {
		return fmt.Errorf("a mount is left: %w\n%s", err, mounts)
	}
	if err := p.noBridge(); err != nil {
		return err
	}
	return within(patience, p.noProcesses)
}

// noBridge looks for what the sandboxes of this place had on a bridge: links
// and a table are named after the state directory.
func (p place) noBridge() error {
	hash := fnv.New32a()
	hash.Write([]byte(filepath.Join(p.home(), "run/network")))
	name := fmt.Sprintf("%08x", hash.Sum32())
	links, err := os.ReadDir("/sys/class/net")
	for _, link := range links {
		if strings.Contains(link.Name(), name) {
			return fmt.Errorf("the link %s is left", link.Name())
		}
	}
	if os.Geteuid() == 0 && network.DeleteTable("aq-"+name) != syscall.ENOENT {
		return fmt.Errorf("the table aq-%s is left", name)
	}
	return err
}

// noFiles allows for the empty directories that every command makes.
func (p place) noFiles() error {
	skeleton := map[string]bool{
		".": true, "data": true, "data/sandboxes": true, "data/names": true, "run": true, "run/lock": true, "run/ids": true, "run/network": true, "run/network/lock": true, "data/tmp": true, "data/tmp.lock": true, "data/layers.lock": true, "data/rootfs": true, "data/layers": true, "data/layers/sha256": true, "data/l": true, "data/partial": true,
		"data/host": true, // what the host's view is made of is kept for the next one
	}
	return filepath.WalkDir(p.home(), func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) && path == p.home() {
			return nil // no command ran at all
		}
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(p.home(), path)
		if name == "data/host" {
			return fs.SkipDir
		}
		if name == "data/failed" || filepath.Dir(name) == "data/failed" && filepath.Ext(name) == ".json" {
			return nil // traces of failed launches are kept on purpose
		}
		if !skeleton[name] {
			return fmt.Errorf("%s is left in the state directory", name)
		}
		return nil
	})
}

// noProcesses looks for processes that run our binary, or see our mounts.
func (p place) noProcesses() error {
	stats, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return err
	}
	for _, process := range stats {
		exe, _ := os.Readlink(process + "/exe")
		mounts, _ := os.ReadFile(process + "/mountinfo") // of another user, or gone: not ours
		if filepath.Base(exe) == p.ownName() || strings.Contains(string(mounts), p.dir) {
			command, _ := os.ReadFile(process + "/cmdline")
			return fmt.Errorf("process %s is left: %q", filepath.Base(process), command)
		}
	}
	return nil
}

// patience is how long is waited for what has to happen: far longer than it
// takes, as the machine may be busy.
const patience = 60 * time.Second

// within asks again until ask has no objection, and returns the last one when
// the time is over.
func within(limit time.Duration, ask func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := ask()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}
