package pack

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/inside"
	"aquarium/rootfs/stack"
	"aquarium/rootfs/unpack"
)

// world is a directory with a file of every kind that an ordinary user can make.
func world(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(in("d"), 0o755), os.WriteFile(in("d/file"), []byte("content"), 0o640), unix.Chmod(in("d/file"), 0o4750),
		os.Link(in("d/file"), in("d/hard")), os.Symlink("/etc/passwd", in("link")), unix.Mkfifo(in("fifo"), 0o600),
		unix.Mknod(in("socket"), unix.S_IFSOCK|0o600, 0), unix.Mknod(in("gone"), unix.S_IFCHR, 0), os.WriteFile(in("\xff\x1b"), nil, 0o644),
		unix.Setxattr(in("d"), "user.overlay.opaque", []byte("y"), 0), unix.Setxattr(in("d/file"), "user.colour", []byte("blue"), 0),
		unix.Setxattr(in("\xff\x1b"), unpack.OwnerXattr, []byte("12:34"), 0))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func packed(t *testing.T, dir string) []byte {
	t.Helper()
	tree, err := inside.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	var b bytes.Buffer
	w := NewWriter(context.Background(), &b)
	if err := errors.Join(w.Layer(tree), w.Close()); err != nil {
		t.Fatal(err)
	}
	if w.Skipped != 1 {
		t.Errorf("%d files were left out, want the socket", w.Skipped)
	}
	return b.Bytes()
}

func TestLayer(t *testing.T) {
	t.Parallel()
	data := packed(t, world(t))
	var got []string
	for archive := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(fmt.Sprintf("%c %q %o %d:%d %s%s", h.Typeflag, h.Name, h.Mode, h.Uid, h.Gid, h.Linkname, h.PAXRecords["SCHILY.xattr.user.colour"])))
	}
	want := []string{
		`5 "./" 755 0:0`, `5 "d/" 755 0:0`, `0 "d/.wh..wh..opq" 644 0:0`, `0 "d/file" 4750 0:0 blue`, `1 "d/hard" 4750 0:0 d/file`,
		`6 "fifo" 600 0:0`, `0 ".wh.gone" 644 0:0`, `2 "link" 777 0:0 /etc/passwd`, `0 "\xff\x1b" 644 12:34`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the archive holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What is packed, unpacked and packed again is the same archive.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	data := packed(t, world(t))
	target := t.TempDir()
	if _, err := unpack.Apply(t.Context(), target, bytes.NewReader(data), unpack.Options{Layer: true, Privileged: os.Geteuid() == 0}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mknod(filepath.Join(target, "socket"), unix.S_IFSOCK|0o600, 0); err != nil {
		t.Fatal(err)
	}
	restamp(t, target, data)
	if again := packed(t, target); !bytes.Equal(again, data) {
		t.Error("the archive is another after a round trip")
	}
}

// restamp sets the top directory's time again, which the test itself has changed.
func restamp(t *testing.T, target string, data []byte) {
	t.Helper()
	h, err := tar.NewReader(bytes.NewReader(data)).Next()
	if err == nil {
		err = os.Chtimes(target, h.ModTime, h.ModTime)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(dir string) error{
		"begins with .wh.": func(dir string) error { return os.WriteFile(filepath.Join(dir, ".wh.x"), nil, 0o644) },
		"only a reference": func(dir string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "x"), 0o755), unix.Setxattr(filepath.Join(dir, "x"), "user.overlay.redirect", []byte("y"), 0))
		},
	} {
		dir := t.TempDir()
		if err := prepare(dir); err != nil {
			t.Fatal(err)
		}
		tree, err := inside.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := NewWriter(t.Context(), io.Discard).Layer(tree); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error is %v, want one with %q", err, name)
		}
		tree.Close()
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s, err := stack.Open(world(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := NewWriter(ctx, io.Discard).Tree(s, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
