package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"aquarium/rootfs"
)

// small is a catalogue with a root filesystem that fits into a pipe.
func small(t *testing.T) (*rootfs.Catalogue, rootfs.Rootfs) {
	t.Helper()
	c := newStore(t)
	return c, mustImport(t, c, "one", writeLayout(t, sample(t, thisMachine())), Options{})
}

func wantArchive(t *testing.T, what string, content []byte, err error) {
	t.Helper()
	if err != nil || !bytes.Contains(content, []byte("bin/sh")) {
		t.Errorf("%s: there are %d bytes that are no archive (%v)", what, len(content), err)
	}
}

func TestExportFollowsLinks(t *testing.T) {
	t.Parallel()
	c, r := small(t)
	for _, exists := range []bool{true, false} {
		dir := t.TempDir()
		real, link, further := filepath.Join(dir, "real.tar"), filepath.Join(dir, "l"), filepath.Join(dir, "m")
		err := errors.Join(os.Symlink("real.tar", link), os.Symlink(link, further), os.WriteFile(link+".partial", []byte("mine"), 0o644))
		if exists {
			err = errors.Join(err, os.WriteFile(real, []byte("before"), 0o600), os.Chmod(real, 0o600))
		}
		if err == nil {
			err = ExportFile(t.Context(), c, r, Tar, "", further, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(real)
		wantArchive(t, "where the link leads to", content, err)
		if to, err := os.Readlink(link); err != nil || to != "real.tar" {
			t.Errorf("the link leads to %q (%v)", to, err)
		}
		if mine, err := os.ReadFile(link + ".partial"); err != nil || string(mine) != "mine" {
			t.Errorf("the user's own file holds %q (%v)", mine, err)
		}
		if info, err := os.Stat(real); err != nil {
			t.Error(err)
		} else if exists && info.Mode().Perm() != 0o600 {
			t.Errorf("the archive is %v now", info.Mode())
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 4 { // real.tar, l, l.partial, m
			t.Errorf("there are %v (%v)", entries, err)
		}
	}
}

// Where everybody may write, somebody may have put a link or a FIFO: nothing is written through that.
// Nor does an archive become as readable as somebody's file was.
func TestExportFollowsNobodysLink(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("something of another owner needs root")
	}
	c, r := small(t)
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	const somebody = 12345
	for what, put := range map[string]func(path string) error{
		"link": func(path string) error { return os.Symlink(victim, path) },
		"FIFO": func(path string) error { return unix.Mkfifo(path, 0o666) },
		"file": func(path string) error { return os.WriteFile(path, nil, 0o666) },
	} {
		shared := filepath.Join(t.TempDir(), "shared")
		path := filepath.Join(shared, "one.tar")
		err := errors.Join(os.Mkdir(shared, 0o700), os.Chmod(shared, 0o777|os.ModeSticky), put(path), os.Lchown(path, somebody, somebody))
		if err != nil {
			t.Fatal(err)
		}
		err = ExportFile(t.Context(), c, r, Tar, "", path, nil)
		if err == nil || !strings.Contains(err.Error(), "somebody else's") {
			t.Errorf("%s: the error is %v", what, err)
		}
		if entries, err := os.ReadDir(shared); err != nil || len(entries) != 1 {
			t.Errorf("%s: there are %v (%v)", what, entries, err)
		}
	}
	if content, err := os.ReadFile(victim); err != nil || string(content) != "untouched" {
		t.Errorf("what the link led to holds %q now (%v)", content, err)
	}
}

func TestExportToDevice(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("a device node needs root")
	}
	c, r := small(t)
	dir := t.TempDir()
	null, link := filepath.Join(dir, "nul"), filepath.Join(dir, "l")
	if err := errors.Join(unix.Mknod(null, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))), os.Symlink("nul", link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{null, link} {
		if err := ExportFile(t.Context(), c, r, OCIArchive, "", path, nil); err != nil && !errors.Is(err, unix.EACCES) { // nodev
			t.Error(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Type() != os.ModeDevice|os.ModeCharDevice {
			t.Errorf("%s is %v now (%v)", path, info, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("there are %v (%v)", entries, err)
	}
}

func TestExportToFIFO(t *testing.T) {
	t.Parallel()
	c, r := small(t)
	path := filepath.Join(t.TempDir(), "ff")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan []byte)
	go func() {
		content, _ := os.ReadFile(path)
		read <- content
	}()
	if err := ExportFile(t.Context(), c, r, Tar, "", path, nil); err != nil {
		t.Fatal(err)
	}
	wantArchive(t, "FIFO", <-read, nil)
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		t.Fatalf("the FIFO is %v now (%v)", info, err)
	}
	stalls, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err == nil {
		defer stalls.Close()
		_, err = unix.FcntlInt(stalls.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize())
	}
	if err != nil {
		t.Fatal(err)
	}
	wantTimeout(t, c, r, path)
}

func TestExportToUnreadFIFO(t *testing.T) {
	t.Parallel()
	c, r := small(t)
	path := filepath.Join(t.TempDir(), "ff")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	wantTimeout(t, c, r, path)
	if f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0); err == nil {
		f.Close() // lets go of the writer that was left behind
	}
}

func wantTimeout(t *testing.T, c *rootfs.Catalogue, r rootfs.Rootfs, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := ExportFile(ctx, c, r, Tar, "", path, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

// /dev/fd/N is what this process has open, whatever it is; what is in it already stays.
func TestExportToDescriptor(t *testing.T) {
	t.Parallel()
	c, r := small(t)
	dir := t.TempDir()
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.WriteString("before\n"); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "l")
	if err := os.Symlink(fmt.Sprintf("/proc/self/fd/%d", log.Fd()), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fmt.Sprintf("/dev/fd/%d", log.Fd()), link} {
		if err := ExportFile(t.Context(), c, r, Tar, "", path, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := log.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(log)
	wantArchive(t, "descriptor", content, err)
	if !bytes.HasPrefix(content, []byte("before\n")) || bytes.Count(content, []byte("bin/sh\x00")) != 2 {
		t.Errorf("the file begins with %.20q and holds %d archives", content, bytes.Count(content, []byte("bin/sh\x00")))
	}
}

func TestExportRefusesDirectory(t *testing.T) {
	t.Parallel()
	c, r := small(t)
	dir := t.TempDir()
	for _, path := range []string{dir, dir + "/", filepath.Join(dir, "new") + "/"} {
		err := ExportFile(t.Context(), c, r, Tar, "", path, nil)
		if err == nil || !strings.HasSuffix(err.Error(), "it is a directory") {
			t.Errorf("%s: the error is %v", path, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("there are %v (%v)", entries, err)
	}
}
