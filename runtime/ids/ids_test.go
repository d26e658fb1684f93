package ids

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aquarium/runtime/userns"
)

// source has files with these texts.
func source(t *testing.T, subUID, subGID string) Source {
	t.Helper()
	dir := t.TempDir()
	s := Source{SubUID: filepath.Join(dir, "subuid"), SubGID: filepath.Join(dir, "subgid"), UIDMap: filepath.Join(dir, "uid_map"), GIDMap: filepath.Join(dir, "gid_map")}
	for file, text := range map[string]string{s.SubUID: subUID, s.SubGID: subGID, s.UIDMap: "0 0 4294967295\n", s.GIDMap: "0 0 4294967295\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// taken is a map that somebody has already.
func taken(uid, gid int) userns.Map {
	return userns.Map{UIDs: []userns.IDMap{{Inside: 0, Outside: uid, Count: Width}}, GIDs: []userns.IDMap{{Inside: 0, Outside: gid, Count: Width}}}
}

func TestFree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		subUID, subGID string
		taken          []userns.Map
		uid, gid       int
		refused        string
	}{
		"first":            {subUID: "aquarium:100000:200000\n", subGID: "aquarium:500000:200000\n", uid: 100000, gid: 500000},
		"next":             {subUID: "aquarium:100000:200000\n", subGID: "aquarium:500000:200000\n", taken: []userns.Map{taken(100000, 0)}, uid: 165536, gid: 500000},
		"overlapping":      {subUID: "aquarium:100000:200000\n", subGID: "aquarium:100000:200000\n", taken: []userns.Map{taken(99999, 165540)}, uid: 165536, gid: 100000},
		"second line":      {subUID: "aquarium:1:10\naquarium:100000:65536\n", subGID: "aquarium:1:65536\n", uid: 100000, gid: 1},
		"podman's":         {subUID: "containers:100000:65536\n", subGID: "containers:100000:65536\n", uid: 100000, gid: 100000},
		"ours before":      {subUID: "containers:1:65536\naquarium:100000:65536\n", subGID: "containers:1:65536\n", uid: 100000, gid: 1},
		"none":             {subUID: "fish:100000:65536\n", subGID: "aquarium:1:65536\n", refused: "neither aquarium nor containers"},
		"no groups":        {subUID: "aquarium:100000:65536\n", subGID: "", refused: "neither aquarium nor containers"},
		"too small":        {subUID: "aquarium:100000:65535\n", subGID: "aquarium:1:65536\n", refused: "no 65536 ids are free"},
		"all taken":        {subUID: "aquarium:100000:65536\n", subGID: "aquarium:1:65536\n", taken: []userns.Map{taken(100000, 1)}, refused: "no 65536 ids are free"},
		"by others' hands": {subUID: "aquarium:4294901760:65535\n", subGID: "aquarium:1:65536\n", refused: "no 65536 ids are free"},
	} {
		m, err := source(t, c.subUID, c.subGID).Free(c.taken)
		if c.refused != "" {
			var missing *Missing
			if !errors.As(err, &missing) || !strings.Contains(missing.What, c.refused) || missing.Knob == "" {
				t.Errorf("%s: %+v, %v", name, m, err)
			}
			continue
		}
		if err != nil || m.UIDs[0] != (userns.IDMap{Inside: 0, Outside: c.uid, Count: Width}) || m.GIDs[0] != (userns.IDMap{Inside: 0, Outside: c.gid, Count: Width}) || !m.Foreign {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// The command that gives a user ids gives none that somebody has.
func TestKnobTakesWhatIsFree(t *testing.T) {
	t.Parallel()
	s := source(t, "fish:100000:65536\nreef:300000:1\n", "fish:165536:65536\n")
	if got, want := s.knob("crab"), "usermod --add-subuids 231072-296607 --add-subgids 231072-296607 crab"; got != want {
		t.Errorf("the knob is %q, want %q", got, want)
	}
}

// Ranges that this user namespace does not have are of no use.
func TestOwnInAUserNamespace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ ownMap, want string }{
		"single":  {"0 1000 1\n", "not there in this user namespace"},
		"partial": {"0 1000 1\n1 100000 65536\n", "not there in this user namespace"},
	} {
		s := source(t, "", "")
		if err := os.WriteFile(s.UIDMap, []byte(c.ownMap), 0o644); err != nil {
			t.Fatal(err)
		}
		text := "crab:100000:65536\n"
		if err := os.WriteFile(s.SubUID, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := s.own(s.SubUID, s.UIDMap, "crab", 77); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A program that could not map anything is told from one that can.
func TestHelper(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if _, err := helper("newuidmap"); err == nil || !strings.Contains(err.Error(), "is not installed") {
		t.Errorf("missing: %v", err)
	}
	program := filepath.Join(dir, "newuidmap")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	path, err := helper("newuidmap")
	if os.Geteuid() == 0 {
		if err != nil || path != program {
			t.Errorf("root's own: %q, %v", path, err)
		}
	} else if err == nil || !strings.Contains(err.Error(), "neither set-user-ID root") {
		t.Errorf("without rights: %v", err)
	}
	t.Setenv("PATH", ".")
	t.Chdir(dir)
	if path, err := helper("newuidmap"); err == nil {
		t.Errorf("%q of the working directory is taken", path)
	}
}
