package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// links are what a rootfs may hold in the place of a mount point. outside is a
// directory of the host's, and none of them leads to one that matters: a
// defence that fails shall harm nobody.
func links(outside string) map[string]string {
	return map[string]string{
		"absolute": outside, "upwards": strings.Repeat("../", 20) + outside[1:], "to the root": ".", "inside": "tmp",
		"to a file": outside + "/file", "nowhere": outside + "-is-not-here",
	}
}

// TestMountPointsThatAreSymlinks launches root filesystems whose /proc
// (CVE-2019-19921), /dev (CVE-2026-41579) or /sys is a symlink: what is mounted
// and made there would be elsewhere, also on the host. A rootfs is looked at
// before anything is started; that of a bundle only when it is mounted on, so
// each of the two defences is met alone.
func TestMountPointsThatAreSymlinks(t *testing.T) {
	t.Parallel()
	for point, cve := range map[string]string{"proc": "CVE_2019_19921", "dev": "CVE_2026_41579", "sys": "sys"} {
		t.Run(cve, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			outside := p.outside(t)
			filesystem := map[string]string{"proc": "proc", "dev": "tmpfs", "sys": "sysfs"}[point]
			bundle := p.bundleOf(t, func(s *specs.Spec) {
				s.Mounts = []specs.Mount{{Destination: "/" + point, Type: filesystem, Source: filesystem}}
			}, "true")
			for name, target := range links(outside) {
				p.replace(t, point, target)
				for _, flags := range [][]string{nil, {"--writable"}, {"--root-switch", "chroot"}} {
					p.refuses(t, "/"+point+" is a symbolic link", slices.Concat([]string{"run", "--rm"}, flags, []string{p.bb(), "true"})...)
				}
				if t.Failed() {
					t.Fatalf("with %s, a link %s", point, name)
				}
				p.refuses(t, "/"+point+" in the rootfs is or passes through a symlink", "run", "--rm", "--bundle", bundle)
				if t.Failed() {
					t.Fatalf("in a bundle with %s, a link %s", point, name)
				}
			}
			p.untouched(t, outside)
			// The control: a directory is mounted on.
			path := filepath.Join(p.bb(), point)
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
				t.Fatal(err)
			}
			p.run(t, "run", "--rm", "--bundle", bundle)
		})
	}
}

// refuses wants an aquarium command line to be refused, in these words.
func (p place) refuses(t *testing.T, why string, args ...string) {
	t.Helper()
	out, err := p.command(args...).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitError || !strings.Contains(string(out), why) {
		t.Errorf("aquarium %s: %v, %q; want a refusal that says %q", strings.Join(args, " "), err, out, why)
	}
}

// bundleOf is an OCI bundle of the place's rootfs that runs a program in
// namespaces of its own, with what change makes of it.
func (p place) bundleOf(t *testing.T, change func(*specs.Spec), program ...string) string {
	t.Helper()
	config := specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: p.bb()},
		Process: &specs.Process{Cwd: "/", Args: program, Env: []string{"PATH=/bin"}},
		Linux:   &specs.Linux{},
	}
	for _, kind := range []specs.LinuxNamespaceType{specs.PIDNamespace, specs.MountNamespace, specs.UTSNamespace, specs.IPCNamespace, specs.NetworkNamespace} {
		config.Linux.Namespaces = append(config.Linux.Namespaces, specs.LinuxNamespace{Type: kind})
	}
	if os.Geteuid() != 0 {
		config.Linux.Namespaces = append(config.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		config.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: uint32(os.Geteuid()), Size: 1}}
		config.Linux.GIDMappings = []specs.LinuxIDMapping{{HostID: uint32(os.Getegid()), Size: 1}}
	}
	change(&config)
	dir := filepath.Join(p.dir, "bundle")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeSpec(t, filepath.Join(dir, "config.json"), config)
	return dir
}

// TestMountPointsThatBecomeSymlinks swaps a mount point of the rootfs for a
// symlink while sandboxes are launched from it: what was looked at is not what
// is there when it is mounted on.
func TestMountPointsThatBecomeSymlinks(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	attacker := p.attacker(t)
	outside := p.outside(t)
	for _, point := range []string{"proc", "dev"} {
		real, link := filepath.Join(p.bb(), point), filepath.Join(p.dir, "link-"+point)
		if err := os.Symlink(outside, link); err != nil {
			t.Fatal(err)
		}
		swapper := exec.Command(attacker, "swap", real, link)
		if err := swapper.Start(); err != nil {
			t.Fatal(err)
		}
		launched, refused := 0, 0
		for range 30 {
			out, err := p.command("run", "--rm", "--writable", p.bb(), "true").CombinedOutput()
			switch {
			case err == nil:
				launched++
			case strings.Contains(string(out), "aquarium: "):
				refused++
			default:
				t.Errorf("%v: %s", err, out)
			}
		}
		swapper.Process.Kill()
		swapper.Wait()
		t.Logf("/%s: %d launched, %d refused", point, launched, refused)
		if stat, err := os.Lstat(real); err == nil && stat.Mode()&os.ModeSymlink != 0 {
			if err := os.Rename(link, link+".real"); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Rename(real, link), os.Rename(link+".real", real)); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.untouched(t, outside)
}

// TestMountPointsThatAreSymlinksMatter is the control: mount(8) goes where the
// link leads.
func TestMountPointsThatAreSymlinksMatter(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	outside := p.outside(t)
	p.replace(t, "dev", outside)
	c := inNamespaces(`mount -t tmpfs none "$0" && grep -q " $1 " /proc/mounts`, p.bb()+"/dev", outside)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("nothing is mounted on %s: %v %s", outside, err, out)
	}
}

