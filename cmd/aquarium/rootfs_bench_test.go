package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// rival is one of several programs that do the same work, in turns.
type rival struct {
	name    string
	command func(dir string) []string // works in a directory of its own, which is removed afterwards
	times   []time.Duration
}

// race lets rivals take turns, and compares the first's median with those of
// the others, because the machine is noisy. They work in memory where they can:
// a disk's moods are larger than the difference.
func race(b *testing.B, rivals ...*rival) {
	b.Helper()
	for b.Loop() {
		for _, r := range rivals {
			r.run(b)
		}
	}
	for _, r := range rivals {
		ratio := float64(rivals[0].median()) / float64(r.median())
		b.Logf("%-9s median %7.1f ms   %s takes %.2f of it", r.name, r.median().Seconds()*1e3, rivals[0].name, ratio)
		if r != rivals[0] {
			b.ReportMetric(ratio, rivals[0].name+"/"+r.name)
		}
	}
}

func (r *rival) run(b *testing.B) {
	b.Helper()
	dir := memoryDir(b)
	defer os.RemoveAll(dir)
	command := r.command(dir)
	c := exec.Command(command[0], command[1:]...)
	c.Env = append(os.Environ(), "AQUARIUM_HOME="+filepath.Join(dir, "home"))
	began := time.Now()
	out, err := c.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v: %s", r.name, err, out)
	}
	r.times = append(r.times, time.Since(began))
}

func (r *rival) median() time.Duration {
	slices.Sort(r.times)
	return r.times[len(r.times)/2]
}

// memoryDir makes a directory in memory, where there is a place for that.
func memoryDir(b *testing.B) string {
	b.Helper()
	place := "/dev/shm"
	if info, err := os.Stat(place); err != nil || !info.IsDir() {
		place = ""
	}
	dir, err := os.MkdirTemp(place, "aquarium-bench-")
	if err != nil {
		b.Fatal(err)
	}
	return dir
}

// debianFiles writes a list of this Debian's own files, package by package from
// the most important on, of so many bytes in all.
func debianFiles(b *testing.B, list string, size int) {
	b.Helper()
	const script = `
		dpkg-query -W -f '${Priority} ${Package}\n' | sed 's/^required/1/; s/^important/2/; s/^standard/3/' | sort | awk '{ print $2 }' |
		xargs dpkg -L 2>/dev/null | grep -v '^/\.$' | sed -E 's,^/(bin|sbin|lib|lib64)(/|$),/usr&,' | awk '!seen[$0]++' | tr '\n' '\0' |
		xargs -0 -n 500 stat -c '%F:%s %n' 2>/dev/null |
		awk -v limit=$2 '/^regular/ { split($0, part, /[: ]/); size = $0; sub(/^[^:]*:/, "", size); total += size } { sub(/^[^:]*:[0-9]* /, ""); print; if (total > limit) exit }' > "$1"`
	if out, err := exec.Command("sh", "-c", script, "sh", list, fmt.Sprint(size)).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
}

// BenchmarkImportTar compares `rootfs import` of a Debian tar of 200 MB with
// `tar -x` of the same file, which neither keeps a digest nor checks a name.
//
// Last: 0.87 of it (262 ms; 302 ms).
//
//	sudo go test ./cmd/aquarium -run '^$' -bench ImportTar -benchtime 15x
func BenchmarkImportTar(b *testing.B) {
	dir := memoryDir(b)
	defer os.RemoveAll(dir)
	list, archive := filepath.Join(dir, "list"), filepath.Join(dir, "debian.tar")
	debianFiles(b, list, 200e6)
	if out, err := exec.Command("tar", "--create", "--no-recursion", "--file", archive, "--files-from", list).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	race(b,
		&rival{name: "aquarium", command: func(string) []string { return []string{binary, "rootfs", "import", "debian", archive} }},
		&rival{name: "tar", command: func(dir string) []string { return []string{"tar", "--extract", "--file", archive, "--directory", dir} }})
}

// fourLayers makes an OCI layout, and a tar of it, of an image with the same
// files in four layers, compressed as usual.
func fourLayers(b *testing.B, dir string) (layout, archive string) {
	b.Helper()
	list := filepath.Join(dir, "list")
	debianFiles(b, list, 200e6)
	layout, archive = filepath.Join(dir, "layout"), filepath.Join(dir, "image.tar")
	const script = `
		set -e
		cd "$1"
		umoci init --layout layout
		umoci new --image layout:four
		split --number l/4 list part.
		for part in part.*; do
			tar --create --no-recursion --file layer.tar --files-from "$part" 2>/dev/null
			umoci raw add-layer --image layout:four layer.tar
			rm layer.tar
		done
		tar --create --file image.tar --directory layout .`
	if out, err := exec.Command("sh", "-c", script, "sh", dir).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return layout, archive
}

// BenchmarkImportImage compares `rootfs import` of an image of four layers with
// `umoci unpack` and `podman load`.
//
// Last: 0.20 of umoci (0.7 s; 3.7 s), 0.26 of podman (0.8 s; 3.2 s).
//
//	sudo go test ./cmd/aquarium -run '^$' -bench ImportImage -benchtime 5x
func BenchmarkImportImage(b *testing.B) {
	for _, program := range []string{"umoci", "podman"} {
		needProgram(b, program)
	}
	dir := memoryDir(b)
	defer os.RemoveAll(dir)
	layout, archive := fourLayers(b, dir)
	b.Run("umoci", func(b *testing.B) {
		race(b,
			&rival{name: "aquarium", command: func(string) []string { return []string{binary, "rootfs", "import", "image", layout} }},
			&rival{name: "umoci", command: func(dir string) []string {
				return []string{"umoci", "unpack", "--image", layout + ":four", filepath.Join(dir, "bundle")}
			}})
	})
	b.Run("podman", func(b *testing.B) {
		race(b,
			&rival{name: "aquarium", command: func(string) []string { return []string{binary, "rootfs", "import", "image", archive} }},
			&rival{name: "podman", command: func(dir string) []string {
				return podmanIn(b, dir).line("load", "--input", archive)
			}})
	})
}

// BenchmarkLaunchOfLayers compares the launch of /bin/true from 20 layers with
// that from one.
//
// Last: 1.02 of it.
//
//	sudo go test ./cmd/aquarium -run '^$' -bench LaunchOfLayers -benchtime 60x
func BenchmarkLaunchOfLayers(b *testing.B) {
	dir := memoryDir(b)
	defer os.RemoveAll(dir)
	pile(b, dir, "one", 1)
	pile(b, dir, "twenty", 20)
	launch := func(name string) *rival {
		return &rival{name: name, command: func(string) []string {
			return []string{"env", "AQUARIUM_HOME=" + dir, binary, "run", "--rm", name, "/bin/sh", "-c", ":"}
		}}
	}
	race(b, launch("twenty"), launch("one"))
}
