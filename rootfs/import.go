package rootfs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/pack"
	"aquarium/rootfs/stack"
	"aquarium/rootfs/unpack"
	"aquarium/runtime/userns"
)

// Progress says how far something is. It comes at most some ten times a second for each item, and
// once when the item is finished.
type Progress struct {
	Stage string // "read", "download", "unpack", "write", or what a program that runs says
	Item  string // which of several: a layer's digest, a package; may be ""
	Done  int64  // bytes
	Total int64  // bytes; 0 where nobody knows
}

// ImportOptions go with everything that makes a root filesystem.
type ImportOptions struct {
	Limits   unpack.Limits  // of what an archive may expand to
	Progress func(Progress) // may be nil; calls never overlap within one import
	Source   string         // what to note as the origin; a sensible text if ""
	Defaults Defaults
}

// Hold keeps layers from being removed until release is called.
func (c *Catalogue) Hold() (release func(), err error) {
	hold, err := c.holdStore()
	if err != nil {
		return nil, err
	}
	return func() { hold.Close() }, nil
}

// ImportArchive makes a root filesystem of a tar archive: plain, gzip, xz, zstd or bzip2. size is
// that of the stream in bytes, for the progress, or 0. A canceled or refused import leaves nothing.
func (c *Catalogue) ImportArchive(ctx context.Context, name string, archive io.Reader, size int64, o ImportOptions) (Rootfs, error) {
	return c.Build(name, func() (Document, error) {
		meter := NewMeter(o.Progress, "unpack", "", size)
		defer meter.Stop()
		layer, err := c.AddLayer(ctx, meter.Reader(archive), LayerOptions{Limits: o.Limits})
		if err != nil {
			return Document{}, importError(name, err)
		}
		meter.Finish()
		return Document{Layers: []string{layer.Digest}, Defaults: o.Defaults, Source: orElse(o.Source, "an archive"), Notes: layer.Notes}, nil
	})
}

// Build makes a root filesystem of layers that add brings into the store; while it runs no layer is
// removed. When it fails, the layers that the document names so far go again, unless others have them.
func (c *Catalogue) Build(name string, add func() (Document, error)) (Rootfs, error) {
	if err := c.CheckFree(name); err != nil {
		return Rootfs{}, err
	}
	release, err := c.Hold()
	if err != nil {
		return Rootfs{}, err
	}
	d, err := add()
	var made Rootfs
	if err == nil {
		made, err = c.Put(name, d)
	}
	release()
	if err != nil {
		_ = c.RemoveUnneeded(d.Layers) // what stays, because somebody else is at work, Prune finds
		return Rootfs{}, err
	}
	return made, nil
}

// ImportDirectory makes a root filesystem of a copy of a directory, without what is mounted below.
func (c *Catalogue) ImportDirectory(ctx context.Context, name, dir string, o ImportOptions) (Rootfs, error) {
	dir = absolute(dir)
	if within(c.dataDir, dir) {
		return Rootfs{}, fail("import", quote(dir), errors.New("the data directory is inside it"))
	}
	o.Source = orElse(o.Source, dir)
	return c.importTrees(ctx, name, []Overlay{{Dest: "/", Lower: []string{dir}}}, o)
}

// importTrees makes a root filesystem of what overlays show, packed into one layer.
func (c *Catalogue) importTrees(ctx context.Context, name string, overlays []Overlay, o ImportOptions) (Rootfs, error) {
	archive := c.packed(ctx, overlays)
	defer archive.Close()
	return c.ImportArchive(ctx, name, archive, 0, o)
}

// packed streams what overlays show as one archive.
func (c *Catalogue) packed(ctx context.Context, overlays []Overlay) io.ReadCloser {
	ids, ok := c.subordinate()
	if ok && !slices.ContainsFunc(overlays, func(o Overlay) bool { return !ours(o.Lower...) }) {
		return streamApart(ctx, ids, taskPack, overlays)
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(packOverlays(ctx, writer, overlays, ids)) }()
	return reader
}

// packOverlays writes what overlays show as one archive. ids are those that this user keeps files of
// others by.
func packOverlays(ctx context.Context, w io.Writer, overlays []Overlay, ids userns.Map) error {
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	archive := pack.NewWriter(ctx, w)
	archive.WrittenBy(ids)
	for _, o := range overlays {
		s, err := stack.Open(o.Lower...)
		if err != nil {
			return err
		}
		archive.StopAt(mountsInside(mounts, o.Lower))
		err = archive.Tree(s, o.Dest)
		s.Close()
		if err != nil {
			return packError(o, err)
		}
	}
	return archive.Close()
}

// packError names the file that could not be packed.
func packError(o Overlay, err error) error {
	var at *fs.PathError
	if !errors.As(err, &at) {
		return err
	}
	path := filepath.Join("/", o.Dest, at.Path)
	if len(o.Lower) == 1 {
		path = filepath.Join(o.Lower[0], at.Path)
	}
	return errText("read %s: %w", quote(path), at.Err)
}

// mountsInside returns what is mounted within directories, as paths relative to them: overlayfs does
// not show it either.
func mountsInside(mounts mountTable, dirs []string) []string {
	var inside []string
	for _, dir := range dirs {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			for _, point := range mounts.below(real) {
				inside = append(inside, strings.TrimPrefix(strings.TrimPrefix(point, real), "/"))
			}
		}
	}
	return inside
}

// adoptLayer makes a layer of the finished directory work/tree without copying it.
func (c *Catalogue) adoptLayer(ctx context.Context, work string) (Layer, error) {
	sum := sha256.New()
	counted := &countingWriter{w: sum}
	if err := packOverlays(ctx, counted, []Overlay{{Dest: "/", Lower: []string{filepath.Join(work, "tree")}}}, userns.Map{}); err != nil {
		return Layer{}, err
	}
	l := Layer{Digest: "sha256:" + hex.EncodeToString(sum.Sum(nil)), Bytes: counted.n}
	if _, known := c.Layer(l.Digest); known {
		return l, nil
	}
	return l, c.publishLayer(work, l)
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func importError(name string, err error) error { return MakeError("import", name, err) }

// MakeError is the error of something that makes a root filesystem, with a way out where there is
// one. An error that is one line about an object already stays as it is.
func MakeError(verb, object string, err error) error {
	var done *Error
	if errors.As(err, &done) {
		return err
	}
	e := fail(verb, quote(object), err)
	switch {
	case errors.Is(err, unpack.ErrTooMuch):
		return e.withHint("--allow-large lifts the limit")
	case errors.Is(err, unix.ENOSPC):
		return e.withHint("free some space, for instance with aquarium rootfs prune")
	}
	return e
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
