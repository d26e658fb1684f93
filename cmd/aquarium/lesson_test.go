package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The lesson that Aquarium grew from, line by line.

// lesson starts a sandbox that stays, and returns its process.
func (p place) lesson(t *testing.T, name string, flags ...string) (pid int) {
	t.Helper()
	p.run(t, append(append([]string{"run", "-d", "--name", name}, flags...), p.bb(), "sleep", "1000")...)
	var list []struct {
		Name string
		PID  int
	}
	if err := json.Unmarshal([]byte(p.run(t, "ps", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, sb := range list {
		if sb.Name == name {
			return sb.PID
		}
	}
	t.Fatalf("%s is not in %+v", name, list)
	return 0
}

func TestLessonFiveNamespaces(t *testing.T) {
	t.Parallel()
	pid := newPlace(t).lesson(t, "five")
	for _, kind := range []string{"uts", "pid", "mnt", "net", "ipc"} {
		host, err := os.Readlink("/proc/self/ns/" + kind)
		inside, err2 := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
		if err != nil || err2 != nil || host == inside {
			t.Errorf("the host's %s namespace is %s, the sandbox's %s (%v, %v)", kind, host, inside, err, err2)
		}
	}
}

func TestLessonHostnameStaysInside(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	before, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	out := p.run(t, "run", "--rm", "--hostname", "reef", "--cap-add", "SYS_ADMIN", p.bb(), "sh", "-c", "hostname; hostname changed; hostname")
	if out != "reef\nchanged\n" {
		t.Errorf("the hostname inside was %q", out)
	}
	if after, err := os.Hostname(); err != nil || after != before {
		t.Errorf("the host's name is %q now, was %q (%v)", after, before, err)
	}
}

func TestLessonTwoTasks(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, command := range []string{"ps", "top -b -n 1"} {
		out := p.run(t, "run", "--rm", p.bb(), "sh", "-c", command+"; true")
		_, table, _ := strings.Cut(out, "PID")
		var pids []string
		for _, line := range strings.Split(table, "\n")[1:] {
			if fields := strings.Fields(line); len(fields) > 0 {
				pids = append(pids, fields[0])
			}
		}
		if len(pids) != 2 || !slices.Contains(pids, "1") || !strings.Contains(out, " sh -c ") {
			t.Errorf("%s shows not just itself and the shell as PID 1:\n%s", command, out)
		}
	}
}

func TestLessonNoNetwork(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	if out := p.run(t, "run", "--rm", p.bb(), "sh", "-c", "ip link | grep -c '^[0-9]'; ping -c 1 -W 60 127.0.0.1 >/dev/null && echo loop"); out != "1\nloop\n" {
		t.Errorf("the interfaces and the loopback: %q", out)
	}
	out, err := p.command("run", "--rm", p.bb(), "ping", "-c", "1", "-W", "1", "192.0.2.1").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Network is unreachable") {
		t.Errorf("ping out of the sandbox: %v\n%s", err, out)
	}
}

// TestLessonEnteringTheMountNamespace is the difference of the two root
// switches: who enters only the mount namespace lands in the host's root after
// chroot, and in the sandbox's after pivot_root.
func TestLessonEnteringTheMountNamespace(t *testing.T) {
	t.Parallel()
	nsenter := needProgram(t, "nsenter")
	p := newPlace(t)
	for root, host := range map[string]bool{"chroot": true, "pivot_root": false} {
		pid := p.lesson(t, root, "--root-switch", root)
		args := []string{"-t", strconv.Itoa(pid), "-m"}
		if os.Geteuid() != 0 {
			args = append(args, "-U", "--preserve-credentials")
		}
		out, err := exec.Command(nsenter, append(args, "ls", "/")...).CombinedOutput()
		if err != nil {
			t.Fatalf("nsenter: %v\n%s", err, out)
		}
		if got := slices.Contains(strings.Fields(string(out)), "usr"); got != host {
			t.Errorf("after %s, the host's root shows: %v, want %v\n%s", root, got, host, out)
		}
		inside := p.run(t, "exec", root, "ls", "/")
		if slices.Contains(strings.Fields(inside), "usr") {
			t.Errorf("after %s, exec sees the host's root:\n%s", root, inside)
		}
		link, err := os.Readlink(fmt.Sprintf("/proc/%d/root", pid))
		if err != nil || (link == "/") == host {
			t.Errorf("after %s, /proc/PID/root is %q (%v)", root, link, err)
		}
	}
}

// TestLessonEscape tries the second chroot in both: it gets out of the first
// and not of the second.
func TestLessonEscape(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	build := exec.Command("go", "build", "-o", filepath.Join(p.bb(), "bin", "escape"), "./testdata/escape")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build escape: %v\n%s", err, out)
	}
	for root, escapes := range map[string]bool{"chroot": true, "pivot_root": false} {
		seen := strings.Fields(p.run(t, "run", "--rm", "--root-switch", root, p.bb(), "escape"))
		if slices.Contains(seen, "usr") != escapes || slices.Contains(seen, "inner") == escapes {
			t.Errorf("after %s, a second chroot leads to %v; escape is %v, want %v", root, seen, !escapes, escapes)
		}
	}
}
