package rootfs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/inside"
	"aquarium/rootfs/stack"
	"aquarium/runtime/userns"
)

// Written is an overlay with what a sandbox wrote: the upper directory of one of its mounts.
type Written struct {
	Dest  string     // where it is mounted, as the sandbox sees it
	Upper string     // what the sandbox wrote
	Lower []string   // what it started from, the topmost first
	Whole bool       // Upper is no layer, but a copy that the sandbox has written in place of one
	IDs   userns.Map // whom it belongs to: of the sandbox's user namespace
	// Points are where something is mounted, as the sandbox sees it. The launch makes what is missing
	// to mount on.
	Points []string
}

// ChangeKind says what became of a file, in the letters of `docker diff`.
type ChangeKind string

// The kinds of change.
const (
	Added   ChangeKind = "A"
	Changed ChangeKind = "C" // content or attributes; for a directory, that something in it is new or gone
	Deleted ChangeKind = "D"
)

// Change is one difference between a sandbox and the root filesystem it started from.
type Change struct {
	Kind ChangeKind `json:"kind"`
	Path string     `json:"path"` // as the sandbox sees it; any bytes, show it through [Visible]
}

// Diff lists what a sandbox added, changed and deleted, sorted by path. The sandbox may be running.
func Diff(ctx context.Context, overlays []Written) ([]Change, error) {
	if ids, ok := apartFor(overlays); ok {
		var changes []Change
		err := apart{task: taskDiff, args: overlays}.do(ctx, ids, &changes)
		return changes, err
	}
	var changes []Change
	for _, o := range overlays {
		c := comparison{ctx: ctx, dest: o.Dest, points: newPoints(o.Points)}
		if err := c.overlay(o); err != nil {
			return nil, fail("compare", quote(o.Dest), err)
		}
		changes = append(changes, c.changes...)
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes, nil
}

// apartFor are the ids of those that have written, where reading that needs a process apart. There,
// this process is their root already.
func apartFor(overlays []Written) (ids userns.Map, ok bool) {
	if len(overlays) == 0 || os.Geteuid() == 0 {
		return ids, false
	}
	return overlays[0].IDs, overlays[0].IDs.Helped()
}

// comparison is one overlay being compared.
type comparison struct {
	ctx     context.Context
	dest    string
	upper   *inside.Tree
	lower   *stack.Stack
	changes []Change
	points  points
	made    []string // by the launch, to mount on: no changes
	owners  bool     // what is copied keeps them
}

func (c *comparison) overlay(o Written) error {
	var err error
	if c.upper, err = inside.Open(o.Upper); err != nil {
		return err
	}
	defer c.upper.Close()
	if c.lower, err = stack.Open(o.Lower...); err != nil {
		return err
	}
	defer c.lower.Close()
	root, err := c.lower.Root()
	if err != nil {
		return err
	}
	c.owners = os.Geteuid() == 0
	if o.Whole {
		return c.wholeDir("", &root)
	}
	return c.dir("", &root)
}

func (c *comparison) add(kind ChangeKind, name string) {
	c.changes = append(c.changes, Change{kind, path.Join("/", c.dest, name)})
}

// dir compares a directory of the upper layer with the one it is merged with, or nil.
func (c *comparison) dir(dir string, below *stack.Entry) error {
	names, err := c.upper.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := c.entry(path.Join(dir, name), name, below); errors.Is(err, fs.ErrNotExist) {
			continue // the sandbox runs, and has removed it meanwhile
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) entry(name, base string, below *stack.Entry) error {
	st, err := c.upper.Lstat(name)
	if err != nil {
		return err
	}
	was, err := c.before(below, base)
	if err != nil {
		return err
	}
	switch {
	case stack.IsWhiteout(&st):
		if was != nil {
			c.add(Deleted, name)
		}
		return nil
	case was == nil && c.isPoint(name, &st):
		return nil
	case was == nil:
		c.add(Added, name)
	default:
		c.add(Changed, name)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil
	}
	defer c.forget(len(c.changes), name, &st, was)
	if was != nil && !was.IsDir() {
		was = nil
	}
	opaque, err := stack.IsOpaque(c.upper, name)
	if err != nil {
		return err
	}
	if opaque && was != nil {
		if err := c.hidden(name, *was); err != nil {
			return err
		}
		was = nil
	}
	return c.dir(name, was)
}

// before is what was there under a name, or nil.
func (c *comparison) before(dir *stack.Entry, base string) (*stack.Entry, error) {
	if dir == nil {
		return nil, nil
	}
	was, err := c.lower.Lookup(*dir, base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return &was, err
}

// hidden lists what an opaque directory hides and does not have itself.
func (c *comparison) hidden(name string, was stack.Entry) error {
	entries, err := c.lower.ReadDir(was)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := c.upper.Lstat(path.Join(name, path.Base(e.Path))); errors.Is(err, fs.ErrNotExist) {
			c.add(Deleted, e.Path)
		}
	}
	return nil
}

// ReadWritten returns the beginning of a file that a sandbox has written, at most limit bytes, and the
// file's size. The sandbox may have stopped.
func ReadWritten(overlays []Written, name string, limit int64) (content []byte, size int64, err error) {
	if ids, ok := apartFor(overlays); ok {
		var r readResult
		err := apart{task: taskRead, args: readArgs{overlays, name, limit}}.do(context.Background(), ids, &r)
		return r.Content, r.Size, err
	}
	name = path.Join("/", name)
	where := -1
	for i, o := range overlays {
		if within(name, o.Dest) && (where < 0 || len(o.Dest) > len(overlays[where].Dest)) {
			where = i
		}
	}
	if where < 0 {
		return nil, 0, fail("read", quote(name), fs.ErrNotExist)
	}
	upper, err := inside.Open(overlays[where].Upper)
	if err != nil {
		return nil, 0, fail("read", quote(name), err)
	}
	defer upper.Close()
	f, err := upper.OpenFile(strings.TrimPrefix(name, overlays[where].Dest))
	if err != nil {
		return nil, 0, fail("read", quote(name), err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fail("read", quote(name), err)
	}
	content, err = io.ReadAll(io.LimitReader(f, limit))
	return content, info.Size(), err
}

// Commit makes a root filesystem of a sandbox's: what base was, and what the sandbox wrote as one
// more layer. The sandbox may be running; what it writes meanwhile may be in it or not.
func (c *Catalogue) Commit(ctx context.Context, name string, base Rootfs, overlays []Written, o ImportOptions) (Rootfs, error) {
	if err := c.CheckFree(name); err != nil {
		return Rootfs{}, err
	}
	if len(overlays) != 1 || base.Kind == Host {
		return Rootfs{}, fail("commit", quote(base.Name), errors.New("what lies below is this machine, which is no layer")).
			withHint("start from a copy instead: aquarium rootfs create NAME --from host")
	}
	return c.Build(name, func() (Document, error) {
		if overlays[0].Whole {
			return c.wholeDocument(ctx, name, base, overlays[0], o)
		}
		d, err := c.baseDocument(ctx, base, o)
		if err != nil {
			return d, importError(name, err)
		}
		meter := NewMeter(o.Progress, "unpack", "changes", 0)
		defer meter.Stop()
		archive := streamWritten(ctx, overlays[0])
		defer archive.Close()
		layer, err := c.AddLayer(ctx, meter.Reader(archive), LayerOptions{Image: true, Limits: o.Limits})
		if err != nil {
			return d, importError(name, err)
		}
		meter.Finish()
		made := Document{Layers: append(d.Layers, layer.Digest), Defaults: d.Defaults, Config: d.Config, Platform: d.Platform, Notes: slices.Concat(d.Notes, layer.Notes)}
		made.Source = orElse(o.Source, "a sandbox of "+Visible(base.Name))
		return made, nil
	})
}

// baseDocument returns the layers of a root filesystem, and makes one of a plain tree.
func (c *Catalogue) baseDocument(ctx context.Context, base Rootfs, o ImportOptions) (Document, error) {
	d, err := c.documentOf(base)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	archive := c.packed(ctx, []Overlay{{Dest: "/", Lower: []string{base.Path}}})
	defer archive.Close()
	meter := NewMeter(o.Progress, "unpack", "base", 0)
	defer meter.Stop()
	layer, err := c.AddLayer(ctx, meter.Reader(archive), LayerOptions{Limits: o.Limits})
	meter.Finish()
	return Document{Layers: []string{layer.Digest}}, err
}
