package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aquarium/runtime/ids"
)

// What an ordinary user lacks is named, with the command that gives it.
func TestSubordinateIDs(t *testing.T) {
	if os.Geteuid() == 0 {
		if f := subordinateIDs(ids.System()); !f.OK {
			t.Errorf("root: %+v", f)
		}
		return
	}
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "subid")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own := file(fmt.Sprintf("%d:3000000000:3\n", os.Getuid()))
	for name, c := range map[string]struct {
		subUID, subGID, detail, knob string
	}{
		"no file":     {"/no/such/file", own, "/no/such/file gives ", "usermod --add-subuids "},
		"no group":    {own, file("other:1:1\n"), " no range", "--add-subgids "},
		"own id":      {file(fmt.Sprintf("%d:%d:10\n", os.Getuid(), os.Getuid()-1)), own, "own id", "usermod "},
		"not granted": {own, own, "newuidmap", "newuidmap(1)"},
	} {
		source := ids.System()
		source.SubUID, source.SubGID = c.subUID, c.subGID
		f := subordinateIDs(source)
		if f.OK || !strings.Contains(f.Detail, c.detail) || !strings.Contains(f.Knob, c.knob) || f.Effect == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
	source := ids.System()
	source.UIDMap = file("0 1000 1\n")
	if f := subordinateIDs(source); f.OK || !strings.Contains(f.Detail, "user namespace") && !strings.Contains(f.Detail, "no range") {
		t.Errorf("in a user namespace: %+v", f)
	}
}
