package rootfs

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/elfcheck"
	"aquarium/runtime/kernel"
)

// Create makes a root filesystem out of nothing but this machine:
//
//	empty              the usual directories
//	busybox            the machine's static busybox, with a link for each of its programs
//	host               a copy of what `host` shows
//	debootstrap:SUITE  a minimal Debian or Ubuntu, by the machine's debootstrap; needs root
func (c *Catalogue) Create(ctx context.Context, name, from string, o ImportOptions) (Rootfs, error) {
	if err := c.CheckFree(name); err != nil {
		return Rootfs{}, err
	}
	o.Source = orElse(o.Source, from)
	suite, isDebian := strings.CutPrefix(from, "debootstrap:")
	switch {
	case from == "empty":
		return c.createFrom(ctx, name, minimalEntries(), o)
	case from == "busybox":
		entries, err := busyboxEntries(ctx)
		if err != nil {
			return Rootfs{}, err
		}
		return c.createFrom(ctx, name, entries, o)
	case from == "host":
		view, err := c.hostView(os.Geteuid() == 0)
		if err != nil {
			return Rootfs{}, err
		}
		return c.importTrees(ctx, name, view.Overlays, o)
	case isDebian:
		return c.debootstrap(ctx, name, suite, o)
	}
	return Rootfs{}, fail("create", quote(name), errText("from %s is not known", quote(from))).
		withHint("known are busybox, debootstrap:SUITE, host and empty")
}

// newEntry is one file of a root filesystem that is made here.
type newEntry struct {
	path    string
	kind    byte // of archive/tar
	mode    int64
	target  string
	content []byte
}

func (c *Catalogue) createFrom(ctx context.Context, name string, entries []newEntry, o ImportOptions) (Rootfs, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, e := range entries {
		// A fixed time makes the same input give the same layer.
		header := &tar.Header{Name: e.path, Typeflag: e.kind, Mode: e.mode, Linkname: e.target, Size: int64(len(e.content)), ModTime: time.Unix(0, 0)}
		if err := w.WriteHeader(header); err != nil {
			return Rootfs{}, fail("create", quote(name), err)
		}
		if _, err := w.Write(e.content); err != nil {
			return Rootfs{}, fail("create", quote(name), err)
		}
	}
	if err := w.Close(); err != nil {
		return Rootfs{}, fail("create", quote(name), err)
	}
	return c.ImportArchive(ctx, name, &archive, int64(archive.Len()), o)
}

