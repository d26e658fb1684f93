package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// swapping has the attacker exchange two paths while launches goes on, and
// returns how many of its launches went well: each is told by its error and
// output. One that notices may refuse.
func (p place) swapping(t *testing.T, one, other string, launches int, launch func() ([]byte, error), check func(output string)) (launched int) {
	t.Helper()
	swapper := exec.Command(p.attacker(t), "swap", one, other)
	if err := swapper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		swapper.Process.Kill()
		swapper.Wait()
	}()
	for range launches {
		out, err := launch()
		switch {
		case err == nil:
			launched++
			check(string(out))
		case !strings.Contains(string(out), "aquarium: launch "):
			t.Errorf("%v: %s", err, out)
		}
	}
	return launched
}

// TestMasksWhileProcIsSwapped exchanges /proc of a shared rootfs for another
// directory while sandboxes are launched from it. What is to be hidden and
// read-only is so in the filesystem, wherever that ends up: CVE-2019-19921 with
// a directory in the place of the symlink.
func TestMasksWhileProcIsSwapped(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	proc, other := filepath.Join(p.bb(), "proc"), filepath.Join(p.bb(), "procx")
	if err := errors.Join(os.MkdirAll(proc, 0o755), os.MkdirAll(other, 0o755)); err != nil {
		t.Fatal(err)
	}
	// From within the filesystem paths do not change any more.
	const script = `until cd /proc && [ -d ./self ]; do cd /procx && [ -d ./self ] && break; done 2>/dev/null
for file in kcore keys timer_list; do [ ! -e ./$file ] || [ -c ./$file ] || echo "$file is not hidden"; done
for file in core_pattern sysrq; do (: >>./sys/kernel/$file) 2>/dev/null && echo "$file can be written"; done
echo looked`
	for _, flags := range [][]string{nil, {"--userns", "auto"}} {
		launch := func() ([]byte, error) {
			return p.command(slices.Concat([]string{"run", "--rm", "--writable"}, flags, []string{p.bb(), "sh", "-c", script})...).CombinedOutput()
		}
		launched := p.swapping(t, proc, other, 40, launch, func(output string) {
			if output != "looked\n" {
				t.Errorf("with %q: %s", flags, output)
			}
		})
		t.Logf("with %q: %d launched", flags, launched)
	}
}

// TestReadOnlyVolumeWhileItsPointIsSwapped exchanges the directory that a
// read-only volume is mounted on for a symlink to another volume: the one that
// is asked to be read-only is so, wherever it ends up.
func TestReadOnlyVolumeWhileItsPointIsSwapped(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	shared, sealed, open := filepath.Join(p.dir, "shared"), filepath.Join(p.dir, "sealed"), filepath.Join(p.dir, "open")
	for _, dir := range []string{shared + "/x", sealed, open} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/open", shared+"/y"); err != nil {
		t.Fatal(err)
	}
	launch := func() ([]byte, error) {
		return p.command("run", "--rm", "-v", shared+":/mnt", "-v", open+":/open", "-v", sealed+":/mnt/x:ro", p.bb(), "cat", "/proc/self/mountinfo").CombinedOutput()
	}
	launched := p.swapping(t, shared+"/x", shared+"/y", 100, launch, func(output string) {
		found := false
		for line := range strings.Lines(output) {
			fields := strings.Fields(line)
			if !strings.HasSuffix(fields[3], "/sealed") {
				continue
			}
			found = true
			if options := strings.Split(fields[5], ","); !slices.Contains(options, "ro") || !slices.Contains(options, "nodev") {
				t.Errorf("the volume is mounted so: %s", line)
			}
		}
		if !found {
			t.Errorf("the volume is not mounted:\n%s", output)
		}
	})
	if launched == 0 {
		t.Error("nothing was launched")
	}
}
