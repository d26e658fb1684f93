package rootfs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sandboxOf runs a script in an overlay of its own over a root filesystem.
func sandboxOf(t *testing.T, c *Catalogue, r Rootfs, script string) []Written {
	t.Helper()
	view, err := c.View(r, isRoot())
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(workspace(t), "work")
	runInView(t, view, work, "exec 2>/dev/null; rmdir /dev || true; "+script)
	var written []Written
	for i, o := range view.Overlays {
		written = append(written, Written{Dest: o.Dest, Upper: filepath.Join(work, fmt.Sprint(i), "upper"), Lower: o.Lower})
	}
	return written
}

func TestDiffAndCommit(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	needProgram(t, "busybox")
	c := newStore(t)
	base, err := c.Create(t.Context(), "base", "busybox", ImportOptions{Defaults: Defaults{Env: []string{"A=b"}}})
	if err != nil {
		t.Fatal(err)
	}
	written := sandboxOf(t, c, base, `
		echo new > /etc/new; echo more >> /etc/passwd; rm /etc/group
		mkdir -p /made/below; echo x > /made/below/file
		rm -r /var; mkdir /var; echo y > /var/y
		rm /usr/bin/awk; ln -s nowhere /usr/bin/awk`)
	changes, err := Diff(t.Context(), written)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, change := range changes {
		got = append(got, string(change.Kind)+" "+change.Path)
	}
	want := []string{
		"C /etc", "D /etc/group", "A /etc/new", "C /etc/passwd", "A /made", "A /made/below", "A /made/below/file",
		"C /usr", "C /usr/bin", "C /usr/bin/awk", "C /var", "D /var/log", "D /var/tmp", "A /var/y",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the changes are %q, want %q", got, want)
	}
	made, err := c.Commit(t.Context(), "made", base, written, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := c.Document("made"); err != nil || len(d.Layers) != 2 || fmt.Sprint(d.Defaults.Env) != "[A=b]" || d.Source != "a sandbox of base" {
		t.Errorf("the document is %+v, %v", d, err)
	}
	view, err := c.View(made, isRoot())
	if err != nil {
		t.Fatal(err)
	}
	out := runInView(t, view, filepath.Join(workspace(t), "work"), `
		cat /etc/new /made/below/file /var/y; ls /var; ! test -e /etc/group; readlink /usr/bin/awk; stat -c '%u:%g' /etc/new; grep -c more /etc/passwd`)
	if out != "new\nx\ny\ny\nnowhere\n0:0\n1\n" {
		t.Errorf("the committed root says %q", out)
	}
	// What the kernel shows and what an export holds is the same.
	var tar bytes.Buffer
	if err := c.ExportTar(t.Context(), made, &tar, nil); err != nil {
		t.Fatal(err)
	}
	listing := runInView(t, view, filepath.Join(workspace(t), "work"), `rmdir /dev 2>/dev/null || true; find / -xdev -path /dev -prune -o -print | sort`)
	again := c.mustImport(t, "again", tar.Bytes())
	if view, err = c.View(again, isRoot()); err != nil {
		t.Fatal(err)
	}
	flat := runInView(t, view, filepath.Join(workspace(t), "work"), `rmdir /dev 2>/dev/null || true; find / -xdev -path /dev -prune -o -print | sort`)
	if listing != flat || strings.Count(flat, "\n") < 100 {
		t.Errorf("the layers show\n%s\nthe export\n%s", listing, flat)
	}
}

// What a launch has made to mount on is no change of the sandbox's.
func TestDiffWithoutMountPoints(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{false, true} {
		lower, upper := t.TempDir(), t.TempDir()
		tree(t, lower, map[string]string{"etc/kept": "x", "srv/": ""})
		tree(t, upper, map[string]string{
			"dev/": "", "proc/": "", "sys/": "", "tmp/file": "x", "etc/resolv.conf": "", "etc/hosts": "x", "srv/": "", "srv/in/deep/": "",
			"data/deep/": "", "data/other": "x", "mine/": "", "new/er/": "",
		})
		if whole {
			tree(t, upper, map[string]string{"etc/kept": "x"})
			if err := os.Chtimes(filepath.Join(upper, "etc/kept"), time.Unix(0, 0), time.Unix(0, 0)); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(filepath.Join(lower, "etc/kept"), time.Unix(0, 0), time.Unix(0, 0)); err != nil {
				t.Fatal(err)
			}
		}
		points := []string{"/dev", "/dev/pts", "/proc", "/sys", "/tmp", "/etc/resolv.conf", "/etc/hosts", "/srv/in/deep", "/data/deep", "/new/er"}
		changes, err := Diff(t.Context(), []Written{{Dest: "/", Upper: upper, Lower: []string{lower}, Whole: whole, Points: points}})
		if err != nil {
			t.Fatal(err)
		}
		const want = "[{A /data} {A /data/other} {C /etc} {A /etc/hosts} {A /mine} {A /tmp} {A /tmp/file}]"
		if got := fmt.Sprint(changes); got != want {
			t.Errorf("the changes are %s, want %s", got, want)
		}
	}
}

// Nor is it kept by a commit.
func TestCommitWithoutMountPoints(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	base := c.mustImport(t, "base", tarOf(t, [2]string{"etc/kept", "x"}, [2]string{"sys/", ""}))
	lower, err := c.lowerOf(base)
	if err != nil {
		t.Fatal(err)
	}
	upper := tree(t, t.TempDir(), map[string]string{"dev/": "", "proc/": "", "sys/": "", "tmp/file": "x", "data/deep/": "", "mine/": ""})
	written := []Written{{Dest: "/", Upper: upper, Lower: lower, Points: []string{"/dev", "/proc", "/sys", "/tmp", "/data/deep"}}}
	made, err := c.Commit(t.Context(), "made", base, written, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dirs, _, err := c.Layers(made)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dirs[1])
	if got := fmt.Sprint(entries); err != nil || got != "[d mine/ d sys/ d tmp/]" {
		t.Errorf("the layer holds %s (%v)", got, err)
	}
}

func TestCommitOfDirectory(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	c := newStore(t)
	dir := busyboxTree(t, workspace(t))
	tree(t, dir, map[string]string{"dev/": ""})
	base, err := c.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.Commit(t.Context(), "made", base, sandboxOf(t, c, base, `/bin/busybox echo x > /new`), ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if made.Problem != "" {
		t.Errorf("the problem is %q", made.Problem)
	}
	if got := c.left(t); got != "1 2 0" {
		t.Errorf("names, layers and work are %s, want 1 2 0", got)
	}
	if _, err := os.Lstat(filepath.Join(dir, "new")); err == nil {
		t.Error("the directory itself was written to")
	}
}

func TestCommitOfHost(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	if _, err := c.Commit(t.Context(), "made", c.host(), []Written{{}, {}}, ImportOptions{}); err == nil || !strings.Contains(err.Error(), "is no layer") {
		t.Errorf("the error is %v", err)
	}
}
