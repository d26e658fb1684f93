package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aquarium/rootfs"
	"aquarium/rootfs/unpack"
)

// layerOf is an archive of one file.
func layerOf(t testing.TB, name string, content []byte) *bytes.Buffer {
	t.Helper()
	archive := new(bytes.Buffer)
	w := tar.NewWriter(archive)
	if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	w.Write(content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return archive
}

// pile puts a root filesystem of so many layers into a store: a busybox below,
// and above it files of which each layer has one.
func pile(t testing.TB, home, name string, layers int) {
	t.Helper()
	c := rootfs.Open(filepath.Join(home, "data"))
	release, err := c.Hold()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	busybox, err := os.ReadFile(needProgram(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	var d rootfs.Document
	for i := range layers {
		archive := layerOf(t, fmt.Sprintf("layers/%d", i), []byte(fmt.Sprint(i)))
		if i == 0 {
			archive = layerOf(t, "bin/sh", busybox)
		}
		l, err := c.AddLayer(t.Context(), archive, rootfs.LayerOptions{Image: true, Limits: unpack.Unlimited})
		if err != nil {
			t.Fatal(err)
		}
		d.Layers = append(d.Layers, l.Digest)
	}
	if _, err := c.Put(name, d); err != nil {
		t.Fatal(err)
	}
}

// As many layers as the kernel stacks are launched, whatever the store is
// called: beyond what the options of mount(2) hold, the step is another one.
func TestTallRootfs(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"store", `odd, with:a\slash`} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			home := filepath.Join(p.dir, state)
			pile(t, home, "tall", rootfs.MaxLayers)
			for _, test := range []struct{ command, want string }{
				{"ls /layers | wc -l; cat /layers/499", "499\n499"},
				{"echo mine > /layers/7; rm /layers/8; cat /layers/7; ls /layers | wc -l", "mine\n498\n"},
			} {
				c := p.command("run", "--rm", "tall", "sh", "-c", test.command)
				c.Env = append(c.Env, "AQUARIUM_HOME="+home)
				out, err := c.CombinedOutput()
				if err != nil || string(out) != test.want {
					t.Errorf("%s: it says %q, %v; want %q", test.command, out, err, test.want)
				}
			}
			c := p.command("run", "--dry-run", "tall", "true")
			c.Env = append(c.Env, "AQUARIUM_HOME="+home)
			if out, err := c.CombinedOutput(); err != nil || strings.Count(string(out), `"lowerdir+"`) != rootfs.MaxLayers {
				t.Errorf("the plan does not name %d layers: %v", rootfs.MaxLayers, err)
			}
			c = p.command("rootfs", "rm", "tall")
			c.Env = append(c.Env, "AQUARIUM_HOME="+home)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("rootfs rm: %v: %s", err, out)
			}
		})
	}
}
