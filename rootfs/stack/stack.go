// Package stack reads a pile of layers as overlayfs shows it, without mounting it.
//
// Whiteouts (character devices 0/0), opaque directories and symbolic links across layers are
// followed as the kernel does (kernel: overlayfs.rst); links stay inside the pile.
package stack

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/inside"
)

// maxLinks is how many symbolic links one resolution may take (path_resolution(7)).
const maxLinks = 40

// Stack is an open pile of layers.
type Stack struct{ layers []*inside.Tree } // the topmost first

// Open opens the layers at the given directories, the topmost first.
func Open(dirs ...string) (*Stack, error) {
	s := &Stack{}
	for _, dir := range dirs {
		tree, err := inside.Open(dir)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.layers = append(s.layers, tree)
	}
	return s, nil
}

// Close releases all layers.
func (s *Stack) Close() error {
	var errs []error
	for _, layer := range s.layers {
		errs = append(errs, layer.Close())
	}
	return errors.Join(errs...)
}

// Entry is what a name in the stack is.
type Entry struct {
	Path   string // relative, free of symbolic links; "" for the root
	Stat   unix.Stat_t
	layers []int // those that contribute: one for a file, the topmost first for a directory
}

// IsDir reports whether the entry is a directory.
func (e Entry) IsDir() bool { return e.Stat.Mode&unix.S_IFMT == unix.S_IFDIR }

// Layer is the number of the layer that the entry's content or attributes come from, 0 the topmost.
func (e Entry) Layer() int { return e.layers[0] }

// Tree is the layer that the entry's content or attributes come from.
func (s *Stack) Tree(e Entry) *inside.Tree { return s.layers[e.layers[0]] }

// Root is the directory that the stack shows as its top.
func (s *Stack) Root() (Entry, error) {
	if len(s.layers) == 0 {
		return Entry{}, &fs.PathError{Op: "open", Path: "/", Err: fs.ErrNotExist}
	}
	root := Entry{}
	for i := range s.layers {
		root.layers = append(root.layers, i)
	}
	var err error
	root.Stat, err = s.layers[0].Lstat(".")
	return root, err
}

// Lookup finds a name in a directory of the stack, without following a link.
func (s *Stack) Lookup(dir Entry, name string) (Entry, error) {
	path := name
	if dir.Path != "" {
		path = dir.Path + "/" + name
	}
	found := Entry{Path: path}
	for _, i := range dir.layers {
		st, err := s.layers[i].Lstat(path)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
			continue
		}
		if err != nil {
			return Entry{}, err
		}
		isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
		if IsWhiteout(&st) || !isDir && len(found.layers) > 0 {
			break
		}
		if len(found.layers) == 0 {
			found.Stat = st
		}
		found.layers = append(found.layers, i)
		if !isDir {
			break
		}
		if opaque, err := IsOpaque(s.layers[i], path); err != nil {
			return Entry{}, err
		} else if opaque {
			break
		}
	}
	if len(found.layers) == 0 {
		return Entry{}, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return found, nil
}

// ReadDir returns the entries of a directory of the stack, sorted by name.
func (s *Stack) ReadDir(dir Entry) ([]Entry, error) {
	var names []string
	for _, i := range dir.layers {
		more, err := s.layers[i].ReadDir(dir.Path)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	slices.Sort(names)
	var entries []Entry
	for _, name := range slices.Compact(names) {
		entry, err := s.Lookup(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // hidden by a whiteout, or gone
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// IsWhiteout reports whether a layer's file says that the name is gone.
func IsWhiteout(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0
}

// IsOpaque reports whether a layer's directory hides what the layers below have in it.
func IsOpaque(layer *inside.Tree, path string) (bool, error) {
	for _, name := range []string{"trusted.overlay.opaque", "user.overlay.opaque"} {
		value, err := layer.Xattr(path, name)
		if err != nil || value == "y" {
			return value == "y", err
		}
	}
	return false, nil
}

// Resolve finds what path leads to. follow says whether a last symbolic link is followed.
func (s *Stack) Resolve(path string, follow bool) (Entry, error) {
	root, err := s.Root()
	if err != nil {
		return Entry{}, err
	}
	at := []Entry{root} // the directories on the way, for ".."
	rest := strings.Split(path, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = at[:max(1, len(at)-1)]
			continue
		}
		here := at[len(at)-1]
		if !here.IsDir() {
			return Entry{}, &fs.PathError{Op: "open", Path: path, Err: unix.ENOTDIR}
		}
		entry, err := s.Lookup(here, name)
		if err != nil {
			return Entry{}, err
		}
		if entry.Stat.Mode&unix.S_IFMT != unix.S_IFLNK || !follow && len(rest) == 0 {
			at = append(at, entry)
			continue
		}
		if links++; links > maxLinks {
			return Entry{}, &fs.PathError{Op: "open", Path: path, Err: unix.ELOOP}
		}
		target, err := s.Tree(entry).Readlink(entry.Path)
		if err != nil {
			return Entry{}, err
		}
		if strings.HasPrefix(target, "/") {
			at = at[:1]
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at[len(at)-1], nil
}

// Stat describes what path leads to.
func (s *Stack) Stat(path string) (unix.Stat_t, error) {
	entry, err := s.Resolve(path, true)
	return entry.Stat, err
}

// Lstat is Stat without following a last symbolic link.
func (s *Stack) Lstat(path string) (unix.Stat_t, error) {
	entry, err := s.Resolve(path, false)
	return entry.Stat, err
}

// OpenFile opens the regular file that path leads to, for reading.
func (s *Stack) OpenFile(path string) (*os.File, error) {
	entry, err := s.Resolve(path, true)
	if err != nil {
		return nil, err
	}
	if entry.Path == "" {
		return nil, &fs.PathError{Op: "open", Path: path, Err: inside.ErrNotRegular}
	}
	return s.Tree(entry).OpenFile(entry.Path)
}

// ReadFile returns the content of the regular file that path leads to, of at most limit bytes.
func (s *Stack) ReadFile(path string, limit int64) ([]byte, error) {
	entry, err := s.Resolve(path, true)
	if err != nil {
		return nil, err
	}
	if entry.Path == "" {
		return nil, &fs.PathError{Op: "open", Path: path, Err: inside.ErrNotRegular}
	}
	return s.Tree(entry).ReadFile(entry.Path, limit)
}

// Empty reports whether the stack shows nothing at all.
func (s *Stack) Empty() (bool, error) {
	root, err := s.Root()
	if err != nil {
		return false, err
	}
	entries, err := s.ReadDir(root)
	return len(entries) == 0, err
}