// inNamespaces is a busybox script that may mount.
func inNamespaces(script string, args ...string) *exec.Cmd {
	c := exec.Command("/bin/busybox", append([]string{"sh", "-c", script}, args...)...)
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER, Pdeathsig: syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	return c
}

// outside is a directory of the host's with a file in it.
func (p place) outside(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(p.dir, "outside")
	if err := errors.Join(os.MkdirAll(dir+"/inner", 0o755), os.WriteFile(dir+"/file", []byte("untouched"), 0o644)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// untouched looks whether anything has happened to it.
func (p place) untouched(t *testing.T, outside string) {
	t.Helper()
	entries, err := os.ReadDir(outside)
	content, err2 := os.ReadFile(outside + "/file")
	inner, err3 := os.ReadDir(outside + "/inner")
	if err := errors.Join(err, err2, err3); err != nil || len(entries) != 2 || len(inner) != 0 || string(content) != "untouched" {
		t.Errorf("outside there is %v, %v in inner, %q (%v)", entries, inner, content, err)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), outside) {
		t.Errorf("something is mounted outside (%v)", err)
	}
}

// replace puts a symlink in the place of a directory of the rootfs.
func (p place) replace(t *testing.T, name, target string) {
	t.Helper()
	path := filepath.Join(p.bb(), name)
	if err := errors.Join(os.RemoveAll(path), os.Symlink(target, path)); err != nil {
		t.Fatal(err)
	}
}

// TestCVE_2021_30465 mounts a volume on a path of another volume, in which a
// second sandbox swaps a directory for a symlink that leads outside. The root
// is switched by chroot: then the mount namespace shows where mounts really are.
func TestCVE_2021_30465(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.attacker(t)
	outside := p.outside(t)
	shared, secret := p.swapped(t, outside)
	p.run(t, "run", "-d", "--name", "swapper", "-v", shared+":/shared", p.bb(), "/bin/attacker", "swap", "/shared/dir", "/shared/link")
	var user []string
	if os.Geteuid() != 0 {
		user = []string{"-U"}
	}
	mounted := 0
	for range 40 {
		c := p.command("run", "-d", "--name", "victim", "--root-switch", "chroot", "-v", shared+":/shared", "-v", secret+":/shared/dir/inner", p.bb(), "sleep", "1000")
		if out, err := c.CombinedOutput(); err != nil {
			if !strings.Contains(string(out), "aquarium: launch victim: ") {
				t.Errorf("%v: %s", err, out)
			}
			continue // the launch noticed: that is one way not to be led outside
		}
		enter := append([]string{"enter", "-t", "victim", "-m"}, user...)
		table := p.run(t, append(enter, "/bin/busybox", "cat", "/proc/self/mountinfo")...)
		for line := range strings.Lines(table) {
			fields := strings.Fields(line)
			if root, point := fields[3], fields[4]; strings.HasSuffix(root, "/secret") {
				mounted++
				if !strings.HasPrefix(point, p.home()) {
					t.Errorf("the volume is mounted on %s", point)
				}
			}
		}
		p.run(t, "rm", "-f", "victim")
	}
	if mounted == 0 {
		t.Error("no volume was ever mounted")
	}
	p.untouched(t, outside)
}

// swapped makes a shared directory with "dir", a directory, and "link", which
// leads outside; and a directory to mount.
func (p place) swapped(t *testing.T, outside string) (shared, secret string) {
	t.Helper()
	shared, secret = filepath.Join(p.dir, "shared"), filepath.Join(p.dir, "secret")
	err := errors.Join(os.MkdirAll(shared+"/dir/inner", 0o777), os.Mkdir(secret, 0o755), os.Symlink(outside, shared+"/link"), os.Chmod(shared, 0o777))
	if err != nil {
		t.Fatal(err)
	}
	return shared, secret
}

// TestCVE_2021_30465Works is the control: who looks first, and mounts by path
// then, is led outside.
func TestCVE_2021_30465Works(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	attacker := p.attacker(t)
	outside := p.outside(t)
	shared, secret := p.swapped(t, outside)
	script := `"$0" swap "$1/dir" "$1/link" >/dev/null & trap "kill $!" EXIT
until grep -q " $3/inner " /proc/mounts; do
	[ -L "$1/dir" ] || mount --bind "$2" "$1/dir/inner" 2>/dev/null
	jobs %1 >/dev/null || exit 1
done`
	if out, err := inNamespaces(script, attacker, shared, secret, outside).CombinedOutput(); err != nil {
		t.Errorf("nothing was mounted outside: %v %s", err, out)
	}
}
