package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aquarium/runtime/ids"
)

// setAsideForRoot: root is told of the line that --userns auto needs.
func setAsideForRoot(t *testing.T) {
	source := ids.System()
	source.SubUID = filepath.Join(t.TempDir(), "subid")
	source.SubGID = source.SubUID
	if f := subordinateIDs(source); f.OK || !strings.Contains(f.Knob, "aquarium:") || !strings.Contains(f.Effect, "--userns auto") {
		t.Errorf("without: %+v", f)
	}
	if err := os.WriteFile(source.SubUID, []byte("aquarium:1000000000:65536\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if f := subordinateIDs(source); !f.OK || !strings.Contains(f.Detail, "65536 users from 1000000000 on") {
		t.Errorf("with: %+v", f)
	}
}

// Owners can be shifted where tests run, and not on sysfs.
func TestShiftedOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("shifting owners needs root")
	}
	if f := shiftedOwners(t.TempDir()); !f.OK {
		t.Errorf("%+v", f)
	}
	if f := shiftedOwners("/sys"); f.OK || !strings.Contains(f.Detail, "invalid argument") || !strings.Contains(f.Knob, "ext4") || f.Effect == "" {
		t.Errorf("on sysfs: %+v", f)
	}
}

// What an ordinary user lacks is named, with the command that gives it.
func TestSubordinateIDs(t *testing.T) {
	if os.Geteuid() == 0 {
		setAsideForRoot(t)
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
