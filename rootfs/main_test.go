package rootfs

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// childVariable makes the test binary play a sandbox's init: it holds a [child] as JSON.
const childVariable = "AQUARIUM_ROOTFS_TEST_CHILD"

// child is a script to run in a root that is put together from overlays, in namespaces of its own.
type child struct {
	Overlays []Overlay
	Work     string // upper and work directories go here
	Script   string
}

func TestMain(m *testing.M) {
	for variable, play := range map[string]func(string) error{childVariable: playChild, importVariable: playImport, packVariable: playPack} {
		if value := os.Getenv(variable); value != "" {
			if err := play(value); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(125)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

func playChild(document string) error {
	var c child
	if err := json.Unmarshal([]byte(document), &c); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make / private: %w", err)
	}
	root := filepath.Join(c.Work, "root")
	for i, overlay := range c.Overlays {
		if err := mountOverlay(overlay, filepath.Join(c.Work, fmt.Sprint(i)), root); err != nil {
			return err
		}
	}
	if err := unix.Mount("/dev", filepath.Join(root, "dev"), "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind /dev: %w", err)
	}
	if err := unix.Chroot(root); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return unix.Exec("/bin/sh", []string{"sh", "-euc", c.Script}, []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root", "TERM=xterm"})
}

func mountOverlay(o Overlay, work, root string) error {
	upper, scratch := filepath.Join(work, "upper"), filepath.Join(work, "work")
	for _, dir := range []string{upper, scratch, root} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	escape := strings.NewReplacer(`\`, `\\`, `:`, `\:`, `,`, `\,`).Replace
	var lower []string
	for _, dir := range o.Lower {
		lower = append(lower, escape(dir))
	}
	options := "lowerdir=" + strings.Join(lower, ":") + ",upperdir=" + escape(upper) + ",workdir=" + escape(scratch)
	if os.Getenv("AQUARIUM_ROOTFS_TEST_USERNS") != "" {
		options += ",userxattr"
	}
	if err := unix.Mount("overlay", filepath.Join(root, o.Dest), "overlay", 0, options); err != nil {
		return fmt.Errorf("mount overlay on %s with %s: %w", o.Dest, options, err)
	}
	return nil
}

// runInView runs a shell script in a sandbox-like root, and returns what it said. A script that
// fails, fails the test.
func runInView(t *testing.T, view View, work, script string) string {
	t.Helper()
	document, err := json.Marshal(child{Overlays: view.Overlays, Work: work, Script: script})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childVariable+"="+string(document))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if !isRoot() {
		cmd.Env = append(cmd.Env, "AQUARIUM_ROOTFS_TEST_USERNS=1")
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("script in the view: %v\n%s", err, out)
	}
	return string(out)
}

func isRoot() bool { return os.Geteuid() == 0 }

// needNamespaces skips, outside of CI, where the kernel gives this user no mount namespace.
func needNamespaces(t *testing.T) {
	t.Helper()
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if !isRoot() {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
	}
	if err := cmd.Run(); err != nil {
		skipOrFail(t, "no mount namespace: %v", err)
	}
}

// needProgram skips, outside of CI, where a program of the host is not installed.
func needProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		skipOrFail(t, "%s is not installed", name)
	}
	return path
}

func skipOrFail(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// workspace is a directory on a file system that can hold an overlay's upper directory, removed
// with whatever modes a sandbox left in it.
func workspace(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rootfs-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if entry != nil && entry.IsDir() {
				os.Chmod(path, 0o700)
			}
			return nil
		})
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// tree writes files below dir; a name ending in a slash is a directory, a content that begins with
// "-> " a symbolic link. Everything else is an executable file.
func tree(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			if target, isLink := strings.CutPrefix(content, "-> "); isLink {
				err = os.Symlink(target, path)
			} else if strings.HasSuffix(name, "/") {
				err = os.MkdirAll(path, 0o755)
			} else {
				err = os.WriteFile(path, []byte(content), 0o755)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
