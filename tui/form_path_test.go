package tui

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFindPath completes paths in a directory of its own.
func TestFindPath(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"images/debian.tar", "images/debian.tar.gz", "only/one.txt", ".hidden/x", "böse\nzeile/x", "bögen/x", "bäume/x"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("images", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", dir)
	t.Chdir(filepath.Join(dir, "only"))
	for typed, want := range map[string]pathFound{
		dir + "/im":                {more: "ages/"},
		dir + "/l":                 {more: "ink/"},
		dir + "/images/":           {more: "debian.tar", names: []string{"debian.tar", "debian.tar.gz"}},
		dir + "/images/debian.tar": {names: []string{"debian.tar", "debian.tar.gz"}},
		dir + "/only/one.txt":      {},
		dir + "/.h":                {more: "idden/"},
		dir + "/b":                 {names: []string{"bäume/", "bögen/"}},
		dir + "/":                  {names: []string{"bäume/", "bögen/", "images/", "link/", "only/"}},
		dir + "/nosuch/x":          {},
		"o":                        {more: "ne.txt"},
		"../im":                    {more: "ages/"},
		"~":                        {more: "/"},
		"~/o":                      {more: "nly/"},
	} {
		if found := findPath(typed); found.more != want.more || !slices.Equal(found.names, want.names) {
			t.Errorf("%q goes on as %q, %q; want %q, %q", typed, found.more, found.names, want.more, want.names)
		}
	}
}

// Tab completes a path, says what there is to choose from, and else goes on to
// the next field, to which what is typed meanwhile then goes.
func TestTabCompletesPaths(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	dir, err := os.MkdirTemp("", "tab")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range []string{"debian.tar", "debugger.tar"} {
		if err := os.WriteFile(filepath.Join(dir, name), tarOf(t, map[string][]byte{"bin/sh": []byte("#!/bin/none\n")}), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	u := h.open(t, 80, 24)
	u.sees("Root filesystems (1)")
	u.types("I" + dir + "/d\t")
	u.sees("▸ Source       "+dir+"/deb", "directory, tar", "Tab complete")
	u.types("\t")
	u.sees("debian.tar  debugger.tar")
	u.types("i\t\tmine")
	u.sees("  Source       "+dir+"/debian.tar", "▸ Name         mine")
	u.types("\r")
	u.sees("mine is made")

	u.types("o" + strings.Repeat("\t", 10) + "/tmp:/x " + dir + "/debi\t")
	u.sees("▸ Volumes      -v            /tmp:/x " + dir + "/debian.tar")
	u.types(":/y")
	u.sees("-v /tmp:/x -v " + dir + "/debian.tar:/y")
	u.types("\x1b")
	u.sees("Root filesystems (2)")

	u.types("R" + dir + "/debu\t")
	u.sees("File: " + dir + "/debugger.tar")
	u.types("\r")
	u.sees("not a trace")
}