// minimalEntries are the directories that launching and most programs count on.
func minimalEntries() []newEntry {
	var entries []newEntry
	for _, dir := range []string{"bin", "dev", "etc", "home", "lib", "mnt", "opt", "proc", "run", "sbin", "sys", "usr", "usr/bin", "usr/lib", "usr/sbin", "var", "var/log"} {
		entries = append(entries, newEntry{path: dir + "/", kind: tar.TypeDir, mode: 0o755})
	}
	return append(entries,
		newEntry{path: "root/", kind: tar.TypeDir, mode: 0o700},
		newEntry{path: "tmp/", kind: tar.TypeDir, mode: 0o1777},
		newEntry{path: "var/tmp/", kind: tar.TypeDir, mode: 0o1777},
		newEntry{path: "etc/passwd", kind: tar.TypeReg, mode: 0o644, content: []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")},
		newEntry{path: "etc/group", kind: tar.TypeReg, mode: 0o644, content: []byte("root:x:0:\ntty:x:5:\nnogroup:x:65534:\n")},
	)
}

// busyboxEntries takes this machine's own busybox. It is the machine's program, of the machine's
// PATH, that is asked for its list; nothing of an imported tree is run.
func busyboxEntries(ctx context.Context) ([]newEntry, error) {
	const hint = "install it, for instance: apt-get install busybox-static"
	program, err := exec.LookPath("busybox")
	if err != nil {
		return nil, fail("create from", "busybox", errors.New("busybox is not installed")).withHint(hint)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, fail("create from", "busybox", err)
	}
	if file, err := elfcheck.Read(bytes.NewReader(content)); err != nil || file.Interpreter != "" {
		return nil, fail("create from", "busybox", errText("%s is not statically linked", program)).withHint(hint)
	}
	list, err := exec.CommandContext(ctx, program, "--list-full").Output()
	if err != nil {
		return nil, fail("list the programs of", program, err)
	}
	entries := append(minimalEntries(), newEntry{path: "bin/busybox", kind: tar.TypeReg, mode: 0o755, content: content})
	for applet := range strings.FieldsSeq(string(list)) {
		if applet = strings.TrimPrefix(path.Clean("/"+applet), "/"); applet == "bin/busybox" || !slices.Contains(busyboxDirs, path.Dir(applet)) {
			continue
		}
		entries = append(entries, newEntry{path: applet, kind: tar.TypeSymlink, target: "/bin/busybox"})
	}
	return entries, nil
}

var busyboxDirs = []string{"bin", "sbin", "usr/bin", "usr/sbin"}

// isSuite reports whether s can be the name of a distribution's release, and no option or path.
func isSuite(s string) bool {
	const letters, rest = "abcdefghijklmnopqrstuvwxyz", "0123456789.-"
	return s != "" && len(s) <= 40 && strings.ContainsRune(letters, rune(s[0])) && strings.Trim(s, letters+rest) == ""
}

// findProgram looks on PATH, and where programs for administrators are.
func findProgram(name string) (string, error) {
	for _, at := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(at); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

func (c *Catalogue) debootstrap(ctx context.Context, name, suite string, o ImportOptions) (Rootfs, error) {
	if !isSuite(suite) {
		return Rootfs{}, fail("create", quote(name), errText("%s is no suite, such as bookworm", quote(suite)))
	}
	if os.Geteuid() != 0 {
		return Rootfs{}, fail("create", quote(name), errors.New("debootstrap needs root")).
			withHint("run this with sudo, or pull an image: aquarium rootfs pull debian")
	}
	program, err := findProgram("debootstrap")
	if err != nil {
		return Rootfs{}, fail("create", quote(name), errors.New("debootstrap is not installed")).
			withHint("install it, for instance: apt-get install debootstrap")
	}
	return c.Build(name, func() (Document, error) {
		layer, err := c.debootstrapLayer(ctx, name, program, suite, o)
		return Document{Layers: []string{layer.Digest}, Defaults: o.Defaults, Source: o.Source}, err
	})
}

func (c *Catalogue) debootstrapLayer(ctx context.Context, name, program, suite string, o ImportOptions) (Layer, error) {
	work, err := c.workDir("debootstrap")
	if err != nil {
		return Layer{}, err
	}
	defer work.discard()
	tree := filepath.Join(work.path, "tree")
	if err := makeDir(tree, 0o755); err != nil {
		return Layer{}, fail("create", quote(name), err)
	}
	if err := runDebootstrap(ctx, o.Progress, program, "--variant=minbase", suite, tree); err != nil {
		return Layer{}, &Error{Verb: "create", Object: quote(name), Cause: err}
	}
	layer, err := c.adoptLayer(ctx, work.path)
	if err != nil {
		return Layer{}, importError(name, err)
	}
	return layer, nil
}

// runDebootstrap runs the program and passes on what it says. It runs in a mount namespace of its
// own, so that what it mounts is gone with it, however it ends.
func runDebootstrap(ctx context.Context, report func(Progress), program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	pidfd := -1
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &pidfd}
	cmd.Cancel = func() error { return kernel.KillGroup(pidfd, cmd.Process.Pid) }
	defer func() { unix.Close(pidfd) }()
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	output, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	last := make(chan string)
	go func() {
		var line string
		for lines := bufio.NewScanner(output); lines.Scan(); {
			if line = Visible(strings.TrimPrefix(lines.Text(), "I: ")); report != nil {
				report(Progress{Stage: line})
			}
		}
		io.Copy(io.Discard, output) // a line too long for the scanner must not stop the program
		last <- line
	}()
	err := cmd.Run()
	writer.Close()
	line := <-last
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return errText("%s: %s (%w)", filepath.Base(program), line, err)
	}
	return nil
}
