package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// precious is what fakes of devices lead to. It stands for all of /proc/sys,
// such as core_pattern, but whoever is led to it changes only a name of the
// sandbox's own; see uts_namespaces(7).
const precious = "/proc/sys/kernel/domainname"

// looksHidden prints what hides two files, and whether it can be written.
const looksHidden = `for f in /proc/timer_list /proc/keys; do stat -c "%n %t:%T" $f; done
cat /proc/keys; echo x >/proc/keys; cat ` + precious

// TestCVE_2025_31133 puts a link in the place of /dev/null, which hides paths:
// what was to be hidden would show, or something else could be written. (That
// it is looked at which device the host's is, package step tests.)
func TestCVE_2025_31133(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.linkDevices(t, filepath.Join(p.bb(), "dev"), "null", "console", "ptmx", "pts", "tty", "zero")
	hidden := "/proc/timer_list 1:3\n/proc/keys 1:3\n" + domainName(t)
	out := p.run(t, "run", "--rm", p.bb(), "sh", "-c", `stat -c "%n %t:%T" /dev/null; echo x >/dev/null; `+looksHidden)
	if want := "/dev/null 1:3\n" + hidden; out != want {
		t.Errorf("it printed %q, want %q", out, want)
	}
	// With no /dev of its own a sandbox has that of the rootfs, links and all.
	bundle := p.bundleOf(t, func(s *specs.Spec) {
		s.Mounts = []specs.Mount{{Destination: "/proc", Type: "proc", Source: "proc"}}
		s.Linux.MaskedPaths = []string{"/proc/timer_list", "/proc/keys"}
	}, "sh", "-c", looksHidden)
	if out := p.run(t, "run", "--rm", "--bundle", bundle); out != hidden {
		t.Errorf("in a bundle it printed %q, want %q", out, hidden)
	}
	// The control: what the link leads to is there, and root could write it: of
	// what a UTS namespace has, /proc/sys lets nobody else.
	control, want := "cat /dev/null", domainName(t)
	if os.Geteuid() == 0 {
		control, want = "echo written >/dev/null; cat "+precious, "written\n"
	}
	bundle = p.bundleOf(t, func(s *specs.Spec) {
		s.Mounts = []specs.Mount{{Destination: "/proc", Type: "proc", Source: "proc"}}
	}, "sh", "-c", control)
	if out := p.run(t, "run", "--rm", "--bundle", bundle); out != want {
		t.Errorf("the link leads nowhere: %q, want %q", out, want)
	}
}

// TestCVE_2025_52565 puts links in the place of /dev/console, on which the
// terminal is mounted, and of what terminals come from; also in a volume on
// /dev, or on /dev/pts, which is mounted after ours.
func TestCVE_2025_52565(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.linkDevices(t, filepath.Join(p.bb(), "dev"), "null", "console", "ptmx", "pts", "tty", "zero")
	before := domainName(t)
	out := p.run(t, "run", "--rm", "-t", p.bb(), "sh", "-c", "stat -c %t /dev/console; tty; grep -c "+precious+" /proc/self/mountinfo; cat "+precious)
	const unix98 = "88" // 136 in hexadecimal, the major number of pts(4)
	if want := unix98 + "\n/dev/pts/0\n0\n" + before; strings.ReplaceAll(out, "\r", "") != want {
		t.Errorf("it printed %q, want %q", out, want)
	}
	// With no /dev of its own a sandbox has that of the rootfs, links and all.
	bundle := p.bundleOf(t, func(s *specs.Spec) {
		s.Process.Terminal = true
		s.Mounts = []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"newinstance", "ptmxmode=0666"}},
		}
	}, "sh", "-c", "stat -c %t /dev/console")
	dev := filepath.Join(p.bb(), "dev")
	for _, name := range []string{"console", "pts", "none"} {
		if err := os.RemoveAll(dev); err != nil {
			t.Fatal(err)
		}
		if p.linkDevices(t, dev, name); name != "none" {
			p.refuses(t, "/dev/"+name+" in the rootfs is or passes through a symlink", "run", "--rm", "--bundle", bundle)
		} else if out := strings.TrimSpace(p.run(t, "run", "--rm", "--bundle", bundle)); out != unix98 { // the control
			t.Errorf("without such links it printed %q, want %q", out, unix98)
		}
	}
	// Terminals of somebody else's. Were one opened, that would not be what is
	// mounted: not by its name, which is a link here, but by its descriptor.
	terminals := filepath.Join(p.dir, "terminals")
	p.linkDevices(t, terminals, "0", "1")
	if err := os.Symlink("/dev/ptmx", filepath.Join(terminals, "ptmx")); err != nil {
		t.Fatal(err)
	}
	p.refuses(t, "/dev/pts/ptmx", "run", "--rm", "-t", "-v", terminals+":/dev/pts", p.bb(), "true")
	if after := domainName(t); after != before {
		t.Errorf("%s is %q, was %q", precious, after, before)
	}
}

// linkDevices has a directory for /dev, or one in it, hold links to what must
// not be mounted over, nor shown.
func (p place) linkDevices(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Symlink(precious, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func domainName(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(precious)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestCVE_2025_52881 has the rootfs bring a /proc of its own along, of plain
// files: what Aquarium writes about a process, or for a bundle's sysctls, must
// reach the kernel, not them. (That a mount over /proc is noticed too, package
// kernel tests.)
func TestCVE_2025_52881(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	const forward = "sys/net/ipv4/ip_forward"
	fakes := []string{"self/oom_score_adj", "self/uid_map", "self/gid_map", "self/setgroups", "self/attr/exec", "self/attr/current", forward}
	for _, pid := range []string{"1", "2", "3"} {
		fakes = append(fakes, pid+"/oom_score_adj", pid+"/uid_map")
	}
	for _, name := range fakes {
		path := filepath.Join(p.bb(), "proc", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte("fake"), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, "run", "-d", "--name", "x", "--no-proc", "--writable", p.bb(), "sleep", "1000")
	p.run(t, "exec", "x", "true")
	bundle := p.bundleOf(t, func(s *specs.Spec) {
		s.Linux.Sysctl = map[string]string{strings.ReplaceAll(strings.TrimPrefix(forward, "sys/"), "/", "."): "1"}
	}, "sleep", "1000")
	p.run(t, "run", "-d", "--name", "y", "--bundle", bundle)
	p.run(t, "exec", "y", "true")
	for _, name := range fakes {
		if content, err := os.ReadFile(filepath.Join(p.bb(), "proc", name)); err != nil || string(content) != "fake" {
			t.Errorf("the fake /proc/%s holds %q, %v", name, content, err)
		}
	}
	if score, err := os.ReadFile("/proc/" + p.pidOf(t, "x") + "/oom_score_adj"); err != nil || string(score) == "0\n" {
		t.Errorf("the program's oom score is %q, %v", score, err)
	}
	enter := []string{"enter", "-t", "y", "-n", "/bin/busybox", "cat", "/proc/" + forward}
	if os.Geteuid() != 0 {
		enter = append([]string{"enter", "-U"}, enter[1:]...)
	}
	if set := p.run(t, enter...); set != "1\n" {
		t.Errorf("the sysctl is %q", set)
	}
}
