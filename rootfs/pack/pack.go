// Package pack writes directory trees as tar archives that come out the same every time: sorted by
// name, without user names or times of access, in PAX format.
package pack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/inside"
	"aquarium/rootfs/stack"
	"aquarium/rootfs/unpack"
	"aquarium/runtime/kernel"
	"aquarium/runtime/userns"
)

// Writer writes one archive, out of one or more trees.
type Writer struct {
	ctx     context.Context
	tar     *tar.Writer
	buffer  []byte
	linked  map[identity]string // the first name of a file with several
	plain   bool
	ids     userns.Map // of the user namespace that wrote the trees
	stop    map[string]bool
	omit    map[string]bool
	Skipped int // sockets and files that vanished, which no archive can hold
}

// identity is what the names of one file have in common.
type identity struct{ dev, ino uint64 }

// NewWriter starts an archive.
func NewWriter(ctx context.Context, w io.Writer) *Writer {
	return &Writer{ctx: ctx, tar: tar.NewWriter(w), buffer: make([]byte, 256<<10), linked: map[identity]string{}}
}

// Close ends the archive.
func (w *Writer) Close() error { return w.tar.Close() }

// StopAt makes the writer add the directories at these paths of a tree without what is in them.
func (w *Writer) StopAt(paths []string) {
	w.stop = map[string]bool{}
	for _, path := range paths {
		w.stop[path] = true
	}
}

// Omit makes the writer leave out what a layer has at these paths.
func (w *Writer) Omit(paths []string) {
	w.omit = map[string]bool{}
	for _, path := range paths {
		w.omit[path] = true
	}
}

// Tree adds what a stack shows, below the directory prefix of the archive ("" for its top).
func (w *Writer) Tree(s *stack.Stack, prefix string) error {
	root, err := s.Root()
	if err != nil {
		return err
	}
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		if err := w.entry(s.Tree(root), "", "./", &root.Stat); err != nil {
			return err
		}
	}
	return w.children(s, root, prefix)
}

// Plain adds what a stack shows as if root had made it at the beginning of time, so that the archive
// depends on names and content alone.
func (w *Writer) Plain(s *stack.Stack) error {
	w.plain = true
	defer func() { w.plain = false }()
	root, err := s.Root()
	if err != nil {
		return err
	}
	return w.children(s, root, "")
}

func (w *Writer) children(s *stack.Stack, dir stack.Entry, prefix string) error {
	entries, err := s.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		name := e.Path
		if prefix != "" {
			name = prefix + "/" + e.Path
		}
		if e.IsDir() {
			name += "/"
		}
		if err := w.entry(s.Tree(e), e.Path, name, &e.Stat); err != nil {
			return err
		}
		if e.IsDir() && !w.stop[e.Path] {
			if err := w.children(s, e, prefix); err != nil {
				return err
			}
		}
	}
	return nil
}

// Layer adds one layer of a stack by itself, with whiteouts in the form that images have them
// (OCI image-spec, layer.md).
func (w *Writer) Layer(layer *inside.Tree) error {
	st, err := layer.Lstat(".")
	if err != nil {
		return err
	}
	if err := w.entry(layer, "", "./", &st); err != nil {
		return err
	}
	return w.layerDir(layer, "")
}

func (w *Writer) layerDir(layer *inside.Tree, dir string) error {
	names, err := layer.ReadDir(dir)
	if err != nil {
		return err
	}
	if opaque, err := stack.IsOpaque(layer, dir); err != nil {
		return err
	} else if opaque {
		if err := w.marker(dir, ".wh..wh..opq"); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.layerEntry(layer, dir, name); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) layerEntry(layer *inside.Tree, dir, name string) error {
	path := join(dir, name)
	if w.omit[path] {
		return nil
	}
	st, err := layer.Lstat(path)
	if err != nil {
		return w.vanished(err)
	}
	switch {
	case stack.IsWhiteout(&st):
		return w.marker(dir, ".wh."+name)
	case strings.HasPrefix(name, ".wh."):
		return fmt.Errorf("%q: a name that begins with .wh. cannot be in an image", path)
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return w.entry(layer, path, path, &st)
	}
	if err := w.entry(layer, path, path+"/", &st); err != nil {
		return err
	}
	return w.layerDir(layer, path)
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// marker adds an empty file whose name says what is gone.
func (w *Writer) marker(dir, name string) error {
	return w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: join(dir, name), Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatPAX})
}

// vanished lets a file that went away while the tree was read be left out.
func (w *Writer) vanished(err error) error {
	if errors.Is(err, unix.ENOENT) {
		w.Skipped++
		return nil
	}
	return err
}

