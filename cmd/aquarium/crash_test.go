package main

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"aquarium/runtime/ledger"
)

// crashes are command lines, one of whose processes is killed before each
// system call that changes something. before makes what the command needs.
var crashes = []struct {
	name   string
	actor  string
	before [][]string
	args   []string
	root   bool // can only be tried by root
	every  int  // of how many calls one is tried; 0 is 1
}{
	{name: "run, killing the command", actor: actorCommand, args: []string{"run", "--rm", "bb", "true"}},
	{name: "run, killing the supervisor", actor: actorSupervisor, args: []string{"run", "bb", "true"}},
	{name: "run --rm, killing the supervisor", actor: actorSupervisor, args: []string{"run", "--rm", "bb", "true"}, every: 2},
	{name: "run -t, killing init", actor: actorInit, args: []string{"run", "-d", "-t", "--rm", "bb", "true"}, every: 3},
	{name: "bridge, killing the command", actor: actorCommand, args: []string{"run", "--rm", "--network", "bridge", "bb", "true"}, root: true},
	{name: "bridge, killing the supervisor", actor: actorSupervisor, args: []string{"run", "--network", "bridge", "bb", "true"}, root: true, every: 2},
	{name: "rm", actor: actorCommand, before: [][]string{{"run", "bb", "touch", "/pearl"}}, args: []string{"rm", "NAME"}},
	{name: "rm -f", actor: actorCommand, before: [][]string{{"run", "-d", "bb", "sleep", "1000"}}, args: []string{"rm", "-f", "NAME"}},
	{name: "commit", actor: actorCommand, before: [][]string{{"run", "bb", "touch", "/pearl"}}, args: []string{"rootfs", "commit", "NAME", "made"}},
	{name: "import", actor: actorCommand, args: []string{"rootfs", "import", "made", "bb"}},
	{name: "import of an image", actor: actorCommand, args: []string{"rootfs", "import", "made", "IMAGE"}},
	{name: "pull", actor: actorCommand, args: []string{"rootfs", "pull", "--as", "made", "REGISTRY/made:1"}},
	{name: "rootfs rm", actor: actorCommand, before: [][]string{{"rootfs", "import", "made", "bb"}}, args: []string{"rootfs", "rm", "made"}},
}

// TestCrashes kills a process at every point where it has changed something
// and would go on to change more. The next command cleans up, says so, and
// nothing is left.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for _, crash := range crashes {
		t.Run(crash.name, func(t *testing.T) {
			if crash.root && os.Geteuid() != 0 {
				t.Skip("a bridge needs root")
			}
			t.Parallel()
			p := newPlace(t)
			for n := 1; ; n += max(1, crash.every) {
				for _, args := range crash.before {
					p.run(t, p.words(t, args)...)
				}
				call := p.crash(t, crash.actor, n, p.words(t, crash.args)...)
				if err := p.recover(t); err != nil {
					t.Errorf("killed before its change %d, %s: %v", n, call, err)
				}
				if call == "" {
					t.Logf("there are less than %d places to be killed at", n)
					return
				}
			}
		})
	}
}

// words puts a small root filesystem for bb, the only sandbox's name for NAME, an
// archive for IMAGE, and a registry that has "made:1" for REGISTRY.
func (p place) words(t *testing.T, args []string) []string {
	t.Helper()
	words := strings.Fields(strings.Join(args, " "))
	for i, word := range words {
		switch word {
		case "bb":
			words[i] = p.small(t)
		case "NAME":
			words[i] = p.listed(t)
		case "IMAGE":
			words[i] = p.image(t)
		case "REGISTRY/made:1":
			words[i] = p.registry(t) + "/made:1"
		}
	}
	return words
}

// image is a small root filesystem as an image archive.
func (p place) image(t *testing.T) string {
	t.Helper()
	archive := filepath.Join(p.dir, "small.oci")
	if _, err := os.Stat(archive); err != nil {
		p.run(t, "rootfs", "export", p.small(t), "--format", "oci-archive", "--tag", "made:1", "-o", archive)
	}
	return archive
}

