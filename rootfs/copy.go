package rootfs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/stack"
	"aquarium/rootfs/unpack"
	"aquarium/runtime/userns"
)

// Copy copies what overlays show into an existing directory, for a sandbox with these ids: where no
// overlay can be mounted, it is what the sandbox writes.
func (c *Catalogue) Copy(ctx context.Context, overlays []Overlay, dir string, ids userns.Map) error {
	archive := c.packed(ctx, overlays)
	defer archive.Close()
	if ids.Helped() {
		return apart{task: taskUnpack, args: unpackArgs{Dir: dir}, in: archive}.do(ctx, ids, nil)
	}
	_, err := unpack.Apply(ctx, dir, archive, unpack.Options{Privileged: os.Geteuid() == 0})
	return err
}

// streamWhole packs a copy that a sandbox has written.
func streamWhole(ctx context.Context, o Written) io.ReadCloser {
	overlays := []Overlay{{Dest: "/", Lower: []string{o.Upper}}}
	if o.IDs.Helped() {
		return streamApart(ctx, o.IDs, taskPack, overlays)
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(packOverlays(ctx, writer, overlays, o.IDs)) }()
	return reader
}

// wholeDocument describes a root filesystem of one layer, made of a copy.
func (c *Catalogue) wholeDocument(ctx context.Context, name string, base Rootfs, written Written, o ImportOptions) (Document, error) {
	d, err := c.documentOf(base)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a plain tree has none
		return d, importError(name, err)
	}
	meter := NewMeter(o.Progress, "unpack", "copy", 0)
	defer meter.Stop()
	archive := streamWhole(ctx, written)
	defer archive.Close()
	layer, err := c.AddLayer(ctx, meter.Reader(archive), LayerOptions{Limits: o.Limits})
	if err != nil {
		return d, importError(name, err)
	}
	meter.Finish()
	made := Document{Layers: []string{layer.Digest}, Defaults: d.Defaults, Config: d.Config, Platform: d.Platform, Notes: layer.Notes}
	made.Source = orElse(o.Source, "a sandbox of "+Visible(base.Name))
	return made, nil
}

// wholeDir compares a directory of a copy with what it is a copy of, or nil.
func (c *comparison) wholeDir(dir string, below *stack.Entry) error {
	names, err := c.upper.ReadDir(dir)
	if err != nil {
		return err
	}
	if below != nil {
		entries, err := c.lower.ReadDir(*below)
		if err != nil {
			return err
		}
		for _, e := range entries {
			names = append(names, path.Base(e.Path))
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := c.wholeEntry(path.Join(dir, name), name, below); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) wholeEntry(name, base string, below *stack.Entry) error {
	was, err := c.before(below, base)
	if err != nil {
		return err
	}
	st, err := c.upper.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && was != nil:
		c.add(Deleted, name)
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	switch {
	case was == nil && c.isPoint(name, &st):
		return nil
	case was == nil:
		c.add(Added, name)
	case c.differs(&st, was):
		c.add(Changed, name)
	case isDir:
		return c.wholeUnchanged(name, was)
	}
	if !isDir {
		return nil
	}
	defer c.forget(len(c.changes), name, &st, was)
	if was != nil && !was.IsDir() {
		was = nil
	}
	return c.wholeDir(name, was)
}

// wholeUnchanged looks into a directory that has itself not changed. It has, if something in it is
// new or gone.
func (c *comparison) wholeUnchanged(name string, was *stack.Entry) error {
	before := len(c.changes)
	if err := c.wholeDir(name, was); err != nil {
		return err
	}
	if len(c.changes) > before {
		c.add(Changed, name)
	}
	return nil
}

// differs tells whether a file is another than the one that it is a copy of. Copies keep times.
func (c *comparison) differs(st *unix.Stat_t, was *stack.Entry) bool {
	if st.Mode != was.Stat.Mode || c.owners && (st.Uid != was.Stat.Uid || st.Gid != was.Stat.Gid) {
		return true
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return false
	case unix.S_IFLNK:
		now, errNow := c.upper.Readlink(was.Path)
		then, errThen := c.lower.Tree(*was).Readlink(was.Path)
		return errNow != nil || errThen != nil || now != then
	}
	return st.Size != was.Stat.Size || st.Mtim != was.Stat.Mtim || st.Rdev != was.Stat.Rdev
}