// header describes a file without what depends on its kind.
func (w *Writer) header(name string, st *unix.Stat_t) *tar.Header {
	h := &tar.Header{
		Name: name, Mode: int64(st.Mode & 0o7777), Uid: int(st.Uid), Gid: int(st.Gid),
		ModTime: time.Unix(st.Mtim.Unix()), Format: tar.FormatPAX, PAXRecords: map[string]string{},
	}
	h.Uid, h.Gid = w.owner(h.Uid, h.Gid)
	if w.plain {
		h.Uid, h.Gid, h.ModTime = 0, 0, time.Unix(0, 0)
	}
	return h
}

// entry adds the file at path of a tree under a name.
func (w *Writer) entry(t *inside.Tree, path, name string, st *unix.Stat_t) error {
	h := w.header(name, st)
	id := identity{uint64(st.Dev), st.Ino}
	isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	if first, known := w.linked[id]; known && !isDir {
		h.Typeflag, h.Linkname = tar.TypeLink, first
		return w.tar.WriteHeader(h)
	}
	if err := w.attributes(h, t, path); err != nil {
		return w.vanished(err)
	}
	var err error
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		err = w.file(h, t, path)
	case unix.S_IFDIR:
		h.Typeflag = tar.TypeDir
		err = w.tar.WriteHeader(h)
	case unix.S_IFLNK:
		h.Typeflag, h.Mode = tar.TypeSymlink, 0o777
		if h.Linkname, err = t.Readlink(path); err != nil {
			return w.vanished(err)
		}
		err = w.tar.WriteHeader(h)
	case unix.S_IFCHR, unix.S_IFBLK:
		h.Typeflag = tar.TypeChar
		if st.Mode&unix.S_IFMT == unix.S_IFBLK {
			h.Typeflag = tar.TypeBlock
		}
		h.Devmajor, h.Devminor = int64(unix.Major(uint64(st.Rdev))), int64(unix.Minor(uint64(st.Rdev)))
		err = w.tar.WriteHeader(h)
	case unix.S_IFIFO:
		h.Typeflag = tar.TypeFifo
		err = w.tar.WriteHeader(h)
	default:
		w.Skipped++ // a socket is nothing without the program that listens
	}
	if err == nil && !isDir && st.Nlink > 1 {
		w.linked[id] = name
	}
	return err
}

func (w *Writer) file(h *tar.Header, t *inside.Tree, path string) error {
	f, err := t.OpenFile(path)
	if errors.Is(err, kernel.ErrLeased) {
		return fmt.Errorf("read %q: %w", path, kernel.ErrLeased) // there is a file to look for
	}
	if err != nil {
		return w.vanished(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h.Typeflag, h.Size = tar.TypeReg, info.Size()
	if err := w.tar.WriteHeader(h); err != nil {
		return err
	}
	// The size is in the archive already: a file that shrinks meanwhile is an error, one that grows
	// is cut.
	n, err := io.CopyBuffer(struct{ io.Writer }{w.tar}, &cancellable{w.ctx, io.LimitReader(f, h.Size)}, w.buffer)
	if err == nil && n < h.Size {
		err = fmt.Errorf("%q shrank while it was read", path)
	}
	return err
}

// cancellable stops a long copy when the context does.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// attributes adds the extended attributes that mean the same elsewhere, and the owner noted where
// a file could not be given to it.
func (w *Writer) attributes(h *tar.Header, t *inside.Tree, path string) error {
	values, err := t.Xattrs(path)
	if err != nil {
		return err
	}
	for name, value := range values {
		switch {
		case strings.HasPrefix(name, "trusted.overlay.redirect"), strings.HasPrefix(name, "user.overlay.redirect"),
			name == "trusted.overlay.metacopy", name == "user.overlay.metacopy":
			// Its content is in another layer, under another name. Mounting with redirect_dir=off and
			// metacopy=off keeps overlayfs from making such files.
			return fmt.Errorf("%q: overlayfs keeps only a reference to it in this layer", path)
		case name == unpack.OwnerXattr:
			uid, gid, _ := strings.Cut(value, ":")
			u, uidErr := strconv.ParseUint(uid, 10, 32)
			g, gidErr := strconv.ParseUint(gid, 10, 32)
			// A file that was given to somebody in a sandbox has left its noted owner.
			if uidErr == nil && gidErr == nil && h.Uid == 0 && h.Gid == 0 {
				h.Uid, h.Gid = int(u), int(g)
			}
		case strings.HasPrefix(name, "user.overlay."), strings.HasPrefix(name, "trusted."):
		case name == "security.capability":
			h.PAXRecords["SCHILY.xattr."+name] = w.capability(value)
		case strings.HasPrefix(name, "system.posix_acl_"):
			h.PAXRecords["SCHILY.xattr."+name] = w.acl(value)
		case strings.HasPrefix(name, "user."):
			h.PAXRecords["SCHILY.xattr."+name] = value
		}
	}
	return nil
}
