package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sys/unix"

	"aquarium/rootfs"
	"aquarium/rootfs/stack"
)

func newStore(t *testing.T) *rootfs.Catalogue {
	t.Helper()
	dir, err := os.MkdirTemp("", "image-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if entry != nil && entry.IsDir() {
				os.Chmod(path, 0o700)
			}
			return nil
		})
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return rootfs.Open(filepath.Join(dir, "data"))
}

// left lists what is in the store: names, layers, and work in progress.
func left(t *testing.T, c *rootfs.Catalogue) string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"rootfs/*", "layers/sha256/*", "tmp/*"} {
		found, err := filepath.Glob(filepath.Join(c.DataDir(), pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(len(found)))
	}
	return strings.Join(all, " ")
}

type file struct{ name, content string }

// layerOf packs files; a name ending in a slash is a directory.
func layerOf(t testing.TB, files ...file) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(f.content))}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

func imageOf(t testing.TB, platform string, layers ...v1.Layer) v1.Image {
	t.Helper()
	made, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	config, err := made.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	config.Config = v1.Config{Entrypoint: []string{"/entry"}, Cmd: []string{"argument"}, Env: []string{"A=b"}, User: "7", WorkingDir: "/work", StopSignal: "SIGINT"}
	if made, err = mutate.ConfigFile(made, config); err != nil {
		t.Fatal(err)
	}
	return made
}

// sample is an image of three layers, in which things are replaced and removed.
func sample(t testing.TB, platform string) v1.Image {
	return imageOf(t, platform,
		layerOf(t, file{"bin/", ""}, file{"bin/sh", "#!/bin/none\n"}, file{"gone", "x"}, file{"d/", ""}, file{"d/old", "x"}, file{"kept", "first"}),
		layerOf(t, file{".wh.gone", ""}, file{"d/", ""}, file{"d/.wh..wh..opq", ""}, file{"d/new", "y"}),
		layerOf(t, file{"kept", "third"}))
}

// content lists what a root filesystem of the catalogue shows.
func content(t *testing.T, c *rootfs.Catalogue, r rootfs.Rootfs) string {
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
	var all []string
	var walk func(dir stack.Entry)
	walk = func(dir stack.Entry) {
		entries, err := s.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() {
				walk(e)
				continue
			}
			data, err := s.ReadFile(e.Path, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, e.Path+"="+string(data))
		}
	}
	root, err := s.Root()
	if err != nil {
		t.Fatal(err)
	}
	walk(root)
	return strings.Join(all, " ")
}

const sampleContent = "bin/sh=#!/bin/none\n d/new=y kept=third"

func checkSample(t *testing.T, c *rootfs.Catalogue, r rootfs.Rootfs) {
	t.Helper()
	if got := content(t, c, r); got != sampleContent {
		t.Errorf("it holds %q, want %q", got, sampleContent)
	}
	want := rootfs.Defaults{Command: []string{"/entry", "argument"}, Env: []string{"A=b"}, User: "7", Workdir: "/work", StopSignal: "SIGINT"}
	if fmt.Sprint(r.Defaults) != fmt.Sprint(want) {
		t.Errorf("the defaults are %+v, want %+v", r.Defaults, want)
	}
}

