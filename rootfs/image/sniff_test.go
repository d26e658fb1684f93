package image

import (
	"archive/tar"
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// packed makes a tar of files in a directory, in the order given, as path.
func packed(t *testing.T, path, dir string, names ...string) {
	t.Helper()
	args := append([]string{"--create", "--file", path, "--directory", dir}, names...)
	if out, err := exec.Command("tar", args...).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
}

// Layers do not fit into what is looked at, and what comes first does not compress.
func TestImportLargeArchives(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	image := imageOf(t, thisMachine(),
		layerOf(t, file{"noise", string(noise)}, file{"bin/", ""}, file{"bin/sh", "#!/bin/none\n"}), layerOf(t, file{"noise", "hidden"}))
	dir := t.TempDir()
	docker, oci := filepath.Join(dir, "docker.tar"), filepath.Join(dir, "oci.tar")
	if err := tarball.WriteToFile(docker, nameTag(t, "example/sample:1"), image); err != nil {
		t.Fatal(err)
	}
	packed(t, oci, writeLayout(t, image), "blobs", "index.json", "oci-layout")
	for _, archive := range []string{docker, oci} {
		for _, compress := range []string{"cat", "gzip -1", "xz -0", "zstd -1", "bzip2 -1", "bzip2 -9"} {
			t.Run(filepath.Base(archive)+" "+compress, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "archive")
				if out, err := exec.Command("sh", "-c", compress+` <"$1" >"$2"`, "sh", archive, path).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v: %s", compress, err, out)
				}
				c := newStore(t)
				const want = "bin/sh=#!/bin/none\n noise=hidden"
				if got := content(t, c, mustImport(t, c, "file", path, Options{})); got != want {
					t.Errorf("from a file: it holds %.100q", got)
				}
				f, err := os.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				r, err := Import(t.Context(), c, "stdin", "-", io.MultiReader(f), Options{})
				if err != nil {
					t.Fatal(err)
				}
				if got := content(t, c, r); got != want {
					t.Errorf("from standard input: it holds %.100q", got)
				}
			})
		}
	}
}

// What an archive is does not hang on its first entry.
func TestImageOrTree(t *testing.T) {
	t.Parallel()
	layout := writeLayout(t, sample(t, thisMachine()))
	readme := filepath.Join(t.TempDir(), "README")
	if err := os.WriteFile(readme, []byte("an image"), 0o644); err != nil {
		t.Fatal(err)
	}
	late := filepath.Join(t.TempDir(), "late.tar")
	packed(t, late, layout, "--directory", filepath.Dir(readme), "README", "--directory", layout, "oci-layout", "index.json", "blobs")
	c := newStore(t)
	checkSample(t, c, mustImport(t, c, "late", late, Options{}))

	for name, files := range map[string][]file{
		"blobs":    {{"blobs/", ""}, {"blobs/one", "1"}, {"etc/", ""}, {"etc/hostname", "x"}},
		"manifest": {{"manifest.json", `{"name": "app"}`}, {"index.json", "[]"}, {"oci-layout", ""}},
		"deep":     {{"srv/blobs/sha256/" + strings.Repeat("0", 64), "1"}, {"srv/oci-layout", `{"imageLayoutVersion":"1.0.0"}`}},
	} {
		stream, err := layerOf(t, files...).Compressed()
		if err != nil {
			t.Fatal(err)
		}
		r, err := Import(t.Context(), c, name, "-", stream, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, f := range files {
			if got := content(t, c, r); !strings.Contains(got, strings.TrimSuffix(f.name, "/")) {
				t.Errorf("%s: it holds %q, without %s", name, got, f.name)
			}
		}
	}
}

// A tag that chooses nothing is a mistake.
func TestTagOfNoImage(t *testing.T) {
	t.Parallel()
	var tree bytes.Buffer
	w := tar.NewWriter(&tree)
	if err := w.WriteHeader(&tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c := newStore(t)
	for source, want := range map[string]string{
		"-":                                      "it is no image",
		t.TempDir():                              "it is no image",
		writeLayout(t, sample(t, thisMachine())): `no image in it is called "nosuch"; none has a name`,
	} {
		_, err := Import(t.Context(), c, "x", source, &tree, Options{Tag: "nosuch"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want one with %q", source, err, want)
		}
		if got := left(t, c); got != "0 0 0" {
			t.Errorf("%s: names, layers and work are %s, want none", source, got)
		}
	}
}
