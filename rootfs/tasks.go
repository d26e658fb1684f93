package rootfs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"

	"aquarium/rootfs/pack"
	"aquarium/rootfs/stack"
	"aquarium/rootfs/unpack"
	"aquarium/runtime/kernel"
	"aquarium/runtime/userns"
)

// KeepOwners has the catalogue keep files of other owners than this process's user, by the
// subordinate ids that find returns. Where there are none, it returns an error, and everything belongs
// to the user. Call it before use.
func (c *Catalogue) KeepOwners(find func() (userns.Map, error)) { c.find = find }

// MakeNothing has View only say what it would make. Call it before use.
func (c *Catalogue) MakeNothing() { c.makesNothing = true }

// subordinate are the ids that files are kept by; ok is false where there are none, or none needed.
func (c *Catalogue) subordinate() (ids userns.Map, ok bool) {
	if c.find == nil || os.Geteuid() == 0 {
		return ids, false
	}
	ids, err := c.find()
	return ids, err == nil && ids.Helped()
}

// What is done apart. The arguments are in the order, archives are read from descriptor 0 and written
// to descriptor 1.
const (
	taskUnpack  = "unpack"  // an archive into a directory
	taskPack    = "pack"    // what overlays show
	taskLayer   = "layer"   // one layer by itself
	taskWritten = "written" // what a sandbox has written, as a layer
	taskImplied = "implied" // directories of a pile of layers that are not listed
	taskRemove  = "remove"  // a tree
	taskDiff    = "diff"    // what a sandbox has written
	taskRead    = "read"    // a file of that
	taskSize    = "size"    // of a tree
	taskCheck   = "check"   // a pile of layers
	taskExamine = "examine" // the same, for a document
)

// worker does apart what it is told.
type worker struct{ told *json.Encoder } // for outcomes

// perform does what an order says.
func (w worker) perform(ctx context.Context, o order) (any, error) {
	switch o.Task {
	case taskUnpack:
		return with(ctx, o.Args, w.unpack)
	case taskPack:
		return with(ctx, o.Args, func(ctx context.Context, overlays []Overlay) (any, error) {
			return nil, packOverlays(ctx, os.Stdout, overlays, userns.Map{})
		})
	case taskLayer:
		return with(ctx, o.Args, func(ctx context.Context, dir string) (any, error) {
			return nil, pack.WriteLayer(ctx, os.Stdout, dir, userns.Map{}, nil)
		})
	case taskWritten:
		return with(ctx, o.Args, func(ctx context.Context, written Written) (any, error) {
			return nil, packWritten(ctx, os.Stdout, written, userns.Map{})
		})
	case taskImplied:
		return with(ctx, o.Args, func(ctx context.Context, pile []pack.Sparse) (any, error) {
			return nil, packImplied(ctx, os.Stdout, pile)
		})
	case taskRemove:
		return with(ctx, o.Args, func(_ context.Context, path string) (any, error) { return nil, kernel.RemoveTree(path) })
	case taskDiff:
		return with(ctx, o.Args, Diff)
	case taskRead:
		return with(ctx, o.Args, func(_ context.Context, r readArgs) (readResult, error) {
			content, size, err := ReadWritten(r.Written, r.Name, r.Limit)
			return readResult{content, size}, err
		})
	case taskSize:
		return with(ctx, o.Args, Size)
	case taskCheck:
		return with(ctx, o.Args, func(_ context.Context, dirs []string) ([]Finding, error) { return checkStack(dirs) })
	case taskExamine:
		return with(ctx, o.Args, func(_ context.Context, e examineArgs) (Document, error) { return examineLayers(e.Dirs, e.Document) })
	}
	return nil, fmt.Errorf("unknown task %q", o.Task)
}

