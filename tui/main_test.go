package tui

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"aquarium/rootfs"
	_ "aquarium/runtime/reexec" // the test binary plays supervisor and init
	"aquarium/runtime/sandbox"
)

func TestMain(m *testing.M) {
	if play := os.Getenv(playVariable); play != "" {
		os.Exit(playUI(play))
	}
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built is the program under test, the real one, built once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// program is the path of the program under test.
func program(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		built.dir, built.err = os.MkdirTemp("", "aquarium-tui-")
		if built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(built.dir, "aquarium"), "aquarium/cmd/aquarium")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("build aquarium: %w\n%s", err, out)
		}
		os.Chmod(built.dir, 0o755)
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "aquarium")
}

// home is a state directory of the test's own. At the end of the test all its
// sandboxes are removed.
type home struct {
	dir   string
	store *sandbox.Store
}

func newHome(t testing.TB, dirs ...string) home {
	t.Helper()
	dir := t.TempDir()
	places := sandbox.Places{Data: filepath.Join(dir, "data"), Run: filepath.Join(dir, "run")}
	for _, dir := range []string{places.Run, filepath.Join(places.Data, "sandboxes"), filepath.Join(places.Data, "names")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h := home{dir, &sandbox.Store{Places: places, Catalogue: rootfs.Open(places.Data, dirs...)}}
	h.store.Catalogue.Hide(places.Run)
	t.Cleanup(func() {
		list, err := h.store.List()
		if err != nil {
			t.Error(err)
		}
		for _, sb := range list {
			if err := sb.Remove(context.Background(), true); err != nil {
				t.Error(err)
			}
		}
	})
	return h
}

// busybox is a root filesystem with nothing but busybox in it.
func busybox(t testing.TB) string {
	t.Helper()
	path := needProgram(t, "busybox")
	root := filepath.Join(t.TempDir(), "bb")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"bin", "proc", "sys", "dev", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "bin/busybox"), content, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, applet := range strings.Fields("sh cat echo sleep tty stty ps ls seq true yes kill printf od") {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// needProgram skips, outside of CI, where a program of the host is missing.
func needProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(name + " is not installed")
		}
		t.Skip(name + " is not installed")
	}
	return path
}
