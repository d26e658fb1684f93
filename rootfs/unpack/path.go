package unpack

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds of path_resolution(7).
const (
	maxPath = 4095
	maxName = 255
)

// cleanName turns an archive's name into a path below the target, "" for the target itself, or says
// why it cannot be one.
func cleanName(name string) (string, error) {
	switch {
	case strings.ContainsRune(name, 0):
		return "", errors.New("a NUL byte is in the name")
	case strings.HasPrefix(name, "/"):
		return "", errors.New("the name is an absolute path")
	case len(name) > maxPath:
		return "", fmt.Errorf("the name is longer than %d bytes", maxPath)
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "" || part == ".":
			continue
		case part == "..":
			return "", errors.New("the name leads out of the target")
		case len(part) > maxName:
			return "", fmt.Errorf("a part of the name is longer than %d bytes", maxName)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "/"), nil
}

// beneath opens a path below the target. Nothing leads out of there, not even while somebody
// exchanges directories for links: the kernel looks, at the moment it opens (openat2(2)).
func (a *applier) beneath(name string, flags uint64) (int, error) {
	how := unix.OpenHow{
		Flags:   flags | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	}
	if name == "" {
		name = "."
	}
	for {
		fd, err := unix.Openat2(a.root, name, &how)
		if err != unix.EAGAIN && err != unix.EINTR {
			return fd, err
		}
	}
}

// parent returns the descriptor of an entry's directory, made if it is missing, and the last part
// of its name. The descriptor is the applier's and good until the next call.
func (a *applier) parent(name string) (fd int, base string, err error) {
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	if a.hasParent && dir == a.parentPath {
		return a.parentFd, base, nil
	}
	a.closeParent()
	fd, err = a.openDir(dir)
	if err != nil {
		return -1, "", err
	}
	a.parentPath, a.parentFd, a.hasParent = dir, fd, true
	return fd, base, nil
}

func (a *applier) closeParent() {
	if a.hasParent {
		unix.Close(a.parentFd)
		a.hasParent = false
	}
}

// openDir opens a directory below the target and makes what is missing on the way.
func (a *applier) openDir(dir string) (int, error) {
	fd, err := a.beneath(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	switch err {
	case nil:
		return fd, nil
	case unix.ELOOP:
		return -1, errors.New("its directory is reached through a symbolic link")
	case unix.ENOTDIR:
		return -1, errors.New("its directory is something else")
	case unix.ENOENT:
	default:
		return -1, os.NewSyscallError("openat2", err)
	}
	above, err := a.openDir(parentOf(dir))
	if err != nil {
		return -1, err
	}
	defer unix.Close(above)
	switch err := unix.Mkdirat(above, path.Base(dir), 0o755); err {
	case nil:
		err := a.implied.add(dir)
		if err == nil {
			err = a.made(1)
		}
		if err != nil {
			return -1, err
		}
	case unix.EEXIST:
	default:
		return -1, os.NewSyscallError("mkdirat", err)
	}
	fd, err = a.beneath(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	return fd, os.NewSyscallError("openat2", err)
}

func parentOf(dir string) string {
	if i := strings.LastIndexByte(dir, '/'); i >= 0 {
		return dir[:i]
	}
	return ""
}
