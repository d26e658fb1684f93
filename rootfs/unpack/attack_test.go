package unpack

import (
	"archive/tar"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 10_000)
	tests := []struct {
		name    string
		entries []entry
		want    string // in the error
		layer   bool
	}{
		{"dots", []entry{reg("../secret", "x")}, "leads out of the target", false},
		{"dots inside", []entry{dir("a"), reg("a/../../secret", "x")}, "leads out of the target", false},
		{"dots that stay inside", []entry{dir("a"), reg("a/../b", "x")}, "leads out of the target", false},
		{"absolute", []entry{reg("/etc/target", "x")}, "absolute path", false},
		{"prefix sibling", []entry{reg("../target-sibling/file", "x")}, "leads out of the target", false},
		{"through a link", []entry{sym("a", ".."), reg("a/secret", "x")}, "through a symbolic link", false},
		{"through an absolute link", []entry{sym("a", "/tmp"), reg("a/x", "x")}, "through a symbolic link", false},
		{"two hops", []entry{dir("d"), sym("d/a", "../b"), sym("b", ".."), reg("d/a/secret", "x")}, "through a symbolic link", false},
		{"directory through a link", []entry{sym("a", ".."), dir("a/made")}, "through a symbolic link", false},
		{"directory over a link", []entry{sym("a", ".."), dir("a")}, "no directory", false},
		{"link to a link out", []entry{sym("a", "../secret"), hard("b", "a"), reg("b/x", "x")}, "through a symbolic link", false},
		{"hard link out", []entry{hard("a", "../secret")}, "not below the target", false},
		{"hard link absolute", []entry{hard("a", "/etc/passwd")}, "not below the target", false},
		{"hard link through a link", []entry{sym("up", ".."), hard("a", "up/secret")}, "it is a hard link", false},
		{"hard link to nothing", []entry{hard("a", "none")}, "no such file", false},
		{"hard link to a directory", []entry{dir("d"), hard("a", "d")}, "it is a hard link", false},
		{"hard link to itself", []entry{reg("a", "x"), hard("a", "a")}, "itself", false},
		{"file over a directory", []entry{dir("a"), reg("a", "x")}, "is a directory", false},
		{"file is the target", []entry{reg(".", "x")}, "only a directory", false},
		{"file below a file", []entry{reg("a", "x"), reg("a/b", "x")}, "its directory is something else", false},
		{"long name", []entry{reg(long, "x")}, "longer than", false},
		{"long part", []entry{reg(strings.Repeat("p", 256), "x")}, "longer than 255", false},
		{"long target", []entry{sym("a", long)}, "no path", false},
		{"huge attribute", []entry{xattr(reg("a", "x"), "user.big", strings.Repeat("x", 70_000))}, "too large", false},
		{"long attribute name", []entry{xattr(reg("a", "x"), "user."+strings.Repeat("x", 300), "x")}, "too large", false},
		{"escape sequences", []entry{reg("\x1b]0;x\x07\x1b[31m/../x", "x")}, `\x1b]0;x\a\x1b[31m/../x": the name leads out`, false},
		{"several lines", []entry{sym("a\nb", ".."), reg("a\nb/c", "x")}, `a\nb/c": its directory is reached`, false},
		{"not UTF-8", []entry{reg("\xff\xfe/../x", "x")}, `\xff\xfe/../x": the name leads out`, false},
		{"hard link to a device's name", []entry{hard("null", "/dev/null")}, "not below the target", false},
		{"hard link by two hops", []entry{dir("d"), sym("d/up", ".."), sym("out", "d/up/.."), hard("a", "out/secret")}, "it is a hard link", false},
		{"hard link from a prefix sibling", []entry{hard("a", "../target-sibling/file")}, "not below the target", false},
		{"link over the target", []entry{sym("./", "..")}, "only a directory", false},
		{"link over a directory", []entry{dir("a"), sym("a", ".."), reg("a/secret", "x")}, "is a directory", false},
		{"directory that became a link", []entry{reg("a", "x"), sym("a", ".."), reg("a/secret", "x")}, "through a symbolic link", false},
		{"device below a link", []entry{sym("a", ".."), node("a/null", tar.TypeChar, 1, 3)}, "through a symbolic link", false},
		{"FIFO below a link", []entry{sym("a", ".."), node("a/fifo", tar.TypeFifo, 0, 0)}, "through a symbolic link", false},
		{"owner that cannot be", []entry{{tar.Header{Name: "a", Typeflag: tar.TypeReg, Uid: 1 << 40, Format: tar.FormatPAX}, ""}}, "does not exist", false},
		{"owner that means none", []entry{{tar.Header{Name: "a", Typeflag: tar.TypeReg, Gid: 1<<32 - 1, Format: tar.FormatPAX}, ""}}, "does not exist", false},
		{"whiteout below two hops", []entry{dir("d"), sym("d/a", "../b"), sym("b", ".."), reg("d/a/.wh.secret", "")}, "through a symbolic link", true},
		{"whiteout of a file above", []entry{reg("../.wh.secret", "")}, "leads out of the target", true},
		{"opaque marker above", []entry{reg("../.wh..wh..opq", "")}, "leads out of the target", true},
		{"whiteout as a device", []entry{node("a", tar.TypeChar, 0, 0)}, "0/0", false},
		{"device without number", []entry{node("a", tar.TypeBlock, 1<<20, 0)}, "does not exist", false},
		{"unknown type", []entry{{tar.Header{Name: "a", Typeflag: 'Z'}, ""}}, "not known", false},
		{"whiteout of nothing", []entry{reg(".wh.", "")}, "hides nothing", true},
		{"whiteout of here", []entry{reg("d/.wh..", "")}, "hides nothing", true},
		{"whiteout of above", []entry{reg("d/.wh...", "")}, "hides nothing", true},
		{"whiteout through a link", []entry{sym("a", ".."), reg("a/.wh.secret", "")}, "through a symbolic link", true},
		{"opaque through a link", []entry{sym("a", ".."), reg("a/.wh..wh..opq", "")}, "through a symbolic link", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newArena(t)
			_, err := a.apply(archive(t, test.entries...), Options{Layer: test.layer})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			} else if len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("the error is no line for a terminal: %q", err)
			}
			a.checkOutside(t)
		})
	}
}

