package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sys/unix"
)

// damage changes an OCI layout's documents, with their digests made right again.
func damage(t *testing.T, dir string, edit func(index map[string]any, manifest, config map[string]any)) {
	t.Helper()
	read := func(path string) (m map[string]any) {
		data, err := os.ReadFile(filepath.Join(dir, path))
		if err == nil {
			err = json.Unmarshal(data, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	blobPath := func(d any) string {
		return "blobs/sha256/" + strings.TrimPrefix(d.(map[string]any)["digest"].(string), "sha256:")
	}
	write := func(d any, m map[string]any) {
		data, err := json.Marshal(m)
		if err == nil {
			sum := fmt.Sprintf("%x", sha256.Sum256(data))
			d.(map[string]any)["digest"], d.(map[string]any)["size"] = "sha256:"+sum, len(data)
			err = os.WriteFile(filepath.Join(dir, "blobs/sha256", sum), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	index := read("index.json")
	first := index["manifests"].([]any)[0]
	manifest := read(blobPath(first))
	config := read(blobPath(manifest["config"]))
	before := fmt.Sprint(config)
	edit(index, manifest, config)
	if fmt.Sprint(config) != before {
		write(manifest["config"], config)
	}
	write(first, manifest)
	data, err := json.Marshal(index)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "index.json"), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamagedImages(t *testing.T) {
	t.Parallel()
	layer := func(manifest map[string]any, i int) map[string]any {
		return manifest["layers"].([]any)[i].(map[string]any)
	}
	zeros := "sha256:" + strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		edit func(index, manifest, config map[string]any)
		want string
	}{
		"wrong diff id": {func(_, _, config map[string]any) {
			config["rootfs"].(map[string]any)["diff_ids"].([]any)[1] = zeros
		}, "layer 2 of 3: its digest is "},
		"too few diff ids": {func(_, _, config map[string]any) {
			config["rootfs"].(map[string]any)["diff_ids"] = []any{zeros}
		}, "the image has 3 layers, but its configuration names 1"},
		"layer missing":     {func(_, m, _ map[string]any) { layer(m, 0)["digest"] = zeros }, "no such file"},
		"wrong layer":       {func(_, m, _ map[string]any) { layer(m, 0)["digest"] = layer(m, 1)["digest"] }, "layer 1 of 3: "},
		"size too small":    {func(_, m, _ map[string]any) { layer(m, 0)["size"] = 10 }, "larger than the 10 bytes"},
		"size too large":    {func(_, m, _ map[string]any) { layer(m, 0)["size"] = 1e9 }, "instead of 1000000000"},
		"negative size":     {func(_, m, _ map[string]any) { layer(m, 0)["size"] = -1 }, "negative size"},
		"digest is a path":  {func(_, m, _ map[string]any) { layer(m, 0)["digest"] = "sha256:../../../../etc/passwd" }, "manifest is damaged"},
		"config is a layer": {func(_, m, _ map[string]any) { m["config"] = layer(m, 0) }, "configuration is damaged"},
		"config too large":  {func(_, m, _ map[string]any) { m["config"].(map[string]any)["size"] = 1 << 40 }, "too large"},
		"no layers": {func(_, m, c map[string]any) {
			m["layers"] = []any{}
			c["rootfs"].(map[string]any)["diff_ids"] = []any{}
		}, "has no layer"},
		"thousands of layers": {func(_, m, _ map[string]any) { m["layers"] = slices.Repeat([]any{layer(m, 0)}, 10_000) }, "has 10000 layers"},
		"ever so many layers": {func(_, m, _ map[string]any) { m["layers"] = slices.Repeat([]any{layer(m, 0)}, 100_000) }, "a document of the image is too large"},
		"not for Linux":       {func(_, _, c map[string]any) { c["os"] = "windows\x1b[31m" }, `for windows\x1b[31m, not for Linux`},
		"an index of itself": {func(i, _, _ map[string]any) {
			i["manifests"].([]any)[0].(map[string]any)["mediaType"] = string(types.OCIImageIndex)
		}, "its index names no image"},
		"nothing in the index": {func(i, _, _ map[string]any) { i["manifests"] = []any{} }, "its index names no image"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newStore(t)
			dir := writeLayout(t, sample(t, thisMachine()))
			if name == "nothing in the index" {
				if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(`{"manifests":[]}`), 0o644); err != nil {
					t.Fatal(err)
				}
			} else {
				damage(t, dir, test.edit)
			}
			_, err := Import(t.Context(), c, "x", dir, nil, Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
			if got := left(t, c); got != "0 0 0" {
				t.Errorf("names, layers and work are %s, want none", got)
			}
		})
	}
}

// Indexes that lead deeper and deeper.
func TestNestedIndexes(t *testing.T) {
	t.Parallel()
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: sample(t, thisMachine())})
	for range 6 {
		index = mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: index})
	}
	dir := filepath.Join(t.TempDir(), "layout")
	if _, err := layout.Write(dir, index); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), newStore(t), "x", dir, nil, Options{}); err == nil || !strings.Contains(err.Error(), "nested more than 4 deep") {
		t.Errorf("the error is %v", err)
	}
}

// A layout whose blobs are links out of it.
func TestLayoutWithLinks(t *testing.T) {
	t.Parallel()
	dir := writeLayout(t, sample(t, thisMachine()))
	moved := dir + "-moved"
	if err := errors.Join(os.Rename(filepath.Join(dir, "blobs"), moved), os.Symlink(moved, filepath.Join(dir, "blobs"))); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), newStore(t), "x", dir, nil, Options{}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("the error is %v", err)
	}
}

