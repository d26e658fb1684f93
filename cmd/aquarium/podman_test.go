package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// podman is a podman whose images, containers and locks are all in one directory.
type podman struct{ dir string }

func podmanIn(t testing.TB, dir string) podman {
	t.Helper()
	settings := fmt.Sprintf("[engine]\nlock_type = \"file\"\ntmp_dir = %q\n", filepath.Join(dir, "tmp"))
	if err := os.WriteFile(filepath.Join(dir, "containers.conf"), []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	return podman{dir}
}

// newPodman is an empty one, for the time of a test.
func newPodman(t *testing.T) podman {
	t.Helper()
	needProgram(t, "podman")
	pod := podmanIn(t, t.TempDir())
	t.Cleanup(func() {
		// It cleans up after containers beside its commands, and may meet itself.
		err := within(patience, func() error {
			_, err := pod.try("system", "reset", "--force")
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	return pod
}

func (p podman) in(name string) string { return filepath.Join(p.dir, name) }

func (p podman) line(args ...string) []string {
	return append([]string{"env", "CONTAINERS_CONF=" + p.in("containers.conf"), "TMPDIR=" + p.dir, "podman",
		"--root", p.in("root"), "--runroot", p.in("run"), "--storage-driver", "overlay"}, args...)
}

func (p podman) run(t testing.TB, args ...string) string {
	t.Helper()
	out, err := p.try(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (p podman) try(args ...string) (string, error) {
	line := p.line(args...)
	c := exec.Command(line[0], line[1:]...)
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("podman %s: %v: %s", strings.Join(args, " "), err, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// throughPodman exports a root filesystem, has podman load it and save it, and
// compares what comes back.
func throughPodman(t *testing.T, p place, pod podman, name string) (image string) {
	t.Helper()
	image = "localhost/" + name + ":latest"
	p.run(t, "rootfs", "export", name, "-o", pod.in("want.tar"))
	p.run(t, "rootfs", "export", name, "--format", "oci-archive", "--tag", image, "-o", pod.in("there.tar"))
	pod.run(t, "load", "--input", pod.in("there.tar"))
	for _, format := range []string{"oci-archive", "docker-archive"} {
		saved := pod.in(format + ".tar")
		pod.run(t, "save", "--format", format, "--output", saved, image)
		p.run(t, "rootfs", "import", "back", saved)
		checkDigests(t, p, pod, "back", image)
		p.run(t, "rootfs", "export", "back", "-o", pod.in("got.tar"))
		if out, err := exec.Command("cmp", pod.in("want.tar"), pod.in("got.tar")).CombinedOutput(); err != nil {
			t.Errorf("by way of podman and %s: %v: %s", format, err, out)
		}
		p.run(t, "rootfs", "rm", "back")
	}
	return image
}

// checkDigests holds that both have the same layers by the same digests.
func checkDigests(t *testing.T, p place, pod podman, name, image string) {
	t.Helper()
	var here struct{ Layers []string }
	document, err := os.ReadFile(filepath.Join(p.home(), "data/rootfs", name, "rootfs.json"))
	if err == nil {
		err = json.Unmarshal(document, &here)
	}
	if err != nil {
		t.Fatal(err)
	}
	there := strings.Fields(pod.run(t, "image", "inspect", "--format", "{{range .RootFS.Layers}}{{.}} {{end}}", image))
	if !slices.Equal(here.Layers, there) {
		t.Errorf("the layers are %q, podman has %q", here.Layers, there)
	}
}

// listing is what a tar holds: types, modes, owners, sizes, times, names, links.
func listing(t *testing.T, archive string) string {
	t.Helper()
	out, err := exec.Command("tar", "--list", "--verbose", "--numeric-owner", "--full-time", "--file", archive).Output()
	if err != nil {
		t.Fatalf("tar --list: %v", err)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(strings.Replace(line, " ./", " /", 1))
		fields[4], _, _ = strings.Cut(fields[4], ".") // podman rounds to seconds
		if len(fields) > 5 && fields[5] != "/" {      // podman leaves the top out
			lines = append(lines, strings.Join(fields, " ")+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// Everything that a layer can say goes to podman and comes back; and what podman
// builds on top of it is the same here.
func TestPodman(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("podman's overlay and other owners need root")
	}
	t.Parallel()
	p := newPlace(t)
	pod := newPodman(t)
	p.run(t, "rootfs", "create", "base", "--from", "busybox")
	p.run(t, "run", "--name", "first", "base", "sh", "-ec", `
		mkdir -p /d/below /gone/below /opaque; touch /gone/below/x /opaque/old /d/below/x
		echo one > /d/file; ln /d/file /d/hard; ln -s ../nowhere /d/link; mkfifo /d/fifo
		echo x > /d/setuid; chown 12:34 /d/setuid; chmod 6755 /d/setuid; chmod 1777 /d/below
		truncate -s 10M /d/sparse; touch "/d/a name" /d/$(printf '\377\001') `)
	p.run(t, "rootfs", "commit", "first", "first-image")
	p.run(t, "run", "--name", "second", "first-image", "sh", "-ec", `
		rm -r /gone /d/link /opaque; mkdir /opaque; touch /opaque/new; rm /bin/vi; echo two > /d/file; chown 5:6 /d/below`)
	p.run(t, "rootfs", "commit", "second", "second-image")
	image := throughPodman(t, p, pod, "second-image")

	instructions := "FROM " + image + `
		RUN rm -r /opaque /d/below && mkdir -m 2750 /opaque && chown 7:8 /opaque && touch /opaque/newer && ln /d/file /d/again && rm /bin/tar
		CMD ["/bin/sh", "-c", "cat /d/again"]
		ENV DEPTH=9
		WORKDIR /opaque`
	if err := os.WriteFile(pod.in("Containerfile"), []byte(instructions), 0o644); err != nil {
		t.Fatal(err)
	}
	pod.run(t, "build", "--isolation", "chroot", "--tag", "localhost/built", "--file", pod.in("Containerfile"), pod.dir)
	pod.run(t, "save", "--format", "oci-archive", "--output", pod.in("built.tar"), "localhost/built")
	p.run(t, "rootfs", "import", "built", pod.in("built.tar"))
	checkDigests(t, p, pod, "built", "localhost/built")
	pod.run(t, "export", "--output", pod.in("want.tar"), pod.run(t, "create", "--network", "none", "localhost/built"))
	p.run(t, "rootfs", "export", "built", "-o", pod.in("got.tar"))
	if want, got := listing(t, pod.in("want.tar")), listing(t, pod.in("got.tar")); got != want {
		t.Errorf("podman exports\n%s\nand here it is\n%s", want, got)
	}
	if out := p.run(t, "run", "--rm", "built"); out != "two\n" {
		t.Errorf("its command says %q", out)
	}
	if out := p.run(t, "run", "--rm", "built", "sh", "-c", "pwd; echo $DEPTH"); out != "/opaque\n9\n" {
		t.Errorf("its defaults are %q", out)
	}
	p.run(t, "rm", "first", "second")
	p.run(t, "rootfs", "rm", "base", "first-image", "second-image", "built")
}
