package stack

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pile makes layers, the lowest first, out of lines: "d DIR", "o DIR" (opaque), "w NAME" (whiteout),
// "l NAME TARGET", "f NAME CONTENT".
func pile(t *testing.T, layers ...string) *Stack {
	t.Helper()
	base := t.TempDir()
	var dirs []string
	for i, lines := range layers {
		dir := filepath.Join(base, string(rune('a'+i)))
		dirs = append([]string{dir}, dirs...)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(lines, "\n") {
			words := strings.SplitN(strings.TrimSpace(line), " ", 3)
			if len(words) < 2 {
				continue
			}
			name := filepath.Join(dir, words[1])
			err := os.MkdirAll(filepath.Dir(name), 0o755)
			switch words[0] {
			case "d":
				err = errors.Join(err, os.MkdirAll(name, 0o755))
			case "o":
				err = errors.Join(err, os.MkdirAll(name, 0o755), unix.Setxattr(name, "user.overlay.opaque", []byte("y"), 0))
			case "w":
				err = errors.Join(err, unix.Mknod(name, unix.S_IFCHR, 0))
			case "l":
				err = errors.Join(err, os.Symlink(words[2], name))
			case "f":
				err = errors.Join(err, os.WriteFile(name, []byte(words[2]), 0o644))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := Open(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	s := pile(t, `
		f kept low
		f over low
		f gone low
		f d/low low
		f d/gone low
		f o/low low
		f later/low low
		f usr/lib/x low
		l lib usr/lib
		l abs /usr/lib/x`, `
		f over high
		w gone
		f d/high high
		w d/gone
		o o
		f o/high high
		f later high
		l usr/lib/up ../../kept
		l out ../../../../../../kept
		l circle circle
		l across /d/low
		f d/low/not-a-dir high`)
	for path, want := range map[string]string{
		"kept": "low", "/kept": "low", "over": "high", "d/high": "high", "o/high": "high", "later": "high", "lib/x": "low", "abs": "low",
		"lib/up": "low", "out": "low", "lib/../../kept": "low", "d/./high": "high",
	} {
		if data, err := s.ReadFile(path, 100); err != nil || string(data) != want {
			t.Errorf("%s holds %q, %v; want %q", path, data, err, want)
		}
	}
	for path, want := range map[string]error{
		"gone": fs.ErrNotExist, "d/gone": fs.ErrNotExist, "o/low": fs.ErrNotExist, "later/low": unix.ENOTDIR, "circle": unix.ELOOP,
		"none": fs.ErrNotExist, "kept/x": unix.ENOTDIR,
	} {
		if data, err := s.ReadFile(path, 100); !errors.Is(err, want) {
			t.Errorf("%s holds %q, %v; want %v", path, data, err, want)
		}
	}
	for _, path := range []string{"", "/", "d"} {
		if _, err := s.ReadFile(path, 100); err == nil {
			t.Errorf("the directory %q was read", path)
		}
	}
}

func TestReadDir(t *testing.T) {
	t.Parallel()
	s := pile(t, "f d/a 1\nf d/b 1\nf d/c 1", "w d/a\nf d/d 2", "f d/b 3\nw d/never")
	entry, err := s.Resolve("d", true)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := s.ReadDir(entry)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Path)
	}
	if want := "d/b d/c d/d"; strings.Join(got, " ") != want {
		t.Errorf("the directory holds %q, want %s", got, want)
	}
	if entries[0].Layer() != 0 || entries[1].Layer() != 2 {
		t.Errorf("d/b comes from layer %d, d/c from %d", entries[0].Layer(), entries[1].Layer())
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	for layers, want := range map[string]bool{"": true, "f a x|w a": true, "f a x|": false} {
		s := pile(t, strings.Split(layers, "|")...)
		if empty, err := s.Empty(); empty != want || err != nil {
			t.Errorf("%q is empty: %v, %v; want %v", layers, empty, err, want)
		}
	}
}

// FuzzPile makes a pile of layers out of bytes, and reads a path of it: what is
// read is of the pile, and never what a layer above has hidden.
func FuzzPile(f *testing.F) {
	names := []string{"a", "b", "a/a", "a/b", "b/a", "a/a/a"}
	targets := []string{"b", "../b", "../outside", "/outside", "/a", ".", "a/../../b", "../../../../../../../../outside"}
	f.Add([]byte{0, 0, 6, 1, 12, 2}, "a")
	f.Add([]byte{3, 2, 3, 3, 3, 4}, "a/../b")
	f.Add([]byte{0, 0, 128, 2, 0}, "/a/./b/")
	f.Add([]byte{0x1b, 0x23, 0x2b, 0x33}, "a/a/a")
	f.Fuzz(func(t *testing.T, shape []byte, path string) {
		base := t.TempDir()
		if err := os.WriteFile(filepath.Join(base, "outside"), []byte("outside"), 0o644); err != nil {
			t.Fatal(err)
		}
		dirs := []string{filepath.Join(base, "low"), filepath.Join(base, "high")}
		for _, dir := range dirs {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		whiteouts := map[string]bool{}
		for _, b := range shape[:min(len(shape), 40)] {
			dir := dirs[b>>7]
			name := names[int(b>>3&15)%len(names)]
			at := filepath.Join(dir, name)
			if within, err := os.OpenRoot(dir); err == nil { // no link is followed out
				_, err = within.Stat(filepath.Dir(name))
				within.Close()
				if err != nil {
					continue
				}
			}
			switch b & 7 {
			case 0, 1: // what cannot be made there is left out
				makeFile(at, "of "+filepath.Base(dir))
			case 2:
				os.Mkdir(at, 0o755)
			case 3, 4:
				os.Symlink(targets[int(b>>3)%len(targets)], at)
			case 5:
				if unix.Mknod(at, unix.S_IFCHR, 0) == nil {
					whiteouts[at] = true
				}
			case 6:
				unix.Lsetxattr(at, "user.overlay.opaque", []byte("y"), 0)
			case 7:
				unix.Mkfifo(at, 0o644)
			}
		}
		s, err := Open(dirs[1], dirs[0])
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		content, err := s.ReadFile(path, 100)
		if text := string(content); err == nil && text != "of low" && text != "of high" {
			t.Errorf("%q holds %q", path, text)
		}
		if e, err := s.Resolve(path, false); err == nil && whiteouts[filepath.Join(dirs[1], e.Path)] {
			t.Errorf("%q is %q, which is gone", path, e.Path)
		}
	})
}

// makeFile makes a file, where there is nothing yet.
func makeFile(path, content string) {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return
	}
	unix.Write(fd, []byte(content))
	unix.Close(fd)
}
