package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCVE_2024_21626 starts sandboxes with a directory of the host's open in
// the process that launches, and asks for every descriptor that might be it as
// the working directory, by name and through a link in the rootfs. From there
// the host's files would be found by "..".
func TestCVE_2024_21626(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	outside := p.outside(t)
	leak := func(args ...string) string {
		t.Helper()
		c := p.command(args...)
		for range 8 { // descriptors 3 to 10 of the command
			dir, err := os.Open(outside)
			if err != nil {
				t.Fatal(err)
			}
			defer dir.Close()
			c.ExtraFiles = append(c.ExtraFiles, dir)
		}
		out, _ := c.CombinedOutput() // most are refused
		return string(out)
	}
	leak("run", "-d", "--name", "x", p.bb(), "sleep", "1000")
	if err := os.Symlink("/proc/self/fd", filepath.Join(p.bb(), "fds")); err != nil {
		t.Fatal(err)
	}
	look := []string{"sh", "-c", "pwd; ls -a . ..; cat ./file ../outside/file ../../file; ls /proc/self/fd"}
	inside := 0
	for number := 3; number < 12; number++ {
		for _, dir := range []string{fmt.Sprintf("/proc/self/fd/%d", number), fmt.Sprintf("/fds/%d", number), fmt.Sprintf("/proc/self/fd/%d/inner", number), fmt.Sprintf("/proc/1/fd/%d", number)} {
			outputs := map[string]string{
				"run":  leak(append([]string{"run", "--rm", "-w", dir, p.bb()}, look...)...),
				"exec": leak(append([]string{"exec", "-w", dir, "x"}, look...)...),
			}
			for what, out := range outputs {
				if strings.Contains(out, "untouched") || strings.Contains(out, "inner\n") {
					t.Errorf("%s -w %s is outside:\n%s", what, dir, out)
				}
				if !strings.HasPrefix(out, "aquarium: ") {
					inside++
				}
			}
		}
	}
	// The control of this test's own question: what it looks for is there.
	if out := leak("run", "--rm", "-v", outside+":/outside", "-w", "/outside", p.bb(), "cat", "./file"); out != "untouched" {
		t.Errorf("in the directory itself: %q", out)
	}
	t.Logf("%d of these were directories inside", inside)
}

// TestDescriptorsOfWhoEnters enters a sandbox's mount namespace, where programs
// are the sandbox's, with a directory of the host's open. The control is a
// program of one's own, which gets it.
func TestDescriptorsOfWhoEnters(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	outside := p.outside(t)
	p.run(t, "run", "-d", "--name", "x", p.bb(), "sleep", "1000")
	enter := func(args ...string) string {
		t.Helper()
		dir, err := os.Open(outside)
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		c := p.command(append([]string{"enter", "-t", "x"}, args...)...)
		c.ExtraFiles = []*os.File{dir}
		out, _ := c.CombinedOutput()
		return string(out)
	}
	for _, flags := range [][]string{{"-a"}, {"-a", "-r"}, {"-U", "-m", "-p"}} {
		if os.Geteuid() == 0 && flags[0] == "-U" {
			flags = flags[1:]
		}
		out := enter(append(flags, "/bin/sh", "-c", "echo inside; cat /proc/self/fd/3/file")...)
		if !strings.HasPrefix(out, "inside\n") || strings.Contains(out, "untouched") {
			t.Errorf("enter %s: %s", strings.Join(flags, " "), out)
		}
	}
	own := []string{"-n", "/bin/busybox", "cat", "/proc/self/fd/3/file"}
	if os.Geteuid() != 0 {
		own = append([]string{"-U"}, own...)
	}
	if out := enter(own...); out != "untouched" {
		t.Errorf("a command of one's own: %q", out)
	}
}