// registry starts a registry with that image in it, and returns its address.
func (p place) registry(t *testing.T) string {
	t.Helper()
	address := filepath.Join(p.dir, "registry")
	if content, err := os.ReadFile(address); err == nil {
		return string(content)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	p.run(t, "rootfs", "push", p.small(t), host+"/made:1")
	if err := os.WriteFile(address, []byte(host), 0o644); err != nil {
		t.Fatal(err)
	}
	return host
}

// small is a root filesystem of few files: the more there are, the more places
// to be killed at.
func (p place) small(t *testing.T) string {
	t.Helper()
	root := filepath.Join(p.dir, "small")
	if _, err := os.Stat(root); err == nil {
		return root
	}
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := install(filepath.Join(root, "bin/sleep"), filepath.Join(p.bb(), "bin/busybox")); err != nil {
		t.Fatal(err)
	}
	for _, applet := range []string{"true", "touch"} {
		if err := os.Symlink("sleep", filepath.Join(root, "bin", applet)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// listed is the name of the only sandbox.
func (p place) listed(t *testing.T) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(p.run(t, "ps", "-a")), "\n")
	if len(lines) != 2 {
		t.Fatalf("there is not one sandbox: %q", lines)
	}
	return strings.Fields(lines[1])[0]
}

// recover runs the next command, which has to clean up and say so; what it
// keeps has to be whole, and goes with the usual commands.
func (p place) recover(t *testing.T) error {
	t.Helper()
	alive := p.noProcesses() != nil // a supervisor that is told to end its sandbox cleans up itself
	left, groups := p.left(), p.groups(t)
	next := p.command("ps", "-a")
	var said strings.Builder
	next.Stderr = &said
	out, err := next.Output()
	if err != nil {
		return fmt.Errorf("the next command: %w: %s", err, said.String())
	}
	for path := range left {
		if _, err := os.Lstat(path); os.IsNotExist(err) && !alive && !strings.Contains(said.String(), "aquarium: cleaned up after") {
			return fmt.Errorf("%s is cleaned up without a word: %q", path, said.String())
		}
	}
	if again, err := p.command("ps").CombinedOutput(); err != nil || strings.Contains(string(again), "aquarium:") {
		return fmt.Errorf("the command after it: %v %s", err, again)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n")[1:] {
		if out, err := p.command("rm", "-f", strings.Fields(line)[0]).CombinedOutput(); err != nil {
			return fmt.Errorf("remove what is listed as %q: %w: %s", line, err, out)
		}
	}
	if err := p.removeMade(); err != nil {
		return err
	}
	for _, group := range groups {
		if _, err := os.Lstat(group); !os.IsNotExist(err) {
			return fmt.Errorf("the control group %s is left", group)
		}
	}
	return p.checkEmpty()
}

// left are the files in the state directory that no command keeps.
func (p place) left() map[string]bool {
	left := make(map[string]bool)
	for _, pattern := range []string{"run/????????????????????????????????/*", "data/sandboxes/*/*", "data/names/*", "data/tmp/*"} {
		files, _ := filepath.Glob(filepath.Join(p.home(), pattern))
		for _, file := range files {
			left[file] = true
		}
	}
	return left
}

// groups are the control groups that sandboxes have, or were to have.
func (p place) groups(t *testing.T) (groups []string) {
	t.Helper()
	ledgers, _ := filepath.Glob(filepath.Join(p.home(), "run/*", ledger.FileName))
	for _, path := range ledgers {
		l, err := ledger.OpenExisting(filepath.Dir(path))
		if os.IsNotExist(err) {
			continue // a supervisor that lives has just removed it
		}
		if err != nil {
			t.Fatal(err)
		}
		entries, err := l.Left()
		l.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Kind == ledger.Cgroup {
				groups = append(groups, e.Name)
			}
		}
	}
	return groups
}

// removeMade removes the root filesystem that was made, which is whole where
// it is listed.
func (p place) removeMade() error {
	list, err := p.command("rootfs", "ls").CombinedOutput()
	if err != nil || strings.Contains(string(list), "aquarium:") {
		return fmt.Errorf("list root filesystems: %w: %s", err, list)
	}
	if strings.Contains(string(list), "made") {
		if out, err := p.command("run", "--rm", "made", "true").CombinedOutput(); err != nil {
			return fmt.Errorf("run what was made: %w: %s", err, out)
		}
		if out, err := p.command("rootfs", "rm", "made").CombinedOutput(); err != nil {
			return fmt.Errorf("remove what was made: %w: %s", err, out)
		}
	}
	out, err := p.command("rootfs", "prune").CombinedOutput()
	if err != nil {
		return fmt.Errorf("prune: %w: %s", err, out)
	}
	return nil
}
