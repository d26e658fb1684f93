// Package inside opens paths within a directory tree that nobody vouches for.
//
// Every path is resolved as if the tree were "/": absolute symbolic links and ".." stay inside
// (openat2(2) with RESOLVE_IN_ROOT, Linux 5.6), also while somebody else changes the tree. Only
// regular files are ever opened for reading, so neither a FIFO blocks nor does a device act; nor
// does a lease on one block: the cause is kernel.ErrLeased then.
package inside

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"aquarium/runtime/kernel"
)

// ErrNotRegular is the cause when something other than a regular file was to be read.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge is the cause when a file is larger than the caller's limit.
var ErrTooLarge = errors.New("file is too large")

// Tree is an open directory that paths are resolved inside. It is safe for concurrent use.
//
// It is a bare descriptor, because a catalogue opens a thousand of them at a time: an os.File costs
// two more system calls each, to see whether it can be polled.
type Tree struct{ fd int }

// Open opens the directory at path, following symbolic links in path itself.
func Open(path string) (*Tree, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return &Tree{fd}, nil
	}
}

// Close releases the directory. The tree must not be used after that.
func (t *Tree) Close() error { return os.NewSyscallError("close", unix.Close(t.fd)) }

// Stat describes what path leads to, following symbolic links inside the tree.
func (t *Tree) Stat(path string) (unix.Stat_t, error) { return t.stat(path, 0) }

// Lstat is Stat without following a last symbolic link.
func (t *Tree) Lstat(path string) (unix.Stat_t, error) { return t.stat(path, unix.O_NOFOLLOW) }

func (t *Tree) stat(path string, flags uint64) (st unix.Stat_t, err error) {
	fd, err := t.openat2(path, unix.O_PATH|flags)
	if err != nil {
		return st, err
	}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, &st); err != nil {
		return st, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return st, nil
}

// OpenFile opens the regular file that path leads to, for reading.
func (t *Tree) OpenFile(path string) (*os.File, error) {
	fd, err := t.openat2(path, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	opened, err := kernel.OpenFound(fd)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(opened), path), nil
}

// ReadFile returns the content of the regular file that path leads to, of at most limit bytes.
func (t *Tree) ReadFile(path string, limit int64) ([]byte, error) {
	f, err := t.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: ErrTooLarge}
	}
	return data, nil
}

// Empty reports whether the tree has no entry at all.
func (t *Tree) Empty() (bool, error) {
	fd, err := t.openat2(".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	buffer := make([]byte, 4096)
	for {
		n, err := unix.ReadDirent(fd, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return false, os.NewSyscallError("getdents64", err)
		}
		if n <= 0 {
			return true, nil
		}
		if _, found, _ := unix.ParseDirent(buffer[:n], 1, nil); found > 0 {
			return false, nil
		}
	}
}

func (t *Tree) openat2(path string, flags uint64) (int, error) {
	how := unix.OpenHow{
		Flags:   flags | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	for {
		fd, err := unix.Openat2(t.fd, path, &how)
		switch err {
		case nil:
			return fd, nil
		case unix.EAGAIN, unix.EINTR:
			// Somebody renamed a directory above during the resolution (openat2(2)).
			continue
		default:
			return -1, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}
