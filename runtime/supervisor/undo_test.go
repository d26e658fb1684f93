package supervisor

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Nothing is removed of what is called by something that is no id.
func TestNothingIsRemovedByAPath(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	victim := filepath.Join(home, "victim")
	if err := errors.Join(os.Mkdir(victim, 0o700), os.WriteFile(filepath.Join(victim, "file"), nil, 0o600), os.MkdirAll(filepath.Join(home, "data/sandboxes"), 0o700), os.MkdirAll(filepath.Join(home, "run"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"../../victim", "../victim", "", ".", ".."} {
		b := Belongings{ID: id, Run: filepath.Join(home, "run", id), Bundle: filepath.Join(home, "data/sandboxes", id), Names: filepath.Join(home, "data/names")}
		if did, err := b.Erase("web"); err == nil {
			t.Errorf("%q is erased: %v", id, did)
		}
		if did, err := b.Release(); err == nil {
			t.Errorf("%q is released: %v", id, did)
		}
		for _, dir := range []string{victim + "/file", filepath.Join(home, "data/sandboxes"), filepath.Join(home, "run")} {
			if _, err := os.Stat(dir); err != nil {
				t.Errorf("%q: %v", id, err)
			}
		}
	}
}
