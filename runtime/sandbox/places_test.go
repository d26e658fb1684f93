package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStateDirectoryOfOthers opens stores in directories that another user has
// made ready: whoever owns them could say which processes are a sandbox's.
func TestStateDirectoryOfOthers(t *testing.T) {
	const other = 4242
	for _, at := range []string{"", "data", "run", "data/sandboxes", "data/names"} {
		for how, spoil := range map[string]func(dir string) error{
			"belongs to another user": func(dir string) error { return os.Chown(dir, other, other) },
			"every user may write":    func(dir string) error { return os.Chmod(dir, 0o777) },
		} {
			t.Run(at+" "+how, func(t *testing.T) {
				if os.Geteuid() != 0 && strings.Contains(how, "another user") {
					t.Skip("giving a directory away needs root")
				}
				home := filepath.Join(t.TempDir(), "home")
				t.Setenv("AQUARIUM_HOME", home)
				if err := os.MkdirAll(filepath.Join(home, at), 0o755); err != nil {
					t.Fatal(err)
				}
				if _, err := Open(); err != nil {
					t.Fatalf("before: %v", err)
				}
				if err := spoil(filepath.Join(home, at)); err != nil {
					t.Fatal(err)
				}
				if _, err := Open(); err == nil || !strings.Contains(err.Error(), how) {
					t.Errorf("it is used: %v", err)
				}
			})
		}
	}
}

// TestWhoMayWriteAboveTheStateDirectory: whoever may rename a directory above
// puts one of his own in its place.
func TestWhoMayWriteAboveTheStateDirectory(t *testing.T) {
	const other = 4242
	chmod := func(mode os.FileMode) func(string) error {
		return func(dir string) error { return os.Chmod(dir, mode) }
	}
	give := func(uid, gid int, mode os.FileMode) func(string) error {
		return func(dir string) error { return errors.Join(os.Chown(dir, uid, gid), os.Chmod(dir, mode)) }
	}
	root := os.Geteuid() == 0
	for _, c := range []struct {
		name, at string // the directory that is changed; home is above/home
		change   func(dir string) error
		need     bool // root
		want     string
		hint     string
	}{
		{"above, all write", "above", chmod(0o777), false, "every user may write in DIR", "chmod o-w DIR"},
		{"above, all write, sticky", "above", chmod(0o777 | os.ModeSticky), false, "", ""},
		{"above, another user's", "above", give(other, 0, 0o755), true, "DIR belongs to another user, 4242", "set AQUARIUM_HOME to a directory of yours"},
		{"above, a group writes", "above", give(0, other, 0o775), true, "group 4242 may write in DIR", "chmod g-w DIR"},
		{"above, a group reads", "above", give(0, other, 0o755), true, "", ""},
		{"above, root's group writes", "above", give(0, 0, 0o775), true, "", ""},
		{"itself, a group writes", "above/home", give(0, other, 0o775), true, "group 4242 may write there", "chmod g-w DIR"},
		{"data, a group writes", "above/home/data", give(0, other, 0o770), true, "group 4242 may write there", "chmod g-w DIR"},
		{"of its own group", "above/home", chmod(0o775), false, map[bool]string{true: "group 0 may write there"}[root], "chmod g-w DIR"},
		{"behind a link", "beyond", chmod(0o777), false, "every user may write in DIR", "chmod o-w DIR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.need && !root {
				t.Skip("giving a directory away needs root")
			}
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			home := filepath.Join(dir, "above/home")
			t.Setenv("AQUARIUM_HOME", home)
			if c.at == "beyond" {
				err = errors.Join(os.MkdirAll(filepath.Join(dir, "beyond/home"), 0o755), os.Mkdir(filepath.Join(dir, "above"), 0o755),
					os.Symlink("../beyond/home", home))
			} else {
				err = os.MkdirAll(home, 0o755)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Open(); err != nil {
				t.Fatalf("before: %v", err)
			}
			spoilt := filepath.Join(dir, c.at)
			if err := c.change(spoilt); err != nil {
				t.Fatal(err)
			}
			_, err = Open()
			if c.want == "" {
				if err != nil {
					t.Errorf("it is refused: %v", err)
				}
				return
			}
			var refused *Error
			want, hint := strings.ReplaceAll(c.want, "DIR", spoilt), strings.ReplaceAll(c.hint, "DIR", spoilt)
			if !errors.As(err, &refused) || !strings.HasSuffix(err.Error(), want) || !strings.Contains(refused.Hint(), hint) {
				t.Errorf("%v, want %q with the hint %q", err, want, hint)
			}
		})
	}
}
