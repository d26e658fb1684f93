package rootfs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"aquarium/rootfs/unpack"
	"aquarium/runtime/ids"
	"aquarium/runtime/userns"
)

// ranged is a catalogue of an ordinary user's who has subordinate ids, and these.
func ranged(t *testing.T) (*Catalogue, userns.Map) {
	t.Helper()
	if isRoot() {
		t.Skip("root keeps every owner: for an ordinary user")
	}
	own, err := ids.System().Own()
	if err != nil {
		skipOrFail(t, "%v", err)
	}
	c := Open(t.TempDir())
	c.KeepOwners(func() (userns.Map, error) { return own, nil })
	t.Cleanup(func() {
		if err := c.remove(c.dataDir); err != nil {
			t.Error(err)
		}
	})
	return c, own
}

// secretSize is that of the files in foreign, more or less, in bytes.
const secretSize = 64 << 10

// foreign is an archive with files of many owners, some closed to everyone else.
func foreign(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	content := "#!/bin/sh\n" + strings.Repeat("x", secretSize)
	for _, h := range []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "bin/sh", Typeflag: tar.TypeReg, Mode: 0o4755, Size: int64(len(content))},
		{Name: "closed/", Typeflag: tar.TypeDir, Mode: 0o700, Uid: 999, Gid: 998},
		{Name: "closed/deep/", Typeflag: tar.TypeDir, Mode: 0o500, Uid: 999, Gid: 998},
		{Name: "closed/deep/secret", Typeflag: tar.TypeReg, Mode: 0o600, Uid: 1000, Gid: 1001, Size: int64(len(content))},
		{Name: "closed/hard", Typeflag: tar.TypeLink, Linkname: "closed/deep/secret"},
		{Name: "closed/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd", Uid: 5, Gid: 6},
		{Name: "setuid", Typeflag: tar.TypeReg, Mode: 0o4755, Uid: 33, Gid: 33, Size: int64(len(content)), PAXRecords: map[string]string{"SCHILY.xattr.user.colour": "blue"}},
		{Name: "far", Typeflag: tar.TypeReg, Mode: 0o644, Uid: 3_000_000_000, Gid: 7, Size: int64(len(content))},
		{Name: "null", Typeflag: tar.TypeChar, Mode: 0o666, Devmajor: 1, Devminor: 3},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// owners lists the entries of an archive with whom they belong to.
func owners(t *testing.T, archive io.Reader) (list []string) {
	t.Helper()
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %d:%d %o %s", strings.TrimPrefix(h.Name, "./"), h.Uid, h.Gid, h.Mode, h.PAXRecords["SCHILY.xattr.user.colour"]))
	}
}