// Extended headers of any size are possible, and those of any sense are small.
func TestHugeExtendedHeader(t *testing.T) {
	t.Parallel()
	record := "user.big=" + strings.Repeat("x", 8<<20) + "\n"
	record = fmt.Sprintf("%d SCHILY.xattr.%s", len(record)+len("SCHILY.xattr.")+8, record)
	data := archive(t, reg("pax", record), reg("a", "x"))
	for _, kind := range []byte{tar.TypeXHeader, tar.TypeXGlobalHeader, tar.TypeGNULongName, tar.TypeGNULongLink} {
		a := newArena(t)
		retype(data, kind)
		if _, err := a.apply(data, Options{}); err == nil || len(err.Error()) > 500 {
			t.Errorf("type %q: the error is %v", kind, err)
		}
		a.checkOutside(t)
	}
}

// retype makes the first entry of an archive another kind, and its checksum right (tar(5)).
func retype(data []byte, kind byte) {
	data[156] = kind
	copy(data[148:156], "        ")
	sum := 0
	for _, b := range data[:512] {
		sum += int(b)
	}
	copy(data[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

// As deep as names go, and at times that no clock shows.
func TestOddEntries(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	deep := strings.TrimSuffix(strings.Repeat("d/", 1800), "/")
	entries := []entry{reg(deep+"/file", "deep"), reg("future", "x"), reg("past", "x"), dir("times")}
	for i, seconds := range []int64{0, 1 << 55, -1 << 40, 1<<62 - 1} {
		entries[i].ModTime, entries[i].Format = time.Unix(seconds, 0), tar.FormatPAX
	}
	if _, err := a.apply(archive(t, entries...), Options{}); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(a.target, deep, "file")); string(data) != "deep" {
		t.Errorf("the deep file holds %q, %v", data, err)
	}
	a.checkOutside(t)
}

// Somebody who can write to the target exchanges directories for links while it is being filled.
func TestTargetUnderChange(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	var entries []entry
	for i := range 300 {
		entries = append(entries, reg(fmt.Sprintf("d/%d", i%3), "x"), reg(fmt.Sprintf("e/%d", i%3), "x"))
	}
	data := archive(t, entries...)
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		d, moved := filepath.Join(a.target, "d"), filepath.Join(a.target, "moved")
		for {
			select {
			case <-stop:
				return
			default:
				unix.Rename(d, moved)
				unix.Symlink("../target-sibling", d)
				unix.Unlink(d)
				unix.Rename(moved, d)
			}
		}
	}()
	for range 20 {
		a.apply(data, Options{}) // may fail: the target is being changed
	}
	close(stop)
	<-stopped
	a.checkOutside(t)
}