// writeLayout writes images as an OCI layout; each gets its number as its tag if there are several.
func writeLayout(t *testing.T, images ...v1.Image) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for i, made := range images {
		var options []layout.Option
		if len(images) > 1 {
			options = append(options, layout.WithAnnotations(map[string]string{tagAnnotation: fmt.Sprint(i)}))
		}
		if err := path.AppendImage(made, options...); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mustImport(t *testing.T, c *rootfs.Catalogue, name, source string, o Options) rootfs.Rootfs {
	t.Helper()
	r, err := Import(t.Context(), c, name, source, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestImportLayout(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	var last rootfs.Progress
	dir := writeLayout(t, sample(t, thisMachine()))
	r := mustImport(t, c, "one", dir, Options{ImportOptions: rootfs.ImportOptions{Progress: func(p rootfs.Progress) { last = p }}})
	checkSample(t, c, r)
	if last.Done == 0 || last.Total != last.Done || !strings.HasPrefix(last.Item, "sha256:") {
		t.Errorf("the last progress is %+v", last)
	}
	if d, err := c.Document("one"); err != nil || d.Source != dir || d.Platform != thisMachine() || len(d.Layers) != 3 {
		t.Errorf("the document is %+v, %v", d, err)
	}
	if got := left(t, c); got != "1 3 0" {
		t.Errorf("names, layers and work are %s, want 1 3 0", got)
	}
}

func TestSecondImportReadsNothing(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	dir := writeLayout(t, sample(t, thisMachine()))
	mustImport(t, c, "one", dir, Options{})
	found, err := filepath.Glob(filepath.Join(dir, "blobs/sha256/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, blob := range found {
		if data, err := os.ReadFile(blob); err == nil && !json.Valid(data) {
			if err := os.Remove(blob); err != nil {
				t.Fatal(err)
			}
		}
	}
	checkSample(t, c, mustImport(t, c, "two", dir, Options{}))
	if got := left(t, c); got != "2 3 0" {
		t.Errorf("names, layers and work are %s, want 2 3 0", got)
	}
}

func TestImportArchives(t *testing.T) {
	t.Parallel()
	image := sample(t, thisMachine())
	docker := filepath.Join(t.TempDir(), "docker.tar")
	if err := tarball.WriteToFile(docker, nameTag(t, "example/sample:1"), image); err != nil {
		t.Fatal(err)
	}
	oci := writeLayout(t, image)
	for name, args := range map[string][]string{"oci.tar": {"--create"}, "oci.tar.gz": {"--create", "--gzip"}, "oci.tar.zst": {"--create", "--zstd"}} {
		path := filepath.Join(t.TempDir(), name)
		if out, err := exec.Command("tar", append(args, "--file", path, "--directory", oci, ".")...).CombinedOutput(); err != nil {
			t.Fatalf("tar: %v: %s", err, out)
		}
		c := newStore(t)
		checkSample(t, c, mustImport(t, c, "x", path, Options{}))
		if got := left(t, c); got != "1 3 0" {
			t.Errorf("%s: names, layers and work are %s, want 1 3 0", name, got)
		}
	}
	c := newStore(t)
	checkSample(t, c, mustImport(t, c, "x", docker, Options{}))
	f, err := os.Open(docker)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if r, err := Import(t.Context(), c, "stdin", "-", f, Options{}); err != nil {
		t.Error(err)
	} else {
		checkSample(t, c, r)
	}
}

func TestImportPlainTar(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	stream, err := layerOf(t, file{"bin/", ""}, file{".wh.x", "a name"}).Compressed()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Import(t.Context(), c, "x", "-", stream, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := content(t, c, r); got != ".wh.x=a name" {
		t.Errorf("it holds %q", got)
	}
	dir := filepath.Join(t.TempDir(), "dir")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{}"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if got := content(t, c, mustImport(t, c, "dir", dir, Options{})); got != "manifest.json={}" {
		t.Errorf("the directory holds %q", got)
	}
}

func TestChoiceOfImage(t *testing.T) {
	t.Parallel()
	amd, arm := sample(t, "linux/amd64"), sample(t, "linux/arm/v7")
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: amd, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: arm, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}}})
	nested := filepath.Join(t.TempDir(), "nested")
	path, err := layout.Write(nested, empty.Index)
	if err == nil {
		err = path.AppendIndex(index)
	}
	if err != nil {
		t.Fatal(err)
	}
	several := writeLayout(t, amd, arm)
	for _, test := range []struct {
		source, platform, tag string
		want                  string // the platform, or part of the error
	}{
		{nested, "linux/arm", "", "linux/arm/v7"},
		{nested, "linux/arm/v7", "", "linux/arm/v7"},
		{nested, "linux/amd64", "", "linux/amd64"},
		{nested, "linux/arm/v6", "", "no image for linux/arm/v6; there are: linux/amd64, linux/arm/v7"},
		{nested, "windows/amd64", "", "no image for windows/amd64"},
		{several, "", "", "several images are in it, choose one with --tag: 0, 1"},
		{several, "", "1", "linux/arm/v7"},
		{several, "", "9", `no image in it is called "9"; there are: 0, 1`},
		{several, "linux/amd64", "1", "the image is for linux/arm/v7, not for linux/amd64"},
	} {
		c := newStore(t)
		_, err := Import(t.Context(), c, "x", test.source, nil, Options{Platform: test.platform, Tag: test.tag})
		if err != nil {
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q %q: the error is %v, want one with %q", test.platform, test.tag, err, test.want)
			}
			continue
		}
		if d, err := c.Document("x"); err != nil || d.Platform != test.want {
			t.Errorf("%q %q: the platform is %q, want %q (%v)", test.platform, test.tag, d.Platform, test.want, err)
		}
	}
}

func TestImportCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := newStore(t)
	if _, err := Import(ctx, c, "x", writeLayout(t, sample(t, thisMachine())), nil, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if got := left(t, c); got != "0 0 0" {
		t.Errorf("names, layers and work are %s, want none", got)
	}
}

// Neither a FIFO that nobody writes to nor one whose writer stalls keeps an import from being canceled.
func TestImportOfAFIFOCanceled(t *testing.T) {
	t.Parallel()
	for _, writes := range []bool{false, true} {
		c := newStore(t)
		path := filepath.Join(t.TempDir(), "fifo")
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		if writes {
			go func() {
				if w, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
					w.Write(make([]byte, 512)) // the beginning of an archive
					<-ctx.Done()
					w.Close()
				}
			}()
		}
		if _, err := Import(ctx, c, "x", path, nil, Options{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("written to %v: the error is %v", writes, err)
		}
		if got := left(t, c); got != "0 0 0" {
			t.Errorf("names, layers and work are %s, want none", got)
		}
		if w, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
			w.Close() // lets go of the reader that was left behind
		}
	}
}

func TestForeignArchitectureIsAProblem(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH == "s390x" {
		t.Fatal("choose another architecture for this test")
	}
	c := newStore(t)
	const s390x = "\x7fELF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x16"
	image := imageOf(t, "linux/s390x", layerOf(t, file{"bin/", ""}, file{"bin/sh", s390x + strings.Repeat("\x00", 44)}), layerOf(t, file{"entry", s390x + strings.Repeat("\x00", 44)}))
	r := mustImport(t, c, "x", writeLayout(t, image), Options{})
	if !strings.Contains(r.Problem, "/entry is for s390x, this machine is") {
		t.Errorf("the problem is %q", r.Problem)
	}
}
