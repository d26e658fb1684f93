package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sys/unix"

	"aquarium/rootfs"
	"aquarium/rootfs/stack"
)

// layerWith packs entries as they are; those without a type are files.
func layerWith(t testing.TB, headers ...tar.Header) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

func dirHeader(name string, mode int64, uid int) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode, Uid: uid, Gid: uid}
}

func fileHeader(name string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}
}

// sparse is an image whose upper layers do not list the directories that they put something into.
func sparse(t testing.TB) v1.Image {
	opaque := dirHeader("opaque/in/", 0o711, 7)
	opaque.PAXRecords = map[string]string{"SCHILY.xattr.user.note": "kept"}
	return imageOf(t, thisMachine(),
		layerWith(t,
			dirHeader("./", 0o751, 3), dirHeader("tmp/", 0o1777, 0), dirHeader("srv/", 0o700, 1000), dirHeader("srv/deep/", 0o2750, 1001), fileHeader("srv/deep/old"),
			dirHeader("white/", 0o711, 5), fileHeader("white/gone"), fileHeader("white/kept"),
			dirHeader("opaque/", 0o710, 6), opaque, fileHeader("opaque/in/gone"),
			dirHeader("again/", 0o700, 8), fileHeader("again/gone"),
			dirHeader("listed/", 0o700, 9), dirHeader("file/", 0o700, 10)),
		layerWith(t, fileHeader("tmp/x"), fileHeader("srv/deep/y"), fileHeader("white/.wh.gone"), fileHeader("opaque/in/.wh..wh..opq"), fileHeader("opaque/in/new"),
			fileHeader("again/new"), fileHeader(".wh.again"), fileHeader("new/deep/x"), fileHeader(".wh.file")),
		layerWith(t, fileHeader("srv/deep/z"), dirHeader("listed/", 0o755, 0), fileHeader("new/deep/y"), fileHeader("file/under/x")))
}

// attributesOf lists the names of a tree, with modes and owners.
func attributesOf(t *testing.T, c *rootfs.Catalogue, r rootfs.Rootfs) []string {
	t.Helper()
	dirs, _, err := c.Layers(r)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(dirs)
	s, err := stack.Open(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	root, err := s.Root()
	if err != nil {
		t.Fatal(err)
	}
	all := []string{attributeLine("", root.Stat)}
	var walk func(dir stack.Entry)
	walk = func(dir stack.Entry) {
		entries, err := s.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, attributeLine(e.Path, e.Stat))
			if e.IsDir() {
				walk(e)
			}
		}
	}
	walk(root)
	slices.Sort(all)
	return all
}

// attributeLine leaves out owners where they cannot be kept as they are.
func attributeLine(path string, st unix.Stat_t) string {
	if os.Geteuid() != 0 {
		return fmt.Sprintf("/%s %o", path, st.Mode)
	}
	return fmt.Sprintf("/%s %o %d:%d", path, st.Mode, st.Uid, st.Gid)
}

// A directory that a layer does not list itself is what the layers below say it is.
func TestDirectoriesThatAreNotListed(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	r := mustImport(t, c, "x", writeLayout(t, sparse(t)), Options{})
	got := strings.Join(attributesOf(t, c, r), "\n") + "\n"
	wants := []string{"/ 40751 3:3", "/tmp 41777 0:0", "/srv 40700 1000:1000", "/srv/deep 42750 1001:1001", "/white 40711 5:5", "/opaque 40710 6:6",
		"/opaque/in 40711 7:7", "/again 40755 0:0", "/listed 40755 0:0", "/new 40755 0:0", "/new/deep 40755 0:0", "/file 40755 0:0", "/file/under 40755 0:0",
		"/srv/deep/old 100644 0:0", "/srv/deep/y 100644 0:0"}
	for _, want := range wants {
		if os.Geteuid() != 0 {
			want = want[:strings.LastIndexByte(want, ' ')]
		}
		if !strings.Contains(got, want+"\n") {
			t.Errorf("there is no %q", want)
		}
	}
	for _, name := range []string{"/white/gone", "/opaque/in/gone", "/again/gone"} {
		if strings.Contains(got, name) {
			t.Errorf("%s is there", name)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
	if dirs, _, err := c.Layers(r); err != nil || len(dirs) != 4 {
		t.Errorf("it has %d layers (%v), want the image's three and one for the directories", len(dirs), err)
	} else if value, err := xattrOf(filepath.Join(dirs[3], "opaque/in"), "user.note"); err != nil || value != "kept" {
		t.Errorf("the attribute is %q (%v)", value, err)
	}
	// It says the same in another store, and is shared in this one.
	again := mustImport(t, c, "again", writeLayout(t, sparse(t)), Options{})
	if more := strings.Join(attributesOf(t, c, again), "\n") + "\n"; more != got {
		t.Errorf("the second time it is\n%s", more)
	}
	if got := left(t, c); got != "2 4 0" {
		t.Errorf("names, layers and work are %s, want 2 4 0", got)
	}
}

func xattrOf(path, name string) (string, error) {
	value := make([]byte, 100)
	n, err := unix.Lgetxattr(path, name, value)
	return string(value[:max(n, 0)]), err
}

// Where all is as the layers below have it, no further layer is needed.
func TestDirectoriesAsTheyAre(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	image := imageOf(t, thisMachine(), layerWith(t, dirHeader("usr/", 0o755, 0), dirHeader("usr/bin/", 0o755, 0)), layerWith(t, fileHeader("usr/bin/x"), fileHeader("opt/x/y")))
	mustImport(t, c, "x", writeLayout(t, image), Options{})
	if got := left(t, c); got != "1 2 0" {
		t.Errorf("names, layers and work are %s, want 1 2 0", got)
	}
}

func TestDirectoriesAsUmociHasThem(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("owners need root")
	}
	if _, err := exec.LookPath("umoci"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		image := mutate.ConfigMediaType(mutate.MediaType(sparse(t), types.OCIManifestSchema1), types.OCIConfigJSON)
		err = path.AppendImage(image, layout.WithAnnotations(map[string]string{tagAnnotation: "x"}))
	}
	if err != nil {
		t.Fatal(err)
	}
	bundle := filepath.Join(t.TempDir(), "bundle")
	if out, err := exec.Command("umoci", "unpack", "--image", dir+":x", bundle).CombinedOutput(); err != nil {
		t.Fatalf("umoci: %v: %s", err, out)
	}
	theirs := newStore(t)
	want := attributesOf(t, theirs, rootfs.Rootfs{Name: "umoci", Path: filepath.Join(bundle, "rootfs"), Kind: rootfs.Directory})
	c := newStore(t)
	got := attributesOf(t, c, mustImport(t, c, "x", dir, Options{}))
	// What umoci makes of a directory that a layer removes and fills again hangs on the entries' order.
	again := func(line string) bool { return strings.HasPrefix(line, "/again ") }
	if got, want = slices.DeleteFunc(got, again), slices.DeleteFunc(want, again); !slices.Equal(got, want) {
		t.Errorf("it is\n%s\n\nwhere umoci has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
