package rootfs

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func newStore(t *testing.T) *Catalogue {
	t.Helper()
	return Open(filepath.Join(workspace(t), "data"))
}

// tarOf packs files; a name ending in a slash is a directory.
func tarOf(t testing.TB, files ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f[0], Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(f[1]))}
		if strings.HasSuffix(f[0], "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (c *Catalogue) mustImport(t *testing.T, name string, archive []byte) Rootfs {
	t.Helper()
	r, err := c.ImportArchive(t.Context(), name, bytes.NewReader(archive), 0, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// left lists what is in the store: names, layers, and work in progress.
func (c *Catalogue) left(t *testing.T) string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"rootfs/*", "layers/sha256/*", "tmp/*"} {
		found, err := filepath.Glob(filepath.Join(c.dataDir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(len(found)))
	}
	return strings.Join(all, " ")
}

func nobody(Rootfs) ([]string, error) { return nil, nil }

func TestDigestIsChecked(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	archive := tarOf(t, [2]string{"a", "x"})
	right := fmt.Sprintf("sha256:%x", sha256.Sum256(archive))
	wrong := "sha256:" + strings.Repeat("0", 64)
	if _, err := c.AddLayer(t.Context(), bytes.NewReader(archive), LayerOptions{Digest: wrong}); err == nil || !strings.Contains(err.Error(), "its digest is "+right) {
		t.Errorf("a wrong digest: %v", err)
	}
	if _, err := c.AddLayer(t.Context(), bytes.NewReader(archive), LayerOptions{Digest: "sha256:../../x"}); err == nil {
		t.Error("a digest that is a path was taken")
	}
	if got := c.left(t); got != "0 0 0" {
		t.Errorf("names, layers and work are %s, want none", got)
	}
	if l, err := c.AddLayer(t.Context(), bytes.NewReader(archive), LayerOptions{Digest: right}); err != nil || l.Digest != right {
		t.Errorf("the right digest: %+v, %v", l, err)
	}
	// What is there is not read again.
	if _, err := c.AddLayer(t.Context(), failing{}, LayerOptions{Digest: right}); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	shared := tarOf(t, [2]string{"shared", "x"})
	c.mustImport(t, "one", shared)
	c.mustImport(t, "two", shared)
	c.mustImport(t, "three", tarOf(t, [2]string{"closed/", ""}, [2]string{"closed/own", "x"}))
	tree(t, filepath.Join(c.dataDir, "rootfs"), map[string]string{"plain/bin/sh": "x", "bad name/bin/sh": "x"})
	busy := func(Rootfs) ([]string, error) { return []string{"web", "db\x1b"}, nil }
	if err := c.Remove("one", busy); err == nil || err.Error() != `remove "one": in use by web, db\x1b` {
		t.Errorf("in use: %v", err)
	}
	for _, name := range []string{"host", "/etc", "nothing", "..", ".", "", "../rootfs/one"} {
		if err := c.Remove(name, nobody); err == nil {
			t.Errorf("%q was removed", name)
		}
	}
	for _, step := range []struct{ name, left string }{
		{"one", "4 2 0"}, {"three", "3 1 0"}, {"plain", "2 1 0"}, {"bad name", "1 1 0"}, {"two", "0 0 0"},
	} {
		if err := c.Remove(step.name, nobody); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if got := c.left(t); got != step.left {
			t.Errorf("after %s names, layers and work are %s, want %s", step.name, got, step.left)
		}
	}
}

// A link in the store is removed, what it leads to is not.
func TestRemoveOfLink(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	mine := tree(t, workspace(t), map[string]string{"precious": "x"})
	tree(t, filepath.Join(c.dataDir, "rootfs"), map[string]string{"link": "-> " + mine})
	if err := c.Remove("link", nobody); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(mine, "precious")); err != nil {
		t.Error(err)
	}
}

