package image

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What skopeo and umoci make is read here, and what is made here is read by them.
func TestSkopeoAndUmoci(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"skopeo", "umoci"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	skopeo := []string{"skopeo", "--insecure-policy", "--tmpdir", dir, "copy", "--quiet"}
	source := writeLayout(t, sample(t, thisMachine()))
	c := newStore(t)
	for i, to := range []string{"oci:" + in("oci") + ":x", "oci-archive:" + in("oci.tar") + ":x", "docker-archive:" + in("docker.tar") + ":example/x:1"} {
		run(append(skopeo, "oci:"+source, to)...)
		path := strings.Split(to, ":")[1]
		checkSample(t, c, mustImport(t, c, fmt.Sprintf("from%d", i), path, Options{}))
	}
	run(append(skopeo, "--dest-compress-format", "zstd", "oci:"+source, "oci:"+in("zstd")+":x")...)
	other := newStore(t)
	checkSample(t, other, mustImport(t, other, "zstd", in("zstd"), Options{}))

	if got := left(t, c); got != "3 3 0" {
		t.Errorf("names, layers and work are %s, want 3 3 0: the same digests, whichever way they came", got)
	}
	r, err := c.Find("from0")
	if err != nil {
		t.Fatal(err)
	}
	for format, transport := range map[Format]string{OCIArchive: "oci-archive:", DockerArchive: "docker-archive:"} {
		out, err := os.Create(in(string(format)))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(Export(t.Context(), c, r, format, "", out, nil), out.Close()); err != nil {
			t.Fatal(err)
		}
		layout := in("back-" + string(format))
		run(append(skopeo, transport+out.Name(), "oci:"+layout+":x")...)
		umoci := []string{"umoci", "unpack", "--image", layout + ":x", layout + "-bundle"}
		if os.Geteuid() != 0 {
			umoci = append(umoci[:2], append([]string{"--rootless"}, umoci[2:]...)...)
		}
		run(umoci...)
		for name, want := range map[string]string{"kept": "third", "d/new": "y"} {
			if data, err := os.ReadFile(filepath.Join(layout+"-bundle/rootfs", name)); string(data) != want {
				t.Errorf("%s: %s holds %q, %v", format, name, data, err)
			}
		}
		for _, name := range []string{"gone", "d/old"} {
			if _, err := os.Lstat(filepath.Join(layout+"-bundle/rootfs", name)); err == nil {
				t.Errorf("%s: %s is there", format, name)
			}
		}
		// What umoci makes of changes is a layer here.
		changed := layout + "-bundle/rootfs/"
		err = errors.Join(os.Remove(changed+"kept"), os.RemoveAll(changed+"d"), os.Mkdir(changed+"d", 0o750), os.WriteFile(changed+"d/newer", []byte("z"), 0o640))
		if err != nil {
			t.Fatal(err)
		}
		run("umoci", "repack", "--image", layout+":changed", layout+"-bundle")
		name := "changed-" + string(format)
		if got, want := content(t, c, mustImport(t, c, name, layout, Options{Tag: "changed"})), "bin/sh=#!/bin/none\n d/newer=z"; got != want {
			t.Errorf("%s: after umoci repack it holds %q, want %q", format, got, want)
		}
	}
}