// liar answers every question with the same document.
type liar []byte

func (l liar) document(v1.Descriptor) ([]byte, error) { return l, nil }

func (l liar) blob(context.Context, v1.Descriptor) (stream, error) {
	return nil, errors.New("nobody asks for a layer here")
}

// A thousand times a thousand indexes, in a few kilobytes.
func TestIndexesThatMultiply(t *testing.T) {
	t.Parallel()
	one := `{"mediaType":"application/vnd.oci.image.index.v1+json","size":1,"digest":"sha256:` + strings.Repeat("0", 64) + `"}`
	document := liar(`{"manifests":[` + strings.Repeat(one+",", 999) + one + `]}`)
	var index v1.IndexManifest
	if err := decode(document, "index", &index); err != nil {
		t.Fatal(err)
	}
	if _, err := choose(document, index.Manifests, "", ""); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("the error is %v", err)
	}
}

func read(t *testing.T, r io.Reader) []byte {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzDocuments(f *testing.F) {
	f.Add([]byte(`{"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json"},{"platform":{"os":"linux","architecture":"arm"}}]}`), "")
	f.Add([]byte(`{"config":{},"layers":[{"size":1}],"rootfs":{"type":"layers","diff_ids":[]}}`), "linux/arm64/v8")
	f.Add([]byte(`[{"Config":"c","RepoTags":["a:b"],"Layers":["l"]}]`), "linux/amd64")
	f.Fuzz(func(t *testing.T, data []byte, platform string) {
		if again, _ := sniff(bytes.NewReader(data)); !bytes.Equal(read(t, again), data) {
			t.Error("an archive is another after it was looked at")
		}
		var list []dockerManifest
		if decode(data, "manifest", &list) == nil {
			chooseDocker(list, "")
		}
		var index v1.IndexManifest
		if decode(data, "index", &index) != nil {
			return
		}
		chosen, err := choose(liar(data), index.Manifests, "", platform)
		if err != nil {
			return
		}
		if made, err := readManifest(liar(data), chosen, 1); err == nil && made.check(platform) == nil && len(made.layers) == 0 {
			t.Error("an image without layers was taken")
		}
	})
}

// Archives of docker save name their parts by paths, which stay inside.
func TestDockerArchiveThatLies(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(`{"os":"linux","rootfs":{"diff_ids":[]}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	const config = `{"os":"linux","rootfs":{"diff_ids":["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}}`
	for about, test := range map[string]struct {
		manifest string
		make     func(dir string) error
		want     string
	}{
		"layer above":       {`[{"Config":"c","Layers":["../../../../../../../../../etc/passwd"]}]`, nil, `layer "../../../../../../../../../etc/passwd": no such file`},
		"layer is absolute": {`[{"Config":"c","Layers":["/etc/passwd"]}]`, nil, "no such file"},
		"layer is a link":   {`[{"Config":"c","Layers":["l"]}]`, func(dir string) error { return os.Symlink(secret, filepath.Join(dir, "l")) }, "no such file"},
		"layer is a FIFO":   {`[{"Config":"c","Layers":["l"]}]`, func(dir string) error { return unix.Mkfifo(filepath.Join(dir, "l"), 0o644) }, "not a regular file"},
		"layer is itself":   {`[{"Config":"c","Layers":["l"]}]`, func(dir string) error { return os.Symlink("l", filepath.Join(dir, "l")) }, "too many levels"},
		"layer is all":      {`[{"Config":"c","Layers":["."]}]`, nil, "not a regular file"},
		"config is a link":  {`[{"Config":"s","Layers":["l"]}]`, func(dir string) error { return os.Symlink(secret, filepath.Join(dir, "s")) }, "its configuration: no such file"},
		"config is a FIFO":  {`[{"Config":"s","Layers":["l"]}]`, func(dir string) error { return unix.Mkfifo(filepath.Join(dir, "s"), 0o644) }, "its configuration: not a regular file"},
		"config is huge":    {`[{"Config":"s","Layers":["l"]}]`, func(dir string) error { return truncated(filepath.Join(dir, "s"), 1<<40) }, "its configuration: file is too large"},
		"no image":          {`[{"Config":""}]`, nil, "its configuration: "},
		"an empty list":     {`[], "Config"`, nil, "damaged"},
		"escape sequences":  {`[{"Config":"c","Layers":["\u001b[31m"]}]`, nil, `layer "\x1b[31m": no such file`},
		"many layers":       {`[{"Config":"c","Layers":[` + strings.Repeat(`"c",`, 600) + `"c"]}]`, nil, "has 601 layers"},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			err := errors.Join(os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(test.manifest), 0o644), os.WriteFile(filepath.Join(dir, "c"), []byte(config), 0o644))
			if test.make != nil {
				err = errors.Join(err, test.make(dir))
			}
			if err != nil {
				t.Fatal(err)
			}
			c := newStore(t)
			_, err = Import(t.Context(), c, "x", dir, nil, Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("the error is %v, want one line with %q", err, test.want)
			}
			if got := left(t, c); got != "0 0 0" {
				t.Errorf("names, layers and work are %s, want none", got)
			}
		})
	}
}

// truncated makes a file of that size which takes no room.
func truncated(path string, size int64) error {
	return errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, size))
}