func TestLayersStayWhileAnImportRuns(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	c.mustImport(t, "one", tarOf(t, [2]string{"a", "x"}))
	release, err := c.Hold()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Remove("one", nobody); err != nil {
		t.Fatal(err)
	}
	if got := c.left(t); got != "0 1 0" {
		t.Errorf("during an import names, layers and work are %s, want 0 1 0", got)
	}
	release()
	if p, err := c.Prune(); err != nil || p.Layers != 1 || p.Bytes != 1 {
		t.Errorf("pruned %+v, %v", p, err)
	}
}

// As many layers as real images ever have fit in the one page that mount(2) takes.
func TestManyLayers(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	c := newStore(t)
	d := Document{}
	busybox, err := os.ReadFile(needProgram(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	add := func(files ...[2]string) {
		l, err := c.AddLayer(t.Context(), bytes.NewReader(tarOf(t, files...)), LayerOptions{Image: true})
		if err != nil {
			t.Fatal(err)
		}
		d.Layers = append(d.Layers, l.Digest)
	}
	add([2]string{"bin/busybox", string(busybox)}, [2]string{"dev/", ""}, [2]string{"bin/sh", string(busybox)})
	for i := range 79 {
		add([2]string{"layers/", ""}, [2]string{fmt.Sprintf("layers/%d", i), "x"}, [2]string{"last", fmt.Sprint(i)})
	}
	r, err := c.Put("many", d)
	if err != nil {
		t.Fatal(err)
	}
	view, err := c.View(r, isRoot())
	if err != nil {
		t.Fatal(err)
	}
	if out := runInView(t, view, filepath.Join(workspace(t), "work"), `/bin/busybox cat /last; /bin/busybox ls /layers | /bin/busybox wc -l`); out != "7879\n" {
		t.Errorf("the script said %q", out)
	}
	if err := c.Remove("many", nobody); err != nil {
		t.Fatal(err)
	}
	if links, err := os.ReadDir(filepath.Join(c.dataDir, "l")); err != nil || len(links) != 0 {
		t.Errorf("short names are left: %v, %v", links, err)
	}
}

func TestDamagedDocument(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"not JSON":                             "is damaged",
		`{"version":7,"layers":["x"]}`:         "version 7",
		`{"version":1}`:                        "names no layer",
		`{"version":1,"layers":["../../etc"]}`: "is no digest",
		`{"version":1,"layers":["sha256:` + strings.Repeat("0", 64) + `"]}`: "a layer is missing: sha256:" + strings.Repeat("0", 64),
		`{"version":1,"layers":[` + strings.Repeat(`"x",`, 600) + `"x"]}`:   "601 layers are more than",
	} {
		c := newStore(t)
		tree(t, filepath.Join(c.dataDir, "rootfs"), map[string]string{"x/rootfs.json": content})
		list, err := c.List()
		if err != nil || len(list) != 2 || !strings.Contains(list[1].Problem, want) {
			t.Errorf("%.40s: the list is %+v, %v; want a problem with %q", content, list, err, want)
		}
		if r, err := c.Find("x"); err == nil {
			if _, err := c.View(r, true); err == nil {
				t.Errorf("%.40s: it has a view", content)
			}
		}
	}
	c := newStore(t)
	tree(t, filepath.Join(c.dataDir, "rootfs"), map[string]string{"x/": ""})
	if err := unix.Mkfifo(filepath.Join(c.dataDir, "rootfs/x/rootfs.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := c.Find("x"); err != nil || !strings.Contains(r.Problem, "not a regular file") {
		t.Errorf("a FIFO as document: %+v, %v", r, err)
	}
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"version":1,"layers":["sha256:` + strings.Repeat("0", 64) + `"],"defaults":{"command":["sh"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parseDocument(data)
		if err == nil && (len(d.Layers) == 0 || !isDigest(d.Layers[0])) {
			t.Errorf("%q was taken", data)
		}
	})
}
