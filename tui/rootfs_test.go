package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aquarium/rootfs"
	"aquarium/runtime/spec"
)

// From nothing to a root filesystem of this machine's busybox, and into it.
func TestCreateAndLaunch(t *testing.T) {
	t.Parallel()
	needProgram(t, "busybox")
	h := newHome(t)
	u := h.open(t, 80, 24)
	u.sees("No sandbox yet", "N  makes one")
	u.types("N\r")
	u.sees("busybox is made: Enter launches it", "▸  busybox")
	u.types("N\x1b[C\x1b[C\x1b[C\t") // the last choice
	u.sees("< empty >", "--from empty")
	u.types("host\r")
	u.sees("! name \"host\": that name is built in")
	u.types("\x15bare\r")
	u.sees("bare is made, but cannot start (it has no shell", "▸! bare")
	u.types("j\r")
	u.sees("/ #")
	u.types("echo $((6*7)) inside\r")
	u.sees("42 inside")
}

// What an archive must not do is refused in place, with nothing left, and
// nothing of it acts on the terminal.
func TestImportOfBadArchives(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	dir, err := os.MkdirTemp("", "bad") // short, so that a sentence with it fits on a line
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	write := func(name string, content []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := tarOf(t, map[string][]byte{"bin/sh": []byte("#!/bin/none\n")})
	u := h.open(t, 80, 24)
	u.sees("Root filesystems (1)")
	u.types("I")
	u.sees("Import", "Source", "Platform")
	for _, c := range []struct {
		path string
		want []string
	}{
		{"", []string{"! import: no source is named", "Way out: "}},
		{filepath.Join(dir, "missing.tar"), []string{"missing.tar", "no such file or directory"}},
		{write("out.tar", tarOf(t, map[string][]byte{"../../\x1b]0;evil\a": []byte("x")})), []string{`\x1b]0;evil\a`}},
		{write("cut.tar", good[:700]), []string{"! import \"", "the archive is cut off"}},
		{write("text.tar", []byte("this is no archive\n")), []string{"! import \"text\": "}},
	} {
		u.types("\x15" + c.path)
		u.sees("▸ Source       "+c.path[:min(len(c.path), 40)], "Enter import")
		u.types("\r")
		u.sees(append(c.want, "Enter import", "Allow large")...)
		if left := h.leftovers(t); len(left) > 0 {
			t.Errorf("%s: left is %v", c.path, left)
		}
	}
	if strings.Contains(string(u.output()), "evil\a") {
		t.Error("a name of an archive has acted on the terminal")
	}
	u.types("\x15" + write("good.tar", good) + "\r")
	u.sees("good is made, but cannot start", "▸! good")
}

// What a sandbox wrote is listed, kept as a root filesystem that runs, and
// thrown away.
func TestCommitAndDiscard(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	if _, err := h.store.Catalogue.Create(t.Context(), "bb", "busybox", rootfs.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	h.launch(t, spec.Options{Name: "work", Rootfs: "bb", TTY: true, Command: []string{"sh", "-c", "echo kept > /new; rm /bin/vi; sleep 100000"}})
	u := h.open(t, 80, 24)
	u.sees("work ● running")
	u.types("\tc")
	u.sees("Changes of this sandbox (3)", "REMOVED /bin/vi", "added   /new", "C commit…", "x discard…")
	u.types("x")
	u.sees("discard the changes of work: it is running", "Way out: s stops it")
	u.types("\r")
	u.seesNo("Way out")
	u.types("C")
	u.sees("Commit work", "$ aquarium rootfs commit work work")
	u.types("bb\r")
	u.sees("the name is taken", "Way out: choose another name")
	u.types("\x15mine\r")
	u.sees("mine is made: Enter launches it", "▸  mine")
	u.types("\r")
	u.sees("/ #", "Sandboxes (2)")
	u.types("cat /new; test -e /bin/vi || echo no $((1+1)) vi\r")
	u.sees("kept", "no 2 vi")

	u.types("\x1dd")
	u.sees("Enter attach")
	sb, err := h.store.Find("work")
	if err != nil {
		t.Fatal(err)
	}
	if err := sb.Stop(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	u.sees("○ work")
	u.types("/work\r")
	u.sees("work ○ stopped")
	u.types("c")
	u.sees("▸4 Files", "added   /new")
	u.types("G\r") // the last change is a file: of a stopped sandbox too there is its content
	u.sees("▸4 Files", "/new", "1 kept")
	u.types("c")
	u.sees("Changes of this sandbox (3)")
	u.types("x")
	u.sees("Discard the changes of work?", "Its record and its output stay")
	u.types("y")
	u.sees("Changes of this sandbox (0)", "it has written nothing")
}

func TestCheckAndRemove(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	c := h.store.Catalogue
	if _, err := c.Create(t.Context(), "bb", "busybox", rootfs.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(t.Context(), "second", "busybox", rootfs.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	h.launch(t, spec.Options{Name: "user", Rootfs: "bb", TTY: true, Command: []string{"sleep", "100000"}})
	plain := busybox(t)
	u := h.open(t, 80, 24, plain)
	u.sees("Root filesystems (4)", "user ● running")
	u.types("jc")
	u.sees("Root filesystem bb", "made from busybox", "on disk ", " in 1 layer", "shared ", "used by   user")
	u.row("/etc/resolv.conf", "is", "missing")
	u.row("1", "other:", "shared")
	u.types("\x1b")
	u.sees("Root filesystems (4)")
	u.types("d")
	u.sees("Remove the root filesystem bb?", "the layers that only it has")
	u.types("y")
	u.sees(`remove "bb": in use by user`, "Way out: remove the sandboxes first: aquarium rm user")
	u.types("\r")
	u.seesNo("Way out")
	u.types("jdy")
	u.sees("second is removed", "Root filesystems (3)")
	u.types("Gd")
	u.sees("it is a directory of")
	u.types("\r")
	u.seesNo("Way out")
	u.types("c")
	u.row("kind", "directory")
	u.row("on", "disk", "MiB") // measured by a walk through it
	u.types("\x1b")
	u.seesNo("on disk")
	u.types("gd")
	u.sees(`remove "host": it is built in`)
	u.types("\r")
	u.seesNo("built in")
	if err := os.Mkdir(filepath.Join(c.DataDir(), "tmp", "layer-killed"), 0o700); err != nil {
		t.Fatal(err)
	}
	u.types("D")
	u.sees("There is no layer that nothing needs; 1 interrupted import is cleared")
	u.types("\tX")
	u.sees("X works in the list of root filesystems: Tab goes there")
}

// TestFormsInASCII looks at forms and progress in a terminal that knows neither
// UTF-8 nor colours.
func TestFormsInASCII(t *testing.T) {
	t.Parallel()
	h, r := newHome(t), newSlowRegistry(t)
	u := startUser(t, 80, 24, append(h.environment(), "LC_ALL=C", "NO_COLOR=1"), program(t))
	u.pulls(r)
	u.sees("###", "...")
	close(r.passes)
	u.sees("tank is made")
	u.types("c")
	u.sees("Root filesystem tank", "in 5 layers", "note: /proc is missing")
	for _, b := range u.output() {
		if b >= 0x80 {
			t.Fatalf("%q was written to a terminal that only knows ASCII", b)
		}
	}
	if found := colours.Find(u.output()); found != nil {
		t.Errorf("colour %q was written in spite of NO_COLOR", found)
	}
}

func TestGoldenForms(t *testing.T) {
	t.Parallel()
	for _, size := range []struct{ cols, rows int }{{80, 24}, {120, 40}} {
		h := populated(t)
		u := h.open(t, size.cols, size.rows)
		u.sees("Root filesystems (3)", "Sandboxes (3)", "listening on port 80", "%")
		u.types("G")
		u.sees("▸  busybox")
		for _, form := range []struct{ key, name, sees string }{
			{"P", "pull", "Pull an image"}, {"I", "import", "Import"}, {"N", "create", "Create"}, {"X", "export", "Export busybox"}, {"U", "push", "Push busybox"},
		} {
			u.types(form.key)
			u.sees(form.sees, "Esc back")
			u.golden("form-" + form.name)
			u.types("\x1b")
			u.seesNo("Esc back")
		}
	}
}

// What cannot be read is said, and never taken for complete.
func TestCheckOfADamagedRootfs(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	dir := filepath.Join(h.store.Data, "rootfs", "damaged")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rootfs.json"), []byte("{\x1b]0;evil\a"), 0o644); err != nil {
		t.Fatal(err)
	}
	u := h.open(t, 80, 24)
	u.sees("! damaged")
	u.types("jc")
	u.sees("Root filesystem damaged", "PROBLEM", "rootfs.json is damaged")
	u.waits("not to see it called complete", func(screen string) bool {
		return strings.Count(screen, "rootfs.json is damaged") > 1 && !strings.Contains(screen, "nothing is missing")
	})
}
