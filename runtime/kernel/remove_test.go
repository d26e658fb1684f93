package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFlatten removes directories deeper in each other than a path may be long,
// with others on the way that are closed to their owner, or have names like
// those that it gives, and with links to what is to stay.
func TestFlatten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	top, kept := filepath.Join(dir, "top"), filepath.Join(dir, "kept")
	const depth = 2500 // a path has at most 4095 bytes, and each level takes two
	err := makeDeep(top, depth)
	for _, name := range []string{".aquarium-1", ".aquarium-2/full", "d/closed/inner/deepest", "../kept"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(top, name), 0o755))
	}
	for _, name := range []string{".aquarium-3", "d/file"} {
		err = errors.Join(err, os.WriteFile(filepath.Join(top, name), nil, 0o444))
	}
	for _, name := range []string{"link", "d/link", "d/d/link"} {
		err = errors.Join(err, os.Symlink(kept, filepath.Join(top, name)))
	}
	for _, name := range []string{"d/closed/inner", "d/closed", "d"} {
		err = errors.Join(err, os.Chmod(filepath.Join(top, name), 0))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := flatten(top); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != "kept" {
		t.Errorf("left are %v (%v), want what the links show only", entries, err)
	}
}

// TestRemoveTreeOfOthers removes what is no directory, or closed, or not there.
func TestRemoveTreeOfOthers(t *testing.T) {
	t.Parallel()
	dir, kept := t.TempDir(), t.TempDir()
	for name, make := range map[string]func(path string) error{
		"nothing": func(string) error { return nil },
		"a file":  func(path string) error { return os.WriteFile(path, nil, 0) },
		"a link":  func(path string) error { return os.Symlink(kept, path) },
		"closed": func(path string) error {
			return errors.Join(os.MkdirAll(filepath.Join(path, "inner"), 0o700), os.Chmod(path, 0))
		},
	} {
		path := filepath.Join(dir, name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		if err := RemoveTree(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}

// makeDeep makes directories "d" in each other.
func makeDeep(top string, depth int) error {
	if err := os.Mkdir(top, 0o755); err != nil {
		return err
	}
	at, err := syscall.Open(top, O_PATH|syscall.O_DIRECTORY, 0)
	for range depth {
		if err != nil {
			return err
		}
		if err = syscall.Mkdirat(at, "d", 0o755); err != nil {
			break
		}
		above := at
		at, err = syscall.Openat(above, "d", O_PATH|syscall.O_DIRECTORY, 0)
		syscall.Close(above)
	}
	syscall.Close(at)
	return err
}
