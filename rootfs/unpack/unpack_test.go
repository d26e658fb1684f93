package unpack

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

type entry struct {
	tar.Header
	content string
}

func reg(name, content string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}, content}
}
func dir(name string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}, ""}
}
func sym(name, to string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}, ""}
}
func hard(name, to string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to}, ""}
}
func node(name string, kind byte, major, minor int64) entry {
	return entry{tar.Header{Name: name, Typeflag: kind, Mode: 0o600, Devmajor: major, Devminor: minor}, ""}
}
func xattr(e entry, name, value string) entry {
	e.PAXRecords = map[string]string{xattrRecord + name: value}
	return e
}

func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// arena is a target with a neighbour whose name begins alike and a secret above both; nothing but
// the target may change.
type arena struct{ base, target string }

func newArena(t testing.TB) arena {
	t.Helper()
	base := t.TempDir()
	a := arena{base, filepath.Join(base, "target")}
	err := errors.Join(os.Mkdir(a.target, 0o755), os.Mkdir(a.target+"-sibling", 0o755),
		os.WriteFile(filepath.Join(base, "secret"), []byte("secret"), 0o600),
		os.WriteFile(filepath.Join(a.target+"-sibling", "file"), []byte("sibling"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a arena) checkOutside(t testing.TB) {
	t.Helper()
	var seen []string
	err := filepath.WalkDir(a.base, func(path string, e fs.DirEntry, err error) error {
		if path == a.target {
			return fs.SkipDir
		}
		seen = append(seen, strings.TrimPrefix(path, a.base))
		return err
	})
	if got, want := strings.Join(seen, " "), " /secret /target-sibling /target-sibling/file"; err != nil || got != want {
		t.Errorf("outside of the target there is %q (%v), want %q", got, err, want)
	}
	for path, want := range map[string]string{"secret": "secret", "target-sibling/file": "sibling"} {
		full := filepath.Join(a.base, path)
		data, err := os.ReadFile(full)
		info, statErr := os.Lstat(full)
		if err != nil || statErr != nil || string(data) != want || info.Mode() != 0o600 {
			t.Errorf("%s is now %q, %v, %v", path, data, info.Mode(), err)
		}
		var st unix.Stat_t
		if err := unix.Lstat(full, &st); err != nil || st.Nlink != 1 {
			t.Errorf("%s has %d links, %v", path, st.Nlink, err)
		}
	}
}

func (a arena) apply(data []byte, o Options) (Report, error) {
	o.Privileged = os.Geteuid() == 0
	return Apply(context.Background(), a.target, bytes.NewReader(data), o)
}

func TestApplied(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	stamp := time.Unix(1_000_000_000, 123_000_000)
	entries := []entry{
		dir("./"), dir("./d/"), reg("d/file", "content"), sym("d/link", "/etc/passwd"), hard("d/hard", "./d/file"),
		reg("made/parents/file", "x"), node("fifo", tar.TypeFifo, 0, 0), reg("twice", "first"), reg("twice", "second"),
		reg("\xff\xfe not UTF-8", "x"), reg("\x1b[31mred", "x"), reg(".wh.name", "just a name"), sym("over", "/nowhere"), reg("over", "file"),
		xattr(reg("attributes", "x"), "user.colour", "blue"), reg("sparse", strings.Repeat("\x00", 1<<20)+"end"), reg("zeros", strings.Repeat("\x00", 1<<20)),
		{tar.Header{Name: "setuid", Typeflag: tar.TypeReg, Mode: 0o4755}, ""},
		{tar.Header{Name: "closed", Typeflag: tar.TypeDir, Mode: 0o555}, ""}, reg("closed/file", "x"),
	}
	for i := range entries {
		entries[i].ModTime, entries[i].Format = stamp, tar.FormatPAX
	}
	report, err := a.apply(archive(t, entries...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Entries != len(entries) || len(report.Notes()) != 0 {
		t.Errorf("the report is %+v", report)
	}
	for name, want := range map[string]string{
		"d/file": "content", "d/hard": "content", "made/parents/file": "x", "twice": "second", "\xff\xfe not UTF-8": "x",
		"\x1b[31mred": "x", ".wh.name": "just a name", "over": "file", "closed/file": "x", "sparse": strings.Repeat("\x00", 1<<20) + "end",
		"zeros": strings.Repeat("\x00", 1<<20),
	} {
		if data, err := os.ReadFile(filepath.Join(a.target, name)); string(data) != want {
			t.Errorf("%q holds %.40q (%v), want %.40q", name, data, err, want)
		}
	}
	for name, want := range map[string]fs.FileMode{
		"d": 0o755 | fs.ModeDir, "closed": 0o555 | fs.ModeDir, "setuid": 0o755 | fs.ModeSetuid, "fifo": 0o600 | fs.ModeNamedPipe,
		"d/link": 0o777 | fs.ModeSymlink, ".": 0o755 | fs.ModeDir,
	} {
		info, err := os.Lstat(filepath.Join(a.target, name))
		if err != nil || info.Mode() != want || !info.ModTime().Equal(stamp) {
			t.Errorf("%s is %v, want %v of %v", name, info, want, stamp)
		}
	}
	if value := make([]byte, 8); true {
		n, err := unix.Getxattr(filepath.Join(a.target, "attributes"), "user.colour", value)
		if err != nil || string(value[:n]) != "blue" {
			t.Errorf("user.colour is %q, %v", value[:max(n, 0)], err)
		}
	}
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(a.target, "sparse"), &st); err != nil || st.Blocks*512 > 1<<19 {
		t.Errorf("a file of zeros takes %d bytes, %v", st.Blocks*512, err)
	}
	os.Chmod(filepath.Join(a.target, "closed"), 0o755)
	a.checkOutside(t)
}

// The overlay attributes of an archive would point files into other layers.
func TestOverlayAttributesAreLeftOut(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	data := archive(t, xattr(reg("a", "x"), "user.overlay.redirect", "/etc"), xattr(reg("b", "x"), "trusted.overlay.metacopy", ""),
		xattr(dir("c"), "trusted.overlay.opaque", "y"), xattr(reg("d", "x"), "security.selinux", "label"))
	report, err := a.apply(data, Options{})
	if err != nil || report.Xattrs != 4 {
		t.Errorf("the report is %+v, %v; want 4 attributes left out", report, err)
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		if n, err := unix.Listxattr(filepath.Join(a.target, name), nil); n != 0 {
			t.Errorf("%s has attributes: %d, %v", name, n, err)
		}
	}
}

func TestOwnersAndDevices(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	owned := reg("owned", "x")
	owned.Uid, owned.Gid = 12345, 54321
	report, err := a.apply(archive(t, owned, node("null", tar.TypeChar, 1, 3)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(a.target, "owned"), &st); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if st.Uid != 12345 || st.Gid != 54321 || report.Owners+report.Devices != 0 {
			t.Errorf("the owner is %d:%d, the report %+v", st.Uid, st.Gid, report)
		}
		if err := unix.Stat(filepath.Join(a.target, "null"), &st); err != nil || st.Rdev != unix.Mkdev(1, 3) {
			t.Errorf("the device is %x, %v", st.Rdev, err)
		}
		return
	}
	value := make([]byte, 32)
	n, err := unix.Getxattr(filepath.Join(a.target, "owned"), OwnerXattr, value)
	if err != nil || string(value[:n]) != "12345:54321" || report.Owners != 1 || report.Devices != 1 {
		t.Errorf("the note is %q, %v, the report %+v", value[:max(n, 0)], err, report)
	}
}

func TestWhiteouts(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	_, err := a.apply(archive(t, dir("d"), reg("d/.wh.gone", ""), reg("opaque/.wh..wh..opq", ""), reg("opaque/new", "x"),
		reg("replaced/file", "x"), reg(".wh.replaced", ""), reg(".wh.again", ""), dir("again"), reg(".wh..wh.plnk", "")), Options{Layer: true})
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(filepath.Join(a.target, "d/gone"), &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != 0 {
		t.Errorf("the whiteout is %o %x, %v", st.Mode, st.Rdev, err)
	}
	for _, name := range []string{"opaque", "replaced", "again"} {
		value := make([]byte, 4)
		attributes := []string{"user.overlay.opaque"}
		if os.Geteuid() == 0 {
			attributes = append(attributes, "trusted.overlay.opaque")
		}
		for _, attribute := range attributes {
			if n, err := unix.Getxattr(filepath.Join(a.target, name), attribute, value); err != nil || string(value[:n]) != "y" {
				t.Errorf("%s of %s is %q, %v", attribute, name, value[:max(n, 0)], err)
			}
		}
	}
	if entries, _ := os.ReadDir(a.target); len(entries) != 4 {
		t.Errorf("the layer holds %v", entries)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Apply(ctx, newArena(t).target, bytes.NewReader(archive(t, reg("a", "x"))), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func FuzzApply(f *testing.F) {
	f.Add(archive(f, dir("d"), reg("d/f", "x"), sym("l", ".."), hard("h", "d/f"), node("n", tar.TypeFifo, 0, 0)), true)
	f.Add(archive(f, sym("a", ".."), reg("a/secret", "x")), false)
	f.Add(archive(f, reg("d/.wh..wh..opq", ""), reg("d/.wh.x", "")), true)
	f.Add(archive(f, xattr(reg("a", "x"), "user.a", "b")), false)
	f.Fuzz(func(t *testing.T, data []byte, layer bool) {
		a := newArena(t)
		s, err := Open(bytes.NewReader(data), Limits{Entries: 100, Free: 1 << 20, Ratio: 10})
		if err != nil {
			return
		}
		defer s.Close()
		// Without privilege also as root: no devices, no owners.
		Apply(context.Background(), a.target, s, Options{Layer: layer, Limits: Limits{Entries: 100, Free: 1 << 20, Ratio: 10}})
		a.checkOutside(t)
		filepath.WalkDir(a.target, func(path string, e fs.DirEntry, err error) error {
			if e != nil && e.IsDir() {
				os.Chmod(path, 0o700)
			}
			return nil
		})
	})
}

func TestImpliedDirectories(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		entries []entry
		want    string
	}{
		{[]entry{reg("a", "")}, "[]"},
		{[]entry{dir("./"), reg("a", "")}, ""},
		{[]entry{dir("./"), reg("a/b/c", ""), dir("d"), reg("d/e", "")}, "[a] [a/b]"},
		{[]entry{dir("./"), reg("a/b/c", ""), dir("a/b/")}, "[a]"},
		{[]entry{dir("./"), reg("a/.wh.b", ""), reg("a/c/.wh..wh..opq", "")}, "[a] [a/c]"},
		{[]entry{dir("./"), reg("a/b/c", ""), reg("a/.wh.b", "")}, "[a]"},
		{[]entry{dir("./"), reg("\xff/b", "")}, "[\xff]"},
	} {
		report, err := Apply(t.Context(), t.TempDir(), bytes.NewReader(archive(t, test.entries...)), Options{Layer: true, Privileged: os.Geteuid() == 0})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, dir := range report.Implied {
			got = append(got, "["+string(dir)+"]")
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("the directories are %q, want %q", got, test.want)
		}
	}
}
