package inside

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// world is a tree with links of every kind, next to a secret that none of them may reach.
func world(t *testing.T) *Tree {
	t.Helper()
	tree, _ := worldAt(t)
	return tree
}

func worldAt(t *testing.T) (tree *Tree, dir string) {
	t.Helper()
	base := t.TempDir()
	dir = filepath.Join(base, "tree")
	err := errors.Join(os.MkdirAll(filepath.Join(dir, "etc"), 0o755),
		os.WriteFile(filepath.Join(base, "secret"), []byte("secret"), 0o644),
		os.WriteFile(filepath.Join(dir, "etc/name"), []byte("inside"), 0o644),
		os.Symlink("/etc/name", filepath.Join(dir, "absolute")),
		os.Symlink("../../../../etc/name", filepath.Join(dir, "etc/dots")),
		os.Symlink("../secret", filepath.Join(dir, "out")),
		os.Symlink("..", filepath.Join(dir, "up")),
		os.Symlink(filepath.Join(base, "secret"), filepath.Join(dir, "absolute-out")),
		os.Symlink("/proc/self/root/etc/passwd", filepath.Join(dir, "magic")),
		unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	if tree, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree, dir
}

func TestReadFileStaysInside(t *testing.T) {
	t.Parallel()
	tree := world(t)
	for _, path := range []string{"etc/name", "/etc/name", "absolute", "etc/dots", "up/up/etc/name", "../../etc/name"} {
		if data, err := tree.ReadFile(path, 100); err != nil || string(data) != "inside" {
			t.Errorf("%s holds %q, %v", path, data, err)
		}
	}
	for _, path := range []string{"out", "absolute-out", "up/secret", "../secret", "magic"} {
		if data, err := tree.ReadFile(path, 100); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s holds %q, %v", path, data, err)
		}
	}
}

func TestReadFileRefuses(t *testing.T) {
	t.Parallel()
	tree := world(t)
	for path, want := range map[string]error{"fifo": ErrNotRegular, "etc": ErrNotRegular, "none": os.ErrNotExist, "": os.ErrNotExist} {
		if _, err := tree.ReadFile(path, 100); !errors.Is(err, want) {
			t.Errorf("%q: the error is %v, want %v", path, err, want)
		}
	}
	if _, err := tree.ReadFile("etc/name", 5); !errors.Is(err, ErrTooLarge) {
		t.Errorf("six bytes with a limit of five: %v", err)
	}
}

// Whoever owns the tree may exchange a directory for a link out while it is being read.
func TestResolutionUnderChange(t *testing.T) {
	t.Parallel()
	tree, base := worldAt(t)
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				unix.Rename(filepath.Join(base, "etc"), filepath.Join(base, "moved"))
				unix.Symlink("..", filepath.Join(base, "etc"))
				unix.Unlink(filepath.Join(base, "etc"))
				unix.Rename(filepath.Join(base, "moved"), filepath.Join(base, "etc"))
			}
		}
	}()
	for range 5000 {
		if data, err := tree.ReadFile("etc/secret", 100); err == nil {
			t.Fatalf("read %q from outside", data)
		}
	}
	close(stop)
	<-stopped
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	tree := world(t)
	if empty, err := tree.Empty(); empty || err != nil {
		t.Errorf("a full tree: %v, %v", empty, err)
	}
	bare, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	if empty, err := bare.Empty(); !empty || err != nil {
		t.Errorf("an empty tree: %v, %v", empty, err)
	}
}
