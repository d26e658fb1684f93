package sandbox

import (
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
