package kernel

import (
	"io"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// RemoveTree deletes a tree that others have made. Its directories may be
// closed to their owner, and may lie deeper in each other than this process
// may have descriptors, or than a path may be long. Nobody else may be changing
// the tree.
func RemoveTree(path string) error {
	err := os.RemoveAll(path)
	if err == nil {
		return nil
	}
	if flattened := flatten(path); flattened != syscall.ENOTDIR {
		return flattened
	}
	return err
}

// flatten is RemoveTree's way for a directory that os.RemoveAll cannot remove.
// Anything else is ENOTDIR.
func flatten(path string) error {
	top, err := openForOwner(AT_FDCWD, path)
	if err == syscall.ENOTDIR {
		return err
	}
	if err == nil {
		err = (&flattener{top: top}).empty()
		top.Close()
	}
	if err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return os.Remove(path)
}

// flattener empties a directory: the directories in its directories it moves
// up into it, so that none is ever reached through more than one other.
type flattener struct {
	top   *os.File
	moved int
}

func (f *flattener) empty() error {
	return eachName(f.top, func(name string) error {
		err := unlink(f.top, name)
		if err != syscall.EISDIR {
			return err
		}
		if err := f.moveUp(name); err != nil {
			return err
		}
		return rmdir(f.top, name)
	})
}

// moveUp empties a directory in the topmost one.
func (f *flattener) moveUp(name string) error {
	dir, err := openForOwner(int(f.top.Fd()), name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return eachName(dir, func(name string) error {
		err := unlink(dir, name)
		if err != syscall.EISDIR {
			return err
		}
		inner, err := openForOwner(int(dir.Fd()), name) // what cannot be written cannot get another parent
		if err != nil {
			return err
		}
		inner.Close()
		return f.rename(dir, name)
	})
}

// rename moves a directory into the topmost one, by a name that is free there:
// one that replaces an empty directory does no harm.
func (f *flattener) rename(from *os.File, name string) error {
	for {
		f.moved++
		err := syscall.Renameat(int(from.Fd()), name, int(f.top.Fd()), ".aquarium-"+strconv.Itoa(f.moved))
		if err != syscall.EEXIST && err != syscall.ENOTEMPTY && err != syscall.ENOTDIR {
			return err
		}
	}
}

// eachName calls remove for what is in a directory, until there is no more or
// it fails.
func eachName(dir *os.File, remove func(name string) error) error {
	const some = 1024
	for {
		names, err := dir.Readdirnames(some)
		if err != nil && err != io.EOF {
			return err
		}
		if len(names) == 0 {
			return nil
		}
		for _, name := range names {
			if err := remove(name); err != nil {
				return err
			}
		}
		if _, err := dir.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
}

// openForOwner opens a directory, and no other file, with every permission for
// its owner.
func openForOwner(at int, name string) (*os.File, error) {
	fd, err := syscall.Openat(at, name, O_PATH|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	syscall.Chmod(FDPath(fd), 0o700) // where it may not, what comes next says so
	opened, err := syscall.Open(FDPath(fd), syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(opened), name), nil
}

func unlink(dir *os.File, name string) error { return unlinkat(dir, name, 0) }
func rmdir(dir *os.File, name string) error  { return unlinkat(dir, name, AT_REMOVEDIR) }

// AT_REMOVEDIR is a flag of unlinkat(2).
const AT_REMOVEDIR = 0x200

func unlinkat(dir *os.File, name string, flags uintptr) error {
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return err
	}
	_, _, errno := syscall.Syscall(syscall.SYS_UNLINKAT, dir.Fd(), uintptr(unsafe.Pointer(p)), flags)
	return errnoErr(errno)
}