// with decodes the arguments of a task and does it.
func with[A, R any](ctx context.Context, encoded json.RawMessage, do func(context.Context, A) (R, error)) (any, error) {
	var args A
	if err := json.Unmarshal(encoded, &args); err != nil {
		return nil, err
	}
	return do(ctx, args)
}

// unpackArgs are those of taskUnpack.
type unpackArgs struct {
	Dir    string        `json:"dir"`
	Image  bool          `json:"image"`
	Limits unpack.Limits `json:"limits"`
}

func (w worker) unpack(ctx context.Context, a unpackArgs) (unpack.Report, error) {
	syscall.Umask(0o022) // as elsewhere
	made := func(inodes int) error { return w.told.Encode(outcome{Made: inodes}) }
	return unpack.Apply(ctx, a.Dir, os.Stdin, unpack.Options{Layer: a.Image, Mapped: true, Limits: a.Limits, Made: made})
}

type readArgs struct {
	Written []Written `json:"written"`
	Name    string    `json:"name"`
	Limit   int64     `json:"limit"`
}

type readResult struct {
	Content []byte `json:"content"`
	Size    int64  `json:"size"`
}

type examineArgs struct {
	Dirs     []string `json:"dirs"`
	Document Document `json:"document"`
}

// apply unpacks an archive into a directory, with the owners that this user can keep. made is told how
// many inodes that makes.
func (c *Catalogue) apply(ctx context.Context, dir string, archive io.Reader, o LayerOptions, made func(int) error) (report unpack.Report, err error) {
	ids, ok := c.subordinate()
	if !ok {
		return unpack.Apply(ctx, dir, archive, unpack.Options{Layer: o.Image, Privileged: os.Geteuid() == 0, Limits: o.Limits, Made: made})
	}
	err = apart{task: taskUnpack, args: unpackArgs{dir, o.Image, o.Limits}, in: archive, made: made}.do(ctx, ids, &report)
	return report, err
}

// remove deletes a tree of the store's.
func (c *Catalogue) remove(path string) error {
	err := kernel.RemoveTree(path)
	if err == nil {
		return nil
	}
	ids, ok := c.subordinate()
	if !ok {
		return err
	}
	return apart{task: taskRemove, args: path}.do(context.Background(), ids, nil)
}

// ours tells whether directories belong to this process's user: what is in them was made with
// subordinate ids, if other owners are there. Other directories are this machine's.
func ours(dirs ...string) bool {
	for _, dir := range dirs {
		var st syscall.Stat_t
		if syscall.Stat(dir, &st) != nil || int(st.Uid) != os.Geteuid() {
			return false
		}
	}
	return true
}

// StreamLayer streams the directory of one layer as an archive; see [pack.StreamLayer].
func (c *Catalogue) StreamLayer(ctx context.Context, dir string) io.ReadCloser {
	if ids, ok := c.subordinate(); ok && ours(dir) {
		return streamApart(ctx, ids, taskLayer, dir)
	}
	return pack.StreamLayer(ctx, dir, userns.Map{})
}

// streamWritten is StreamLayer for what a sandbox has written, without what its launch has made.
func streamWritten(ctx context.Context, o Written) io.ReadCloser {
	if o.IDs.Helped() {
		return streamApart(ctx, o.IDs, taskWritten, o)
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(packWritten(ctx, writer, o, o.IDs)) }()
	return reader
}

func packWritten(ctx context.Context, w io.Writer, o Written, ids userns.Map) error {
	c := comparison{ctx: ctx, dest: o.Dest, points: newPoints(o.Points)}
	if err := c.overlay(o); err != nil {
		return err
	}
	return pack.WriteLayer(ctx, w, o.Upper, ids, c.made)
}

func streamApart(ctx context.Context, ids userns.Map, task string, args any) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(apart{task: task, args: args, out: writer}.do(ctx, ids, nil)) }()
	return reader
}

func checkStack(dirs []string) ([]Finding, error) {
	s, err := stack.Open(dirs...)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return checkFiles(s), nil
}
