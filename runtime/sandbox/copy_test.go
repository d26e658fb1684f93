package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aquarium/rootfs"
	"aquarium/runtime/spec"
)

// onOverlayVariable makes the test binary play TestCopyWhereOverlayIsRefused in
// that directory, which lies on an overlay.
const onOverlayVariable = "AQUARIUM_SANDBOX_TEST_OVERLAY"

// An upper directory on overlay is refused by the kernel. The sandbox gets a
// copy then, is told so, and what it has written there is found all the same.
func TestCopyWhereOverlayIsRefused(t *testing.T) {
	if home := os.Getenv(onOverlayVariable); home != "" {
		copyOnOverlay(t, home)
		return
	}
	dir := t.TempDir()
	script := `set -e; cd "$1"; mkdir l u w m; mount -t overlay -o lowerdir=l,upperdir=u,workdir=w$2 overlay m; mkdir m/home
` + onOverlayVariable + `="$1/m/home" exec "$3" -test.run '^TestCopyWhereOverlayIsRefused$' -test.v`
	args := []string{"-m", "sh", "-c", script, "sh", dir, "", os.Args[0]}
	if os.Geteuid() != 0 {
		args[0], args[6] = "-Urm", ",userxattr"
	}
	out, err := exec.Command("unshare", args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("inside: %v: %s", err, out)
	}
	exec.Command("chmod", "-R", "u+rwx", dir).Run() // overlay's work directory
}

// On the usual filesystems a sandbox has a layer, and that is known at once.
func TestLayersOnUsualFilesystems(t *testing.T) {
	for _, dir := range []string{t.TempDir(), "/dev/shm"} {
		home, err := os.MkdirTemp(dir, "aquarium-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(home) })
		if why := (&Store{Places: Places{Data: home}}).overlayRefused(); why != "" {
			t.Errorf("in %s: %s", dir, why)
		}
	}
}

func copyOnOverlay(t *testing.T, home string) {
	t.Setenv("AQUARIUM_HOME", home)
	s, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	root := withUsers(t, busybox(t))
	before := snapshot(t, root)
	sb, o := runOut(t, s, spec.Options{Rootfs: root, Name: "copied", Command: []string{"sh", "-c", "id -u; echo new >/new; rm /etc/group; echo more >>/etc/passwd; chmod 700 /bin"}})
	if o.output != "0\n" || o.exit.Code != 0 {
		t.Fatalf("the program: %+v", o)
	}
	if len(sb.Notes) == 0 || !slices.ContainsFunc(sb.Notes, func(n string) bool { return strings.HasPrefix(n, "its root is a copy, because ") }) {
		t.Errorf("the notes are %q", sb.Notes)
	}
	if len(sb.Weaker) > 0 {
		t.Errorf("it is called weaker: %q", sb.Weaker)
	}
	if after := snapshot(t, root); after != before {
		t.Errorf("the root filesystem has changed:\n%s\nwas\n%s", after, before)
	}
	if sb, err = s.Find("copied"); err != nil {
		t.Fatal(err)
	}
	written, err := sb.Written()
	if err != nil {
		t.Fatal(err)
	}
	changes, err := rootfs.Diff(t.Context(), written)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range changes {
		if !strings.HasPrefix(c.Path, "/dev") && c.Path != "/proc" && c.Path != "/sys" { // where others are mounted
			lines = append(lines, fmt.Sprintf("%s %s", c.Kind, c.Path))
		}
	}
	if want := []string{"C /bin", "C /etc", "D /etc/group", "C /etc/passwd", "A /new"}; !slices.Equal(lines, want) {
		t.Errorf("the changes are %q, want %q", lines, want)
	}
	base, err := s.Catalogue.Find(root)
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.Catalogue.Commit(t.Context(), "made", base, written, rootfs.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	layers, _, err := s.Catalogue.Layers(made)
	if err != nil || len(layers) != 1 {
		t.Fatalf("layers %q, %v", layers, err)
	}
	if content, err := os.ReadFile(filepath.Join(layers[0], "new")); err != nil || string(content) != "new\n" {
		t.Errorf("committed: %q, %v", content, err)
	}
	if err := sb.Discard(); err == nil || !strings.Contains(err.Error(), "a copy of its root filesystem") {
		t.Errorf("discard: %v", err)
	}
	if err := sb.Remove(t.Context(), false); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(s.sandboxes()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
