// Package unpack applies tar archives that nobody vouches for to a directory.
//
// Every path is resolved below the target with openat2(2), and never through a symbolic link, so
// that no entry, however the archive is arranged and whoever changes the target meanwhile, reaches
// outside. An archive that tries is refused as a whole. No helper program is run.
//
//	compressed bytes ─▶ Open: sniff, decompress, bound ─▶ tar entries ─▶ Apply: files below the target
package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Options say how an archive is applied.
type Options struct {
	// Layer makes names such as ".wh.x" mean that x of the layers below is gone, and writes that as
	// overlayfs has it (OCI image-spec, layer.md; kernel: overlayfs.rst). Otherwise they are names.
	Layer bool
	// Privileged keeps owners, device nodes and privileged attributes. Without it everything belongs
	// to the caller, the owner is noted in the attribute OwnerXattr, and devices are left out.
	Privileged bool
	// Mapped keeps the owners that the caller's user namespace has, as root of that namespace, and
	// the attributes that such a root may give; the rest is as without Privileged.
	Mapped bool
	Limits Limits
	// Made, if not nil, is told now and then how many inodes more there are; see [Stream.Made]. Its
	// error ends the work.
	Made func(inodes int) error
}

// OwnerXattr holds "UID:GID" of a file whose owner could not be kept.
const OwnerXattr = "user.aquarium.owner"

// Report says what came of an archive.
type Report struct {
	Entries int   // in the archive
	Bytes   int64 // of file content
	// What could not be kept, as counts.
	Owners  int // files that belong to the caller instead of their owner
	Devices int // device nodes left out
	Xattrs  int // extended attributes left out
	// Implied are the directories that the archive puts something into without listing them, "" the
	// target itself. They are as mkdir(1) makes them. Bytes, because JSON has no names that are not UTF-8.
	Implied [][]byte
}

// Notes says in sentences what could not be kept.
func (r Report) Notes() []string {
	var notes []string
	add := func(n int, one, many string) {
		if n == 1 {
			notes = append(notes, "1 "+one)
		} else if n > 1 {
			notes = append(notes, fmt.Sprintf("%d %s", n, many))
		}
	}
	add(r.Owners, "file belongs to you instead of its owner", "files belong to you instead of their owners")
	add(r.Devices, "device node was left out", "device nodes were left out")
	add(r.Xattrs, "extended attribute was left out", "extended attributes were left out")
	return notes
}

// EntryError is why an archive was refused or could not be applied.
type EntryError struct {
	Name  string // as in the archive; any bytes
	Cause error
}

func (e *EntryError) Error() string { return fmt.Sprintf("entry %s: %v", shorten(e.Name), e.Cause) }
func (e *EntryError) Unwrap() error { return e.Cause }

// shorten quotes a name so that it neither acts on a terminal nor fills it.
func shorten(name string) string {
	const longest = 120
	if len(name) > longest {
		return fmt.Sprintf("%q…", name[:longest])
	}
	return fmt.Sprintf("%q", name)
}

// Apply unpacks a tar stream, already decompressed, into the existing directory dir. It reads the
// stream to its end, so that a digest taken on the way covers it all. After an error dir holds a
// part of the archive; nothing outside of it was touched.
func Apply(ctx context.Context, dir string, stream io.Reader, o Options) (Report, error) {
	root, err := os.Open(dir)
	if err != nil {
		return Report{}, err
	}
	defer root.Close()
	a := &applier{ctx: ctx, options: o, limits: o.Limits.withDefaults(), root: int(root.Fd()), implied: newImplied()}
	a.stream.reader = stream
	a.contents = newContents(a)
	defer a.closeParent()
	err = a.entries(tar.NewReader(&a.stream))
	if unwritten := a.contents.wait(); err == nil {
		err = unwritten
	}
	if err != nil {
		return a.report, err
	}
	if err := a.finishDirs(); err != nil {
		return a.report, err
	}
	a.report.Implied = a.implied.list()
	if err := a.drain(); err != nil {
		return a.report, err
	}
	return a.report, a.checkEnd()
}

// lose counts something that could not be kept.
func (a *applier) lose(count *int) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	*count++
}

// applier is one archive on its way to the disk.
type applier struct {
	ctx     context.Context
	options Options
	limits  Limits
	report  Report
	stream  counter
	root    int // descriptor of the target

	contents *contents
	mutex    sync.Mutex // guards the counts in report of what could not be kept

	parentPath string // the directory that the last entry went to
	parentFd   int
	hasParent  bool

	inodes  int        // that nobody was told of
	dirs    []dirTimes // set last, because every new entry changes them
	implied implied
}

func (a *applier) entries(archive *tar.Reader) error {
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return streamError(err)
		}
		if err := a.ctx.Err(); err != nil {
			return err
		}
		a.report.Entries++
		if a.report.Entries > a.limits.Entries {
			return fmt.Errorf("more than %d entries: %w", a.limits.Entries, ErrTooMuch)
		}
		if err := a.contents.problem(); err != nil {
			return err
		}
		if header.Typeflag != tar.TypeLink {
			err = a.made(1)
		}
		if err == nil {
			err = a.entry(header, archive)
		}
		if err != nil {
			if a.ctx.Err() != nil || errors.Is(err, ErrTooMuch) {
				return err
			}
			return &EntryError{Name: header.Name, Cause: err}
		}
	}
}

// made counts inodes, and tells of them, some at a time.
func (a *applier) made(inodes int) error {
	const some = 256
	a.inodes += inodes
	if a.options.Made == nil || a.inodes < some {
		return nil
	}
	inodes, a.inodes = a.inodes, 0
	return a.options.Made(inodes)
}

// ErrCutOff is the cause when a stream ends before the archive does.
var ErrCutOff = errors.New("the archive is cut off")

// streamError says in words what is wrong with a stream.
func streamError(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrCutOff
	case errors.Is(err, tar.ErrHeader):
		return errors.New("the archive is damaged, or not a tar")
	}
	return err
}

// checkEnd refuses an archive without its end, two blocks of zeros, because that is how one looks
// that was cut off between two entries. Layers may lack it: their digest tells whether they are whole.
func (a *applier) checkEnd() error {
	const block = 512
	if !a.options.Layer && a.stream.zeros < 2*block {
		return streamError(io.ErrUnexpectedEOF)
	}
	return nil
}

// drain reads the padding after the archive's end.
func (a *applier) drain() error {
	rest := make([]byte, 64<<10)
	for {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		_, err := a.stream.Read(rest)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return streamError(err)
		}
	}
}
