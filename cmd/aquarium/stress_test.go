package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// refusals are what one command may say because another was faster. Anything
// else is an error.
var refusals = regexp.MustCompile(`^aquarium: (` + strings.Join([]string{
	`find sandbox fish-\d: no such sandbox`,
	`create sandbox fish-\d: the name is taken`,
	`remove fish-\d: it is (creating|running)`,
	`(connect to|kill|exec in) fish-\d: (it has stopped|it is being removed|its program does not run)`,
	`(signal|stop) fish-\d: (its program does not run|its supervisor is gone)`,
	`use rootfs "tree-\d": no such file or directory`,
	`launch fish-\d: init (ended|was killed) .*`, // somebody has removed it meanwhile
	`launch [a-z]+-[a-z0-9]+: its supervisor ended: EOF`,
	`commit fish-\d: it is just being launched, or removed`,
	`attach to [a-z]+-[a-z0-9]+: its supervisor is gone`,
	`inspect fish-\d: (its program has not been started|.* the process has ended)`,
	`(find rootfs|remove) "tree-\d": (no such root filesystem|in use by .*)`,
	`store "tree-\d": the name is taken`,
}, "|") + `)$`)

// TestEverythingAtOnce has many commands work on one state directory, and two
// UIs look on. Every command does what it says or says why not, and in the end
// there is nothing that is not listed, and nothing listed that is not there.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	small := p.small(t)
	p.run(t, "rootfs", "import", "stock", small)
	users := []*user{p.sit(t), p.sit(t)}
	const workers, each, names = 6, 80, 5
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range each {
				fish, tree := "fish-"+strconv.Itoa(random.IntN(names)), "tree-"+strconv.Itoa(random.IntN(names))
				commands := [][]string{
					{"run", "-d", "--name", fish, "stock", "sleep", "100000"},
					{"run", "-d", "--name", fish, tree, "sleep", "100000"},
					{"run", "--rm", "stock", "true"},
					{"run", "--name", fish, "stock", "touch", "/pearl"},
					{"rm", "-f", fish}, {"rm", fish}, {"stop", "-t", "0", fish}, {"kill", fish},
					{"exec", fish, "true"},
					{"rootfs", "commit", fish, tree}, {"rootfs", "import", tree, small}, {"rootfs", "rm", tree}, {"rootfs", "prune"}, {"rootfs", "ls"},
					{"ps", "-a"}, {"inspect", fish},
					nil,
				}
				args := commands[random.IntN(len(commands))]
				if args == nil {
					p.killSomeSupervisor(random)
					continue
				}
				if err := p.tries(args); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	p.consistent(t)
	for _, u := range users {
		u.sees(`Sandboxes \(0\)`)
		u.types("q")
		if status := u.leaves(); status != 0 {
			t.Errorf("a UI ended with status %d", status)
		}
	}
}

// tries runs a command that may be too late for something.
func (p place) tries(args []string) error {
	out, err := p.command(args...).CombinedOutput()
	if err == nil {
		return nil
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "aquarium: ") && !refusals.MatchString(line) && !strings.HasPrefix(line, "aquarium: cleaned up after ") {
			return fmt.Errorf("aquarium %s: %w: %s", strings.Join(args, " "), err, line)
		}
	}
	return nil
}

// killSomeSupervisor kills one of this place's.
func (p place) killSomeSupervisor(random *rand.Rand) {
	files, _ := filepath.Glob(filepath.Join(p.home(), "run/*/state.json"))
	if len(files) == 0 {
		return
	}
	document, _ := os.ReadFile(files[random.IntN(len(files))])
	var st struct{ Keeper int }
	if json.Unmarshal(document, &st) != nil || st.Keeper <= 0 {
		return
	}
	// A creator is the keeper, too, for a moment, and has a directory; and the
	// number may be another's.
	if exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", st.Keeper)); exe == "/"+p.ownName() {
		syscall.Kill(st.Keeper, syscall.SIGKILL)
	}
}

// consistent compares what is listed with what there is.
func (p place) consistent(t *testing.T) {
	t.Helper()
	var list []struct{ ID, Name, Status, Bundle string }
	if err := json.Unmarshal([]byte(p.run(t, "ps", "-a", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	held := make(map[string]string)
	links, err := os.ReadDir(filepath.Join(p.home(), "data/names"))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		held[link.Name()], _ = os.Readlink(filepath.Join(p.home(), "data/names", link.Name()))
	}
	for _, sb := range list {
		if held[sb.Name] != sb.ID {
			t.Errorf("the name of %s is held for %q, not for %s", sb.Name, held[sb.Name], sb.ID)
		}
		delete(held, sb.Name)
		if _, err := os.Stat(filepath.Join(sb.Bundle, "config.json")); err != nil {
			t.Error(err)
		}
	}
	for name, id := range held {
		t.Errorf("the name %s is held for %s, which is not listed", name, id)
	}
	bundles, err := os.ReadDir(filepath.Join(p.home(), "data/sandboxes"))
	if err != nil || len(bundles) != len(list) {
		t.Errorf("there are %d bundles of %d sandboxes: %v", len(bundles), len(list), err)
	}
	var trees []struct{ Name string }
	if err := json.Unmarshal([]byte(p.run(t, "rootfs", "ls", "--json")), &trees); err != nil {
		t.Fatal(err)
	}
	p.removeAll()
	for _, tree := range trees {
		if strings.HasPrefix(tree.Name, "tree-") || tree.Name == "stock" {
			p.run(t, "run", "--rm", tree.Name, "true")
			p.run(t, "rootfs", "rm", tree.Name)
		}
	}
	p.run(t, "rootfs", "prune")
}