// Without root, what is imported belongs to subordinate ids, comes out again as it was, and goes
// without a trace.
func TestOwnersAreKeptWithoutRoot(t *testing.T) {
	t.Parallel()
	c, own := ranged(t)
	made, err := c.ImportArchive(t.Context(), "foreign", bytes.NewReader(foreign(t)), 0, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := c.Document("foreign"); err != nil || !slices.Equal(d.Notes, []string{"1 file belongs to you instead of its owner", "1 device node was left out"}) {
		t.Errorf("the notes are %q, %v", d.Notes, err)
	}
	dirs, _, err := c.Layers(made)
	if err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Lstat(filepath.Join(dirs[0], "closed"), &st); err != nil || int(st.Uid) != userns.Outside(own.UIDs, 999) || int(st.Gid) != userns.Outside(own.GIDs, 998) {
		t.Errorf("closed belongs to %d:%d, %v", st.Uid, st.Gid, err)
	}
	if _, err := os.ReadDir(filepath.Join(dirs[0], "closed")); !errors.Is(err, os.ErrPermission) {
		t.Errorf("the user may read what is closed: %v", err)
	}
	want := []string{" 0:0 755 ", "bin/ 0:0 755 ", "bin/sh 0:0 4755 ", "closed/ 999:998 700 ", "closed/deep/ 999:998 500 ", "closed/deep/secret 1000:1001 600 ",
		"closed/hard 1000:1001 600 ", "closed/link 5:6 777 ", "far 3000000000:7 644 ", "setuid 33:33 4755 blue"}
	var merged bytes.Buffer
	if err := c.ExportTar(t.Context(), made, &merged, nil); err != nil {
		t.Fatal(err)
	}
	if got := owners(t, &merged); !slices.Equal(got, want) {
		t.Errorf("exported:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	layer := c.StreamLayer(t.Context(), dirs[0])
	defer layer.Close()
	if got := owners(t, layer); !slices.Equal(got, want) {
		t.Errorf("as a layer:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n, err := c.Size(t.Context(), dirs[0]+"/."); err != nil || n < 4*secretSize {
		t.Errorf("its size is %d, %v", n, err)
	}
	if findings, err := c.Check(made); err != nil || len(findings) == 0 {
		t.Errorf("the check finds %v, %v", findings, err)
	}
	if err := c.Remove("foreign", func(Rootfs) ([]string, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dirs[0]); !os.IsNotExist(err) {
		t.Errorf("the layer is still there: %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(c.dataDir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What a user without ranges has imported looks the same to one who has them: the owners are noted.
func TestNotedOwnersStayKnown(t *testing.T) {
	t.Parallel()
	c, _ := ranged(t)
	if _, err := Open(c.dataDir).ImportArchive(t.Context(), "old", bytes.NewReader(foreign(t)), 0, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	old, err := c.Find("old")
	if err != nil {
		t.Fatal(err)
	}
	var merged bytes.Buffer
	if err := c.ExportTar(t.Context(), old, &merged, nil); err != nil {
		t.Fatal(err)
	}
	if got := owners(t, &merged); !slices.Contains(got, "closed/deep/secret 1000:1001 600 ") || !slices.Contains(got, "setuid 33:33 4755 blue") {
		t.Errorf("exported:\n%s", strings.Join(got, "\n"))
	}
}

// What goes wrong apart is the same error as here, and nothing is left.
func TestErrorsApart(t *testing.T) {
	t.Parallel()
	c, own := ranged(t)
	whole := foreign(t)
	var evil bytes.Buffer
	if err := tar.NewWriter(&evil).WriteHeader(&tar.Header{Name: "../out", Typeflag: tar.TypeDir}); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	for name, try := range map[string]struct {
		ctx     context.Context
		archive io.Reader
		limits  unpack.Limits
		want    func(error) bool
	}{
		"cut off":  {t.Context(), bytes.NewReader(whole[:len(whole)/2]), unpack.Limits{}, func(err error) bool { return errors.Is(err, unpack.ErrCutOff) }},
		"too much": {t.Context(), bytes.NewReader(whole), unpack.Limits{Entries: 3}, func(err error) bool { return errors.Is(err, unpack.ErrTooMuch) }},
		"traversal": {t.Context(), &evil, unpack.Limits{}, func(err error) bool {
			return strings.Contains(err.Error(), `entry "../out": the name leads out of the target`)
		}},
		"reader":   {t.Context(), io.MultiReader(bytes.NewReader(whole[:2048]), broken{}), unpack.Limits{}, func(err error) bool { return errors.Is(err, errBroken) }},
		"canceled": {canceled, io.MultiReader(bytes.NewReader(whole[:2048]), endless{cancel}), unpack.Limits{}, func(err error) bool { return errors.Is(err, context.Canceled) }},
	} {
		if _, err := c.ImportArchive(try.ctx, "bad", try.archive, 0, ImportOptions{Limits: try.limits}); err == nil || !try.want(err) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	if err := (apart{task: "dance"}).do(t.Context(), own, nil); err == nil || !strings.Contains(err.Error(), `unknown task "dance"`) {
		t.Errorf("an unknown task: %v", err)
	}
	for _, dir := range []string{"tmp", "rootfs", "layers/sha256"} {
		if left, err := os.ReadDir(filepath.Join(c.dataDir, dir)); err == nil && len(left) > 0 {
			t.Errorf("left behind in %s: %v", dir, left)
		}
	}
}

var errBroken = errors.New("the reader is broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

// endless is a reader that cancels what it is read for.
type endless struct{ cancel func() }

func (c endless) Read(p []byte) (int, error) {
	c.cancel()
	return len(p), nil
}

// A directory of this machine's keeps the owners it has here, but for the user's own ids.
func TestDirectoriesOfThisMachine(t *testing.T) {
	t.Parallel()
	c, _ := ranged(t)
	if ours("/etc") || !ours(t.TempDir()) {
		t.Error("/etc is the user's, or the user's own directory is not")
	}
	archive := c.packed(t.Context(), []Overlay{{Dest: "/", Lower: []string{"/usr/share/doc/uidmap"}}})
	defer archive.Close()
	for _, line := range owners(t, archive) {
		if !strings.Contains(line, " 0:0 ") {
			t.Errorf("packed as %q", line)
		}
	}
}

// What is unpacked apart is held to the limits, too.
func TestBombWithoutRoot(t *testing.T) {
	t.Parallel()
	c, _ := ranged(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	w := tar.NewWriter(z)
	for i := range 5000 {
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("d%d/", i), Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	_, err := c.ImportArchive(t.Context(), "bomb", &zipped, 0, ImportOptions{Limits: unpack.Limits{Free: 10 << 20, Ratio: 100}})
	if !errors.Is(err, unpack.ErrTooMuch) {
		t.Errorf("the error is %v", err)
	}
	for _, dir := range []string{"layers/sha256", "tmp"} {
		if left, _ := os.ReadDir(filepath.Join(c.DataDir(), dir)); len(left) != 0 {
			t.Errorf("%s holds %v", dir, left)
		}
	}
}
