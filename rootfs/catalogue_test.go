package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// busyboxTree is a root filesystem of one static program with two names.
func busyboxTree(t testing.TB, dir string) string {
	t.Helper()
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		if t, ok := t.(*testing.T); ok {
			skipOrFail(t, "busybox-static is not installed: %v", err)
		}
		t.Fatal(err)
	}
	err = errors.Join(os.MkdirAll(filepath.Join(dir, "bin"), 0o755),
		os.WriteFile(filepath.Join(dir, "bin/busybox"), busybox, 0o755),
		os.Symlink("/bin/busybox", filepath.Join(dir, "bin/sh")))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestListHasEverythingSorted(t *testing.T) {
	t.Parallel()
	base := workspace(t)
	data := filepath.Join(base, "data")
	busyboxTree(t, filepath.Join(data, "rootfs/zebra"))
	busyboxTree(t, filepath.Join(data, "rootfs/alpha"))
	tree(t, filepath.Join(data, "rootfs"), map[string]string{
		"empty/": "", "bad\x1b[31mname/bin/": "", "a-file": "not a rootfs", "alpha2": "-> alpha", "dangling": "-> nowhere",
	})
	listed := busyboxTree(t, filepath.Join(base, "listed"))
	list, err := Open(data, listed, listed+"/", filepath.Join(base, "missing"), "", "/").List()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, r := range list {
		got = append(got, fmt.Sprintf("%s %s %q", r.Kind, Visible(strings.TrimPrefix(r.Name, base)), strings.ReplaceAll(r.Problem, base, "")))
	}
	want := []string{
		`host host ""`, `stored alpha ""`, `stored alpha2 ""`,
		`stored bad\x1b[31mname "its name \"bad\\x1b[31mname\": only letters, digits, _ . and - are allowed"`,
		`stored dangling "there is no such directory"`, `stored empty "the directory is empty"`, `stored zebra ""`,
		`directory /listed ""`, `directory /missing "there is no such directory"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestListOfNothing(t *testing.T) {
	t.Parallel()
	list, err := Open(filepath.Join(workspace(t), "never-made")).List()
	if err != nil || len(list) != 1 || list[0].Name != HostName {
		t.Errorf("an empty machine lists %+v, %v; want host alone", list, err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	base := workspace(t)
	data := filepath.Join(base, "data")
	busyboxTree(t, filepath.Join(data, "rootfs/box"))
	dir := busyboxTree(t, filepath.Join(base, "dir"))
	archive := filepath.Join(base, "archive.tar")
	if err := os.WriteFile(archive, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		ref        string
		name, err  string
		wantHint   bool
		wantsTrees Kind
	}{
		{ref: "host", name: "host", wantsTrees: Host},
		{ref: "/", name: "host", wantsTrees: Host},
		{ref: "//", name: "host", wantsTrees: Host},
		{ref: "box", name: "box", wantsTrees: Stored},
		{ref: dir, name: dir, wantsTrees: Directory},
		{ref: dir + "/../dir/", name: dir, wantsTrees: Directory},
		{ref: "nothing", err: `find rootfs "nothing": no such root filesystem`, wantHint: true},
		{ref: base + "/missing", err: `open rootfs "` + base + `/missing": no such file or directory`},
		{ref: archive, err: `open rootfs "` + archive + `": not a directory`, wantHint: true},
		{ref: "", err: `find rootfs "": the name is empty`},
		{ref: "a\x00b", err: `find rootfs "a\x00b": a NUL byte is in it`},
		{ref: "/a\x00b", err: `find rootfs "/a\x00b": a NUL byte is in it`},
		{ref: "\x1b]0;title\a", err: `name "\x1b]0;title\x07": must begin with a letter or a digit`},
		{ref: strings.Repeat("x", 4096), err: `name "` + strings.Repeat("x", 80) + `…": longer than 63 bytes`},
	}
	c := Open(data)
	for _, test := range tests {
		r, err := c.Find(test.ref)
		if test.err == "" {
			if err != nil || r.Name != test.name || r.Kind != test.wantsTrees || r.Problem != "" {
				t.Errorf("Find(%.80q) is %+v, %v; want %s %s", test.ref, r, err, test.wantsTrees, test.name)
			}
			continue
		}
		if err == nil || err.Error() != test.err {
			t.Errorf("Find(%.80q) says %v, want %s", test.ref, err, test.err)
		}
		var hinted interface{ Hint() string }
		if hint := errors.As(err, &hinted) && hinted.Hint() != ""; hint != test.wantHint {
			t.Errorf("Find(%.80q): has a hint: %v, want %v", test.ref, hint, test.wantHint)
		}
	}
}

func TestViewOfDirectory(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	base := workspace(t)
	dir := busyboxTree(t, filepath.Join(base, "a dir, with: odd\\name"))
	for _, name := range []string{"dev", "proc", "sys"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := Open(filepath.Join(base, "data"))
	r, err := c.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	view, err := c.View(r, isRoot())
	if err != nil {
		t.Fatal(err)
	}
	out := runInView(t, view, filepath.Join(base, "work"), `/bin/busybox echo hello > /made; /bin/busybox cat /made`)
	if out != "hello\n" {
		t.Errorf("the script said %q", out)
	}
	if _, err := os.Lstat(filepath.Join(dir, "made")); err == nil {
		t.Error("the sandbox wrote into the root filesystem itself")
	}
}

func TestViewRefusesProblems(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	for _, test := range []struct{ name, link, problem, refusal string }{
		{"shell-less", "link", "it has no shell", ""}, // fine for a launch that names its program
		{"linked", "dev", "/dev is a symbolic link", "/dev is a symbolic link"},
	} {
		r, err := c.Find(tree(t, filepath.Join(workspace(t), test.name), map[string]string{"bin/": "", test.link: "-> /nowhere"}))
		if err != nil || !strings.Contains(r.Problem, test.problem) || r.NeedsCommand != (test.refusal == "") {
			t.Errorf("%s: it is %+v, %v", test.name, r, err)
		}
		if _, err := c.View(r, true); (err != nil) != (test.refusal != "") || err != nil && !strings.Contains(err.Error(), test.refusal) {
			t.Errorf("%s: View says %v, want %q", test.name, err, test.refusal)
		}
	}
}

func TestViewNamesTheMountBelow(t *testing.T) {
	t.Parallel()
	err := checkMountsBelow([]string{"/"})
	if err == nil || !strings.Contains(err.Error(), "is mounted inside it") {
		t.Errorf("the check of / says %v", err)
	}
}

func TestListSurvivesAnUnreadableStore(t *testing.T) {
	t.Parallel()
	base := workspace(t)
	if err := os.WriteFile(filepath.Join(base, "rootfs"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	list, err := Open(base, base).List()
	if !errors.Is(err, unix.ENOTDIR) || len(list) != 2 {
		t.Errorf("the list is %v, %v; want host and a directory, and an error", list, err)
	}
}

func BenchmarkList1000(b *testing.B) {
	for kind, prepare := range map[string]func(*testing.B, string){"trees": thousandTrees, "layers": thousandDocuments} {
		b.Run(kind, func(b *testing.B) {
			data := b.TempDir()
			prepare(b, data)
			c := Open(data)
			for b.Loop() {
				if list, err := c.List(); err != nil || len(list) != 1001 || list[500].Problem != "" {
					b.Fatal(len(list), err)
				}
			}
		})
	}
}

func thousandTrees(b *testing.B, data string) {
	first := busyboxTree(b, filepath.Join(data, "rootfs/first"))
	for i := range 999 {
		dir := filepath.Join(data, "rootfs", fmt.Sprintf("rootfs-%d", i))
		err := errors.Join(os.MkdirAll(filepath.Join(dir, "bin"), 0o755),
			os.Link(filepath.Join(first, "bin/busybox"), filepath.Join(dir, "bin/busybox")),
			os.Symlink("busybox", filepath.Join(dir, "bin/sh")))
		if err != nil {
			b.Fatal(err)
		}
	}
}

func thousandDocuments(b *testing.B, data string) {
	c := Open(data)
	if _, err := c.Create(b.Context(), "first", "busybox", ImportOptions{}); err != nil {
		b.Fatal(err)
	}
	d, err := c.Document("first")
	if err != nil {
		b.Fatal(err)
	}
	for i := range 999 {
		if _, err := c.Put(fmt.Sprintf("rootfs-%d", i), d); err != nil {
			b.Fatal(err)
		}
	}
}
