package rootfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSize(t *testing.T) {
	t.Parallel()
	dir := tree(t, workspace(t), map[string]string{"d/file": strings.Repeat("x", 1<<20)})
	before, err := Size(t.Context(), dir)
	if err != nil || before < 1<<20 || before > 2<<20 {
		t.Fatalf("a file of 1 MiB takes %d bytes, %v", before, err)
	}
	if err := errors.Join(os.Link(filepath.Join(dir, "d/file"), filepath.Join(dir, "again")), os.Symlink("/usr", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	if after, err := Size(t.Context(), dir); err != nil || after > before+64<<10 {
		t.Errorf("with a second name and a link it takes %d bytes instead of %d, %v", after, before, err)
	}
	if _, err := Size(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the size of nothing: %v", err)
	}
}
