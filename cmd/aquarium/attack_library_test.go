package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// poison is a library that leaves a mark in / when it is loaded: in the root
// filesystem, or in a sandbox's layer, where somebody has taken that for its
// root. (No program of the rootfs that the test runs loads any.)
const poison = `
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void load(void) { close(open("/marked", O_CREAT | O_WRONLY, 0644)); }
`

// TestPoisonedLibraries has a rootfs hold what a C library loads to look users
// and hosts up (CVE-2019-14271), for whoever runs a program of the host in it,
// or looks somebody up there.
func TestPoisonedLibraries(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.poisonLibraries(t)
	reading := [][]string{
		{"rootfs", "check", p.bb()},
		{"run", "--rm", "--user", "fish:reef", p.bb(), "true"},
		{"run", "-d", "--name", "x", p.bb(), "sleep", "1000"},
		{"exec", "--user", "fish", "x", "true"},
		{"inspect", "x"}, {"inspect", "--json", "x", "users"}, {"inspect", "x", "files"}, {"ps"},
		{"enter", "-t", "x", "-a", "--", "/bin/busybox", "true"},
		{"stop", "-t", "0", "x"}, {"rootfs", "diff", "x"}, {"rootfs", "commit", "x", "made"},
		{"rootfs", "export", "made", "-o", filepath.Join(p.dir, "made.tar")}, {"rootfs", "import", "again", filepath.Join(p.dir, "made.tar")},
		{"rootfs", "rm", "again", "made"}, {"rm", "x"},
	}
	for _, args := range reading {
		c := p.command(args...)
		c.Dir = filepath.Join(p.bb(), "lib") // where a library without a directory would be found
		out, err := c.CombinedOutput()
		mayNot := strings.Contains(string(out), "setgroups") || strings.Contains(string(out), "setres") // with one id
		if err != nil && !mayNot && args[1] != "check" {
			t.Errorf("aquarium %s: %v: %s", strings.Join(args, " "), err, out)
		}
		if marks := p.marks(t); len(marks) > 0 {
			t.Fatalf("aquarium %s has loaded a library of the root filesystem: %v", strings.Join(args, " "), marks)
		}
	}
	// The control: a program that looks somebody up in the root filesystem.
	out, err := inNamespaces(`chroot "$0" /bin/getent passwd nobody-of-this-name`, p.bb()).CombinedOutput()
	if len(p.marks(t)) == 0 {
		t.Errorf("the poison does nothing: %v: %s", err, out)
	}
}

// marks are where libraries have been loaded.
func (p place) marks(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "marked" {
			found = append(found, path)
		}
		return nil // what is gone, or overlayfs's own, holds none
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// poisonLibraries puts getent(1) of this machine into the rootfs, with its
// libraries, and the poison among them.
func (p place) poisonLibraries(t *testing.T) {
	t.Helper()
	compiler, getent := needProgram(t, "gcc"), needProgram(t, "getent")
	source, library := filepath.Join(p.dir, "poison.c"), filepath.Join(p.dir, "poison.so")
	if err := os.WriteFile(source, []byte(poison), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	needed, err := exec.Command("ldd", getent).Output()
	if err != nil {
		t.Fatal(err)
	}
	err = p.copyIn(getent, "/bin/getent")
	for _, path := range regexp.MustCompile(`/\S+`).FindAllString(string(needed), -1) {
		err = errors.Join(err, p.copyIn(path, path))
	}
	for _, name := range []string{"/lib/libnss_poison.so.2", "/usr/lib/libnss_poison.so.2", filepath.Join(filepath.Dir(loaderOf(string(needed))), "libnss_poison.so.2"), "/lib/x86_64-linux-gnu/libnss_poison.so.2", "/lib/aarch64-linux-gnu/libnss_poison.so.2"} {
		err = errors.Join(err, p.copyIn(library, name))
	}
	const order = "passwd: poison files\ngroup: poison files\nhosts: poison files\n"
	err = errors.Join(err, os.WriteFile(filepath.Join(p.bb(), "etc/nsswitch.conf"), []byte(order), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

// loaderOf is the loader among what ldd(1) prints.
func loaderOf(needed string) string {
	return regexp.MustCompile(`/\S*/ld-linux\S*`).FindString(needed)
}

// copyIn copies a file of the host into the rootfs.
func (p place) copyIn(from, to string) error {
	to = filepath.Join(p.bb(), to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return exec.Command("cp", "-L", from, to).Run()
}
