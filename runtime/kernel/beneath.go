package kernel

import (
	"strings"
	"syscall"
)

// Kind says what a missing mount point is created as.
type Kind string

// What OpenBeneath creates when the path does not exist.
const (
	Nothing   Kind = ""
	Directory Kind = "dir"
	File      Kind = "file"
)

// Rules of resolution for OpenBeneath.
const (
	// NoLinks refuses every symlink: what the rootfs controls must not be
	// able to turn /proc into /etc.
	NoLinks = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
	// InRoot follows symlinks as a process inside the root would: never out of it.
	InRoot = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
)

// OpenBeneath opens name below the directory root as an O_PATH descriptor,
// creating it (and missing parents) as create says. The caller closes the
// descriptor and reaches the verified file by FDPath, never by name again.
func OpenBeneath(root, name string, resolve uint64, create Kind) (int, error) {
	rootfd, err := syscall.Open(root, O_PATH|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer syscall.Close(rootfd)
	return OpenatBeneath(rootfd, name, resolve, create)
}

// OpenatBeneath is OpenBeneath for a directory that is open.
func OpenatBeneath(rootfd int, name string, resolve uint64, create Kind) (int, error) {
	return openat(rootfd, strings.Trim(name, "/"), resolve, create)
}

func openat(rootfd int, name string, resolve uint64, create Kind) (int, error) {
	if name == "" {
		name = "."
	}
	fd, err := Openat2(rootfd, name, O_PATH, 0, resolve)
	if err != syscall.ENOENT || create == Nothing || name == "." {
		return fd, err
	}
	dir, base := Split(name)
	parent, err := openat(rootfd, dir, resolve, Directory)
	if err != nil {
		return -1, err
	}
	defer syscall.Close(parent)
	if err := makeat(parent, base, create); err != nil && err != syscall.EEXIST {
		return -1, err
	}
	return Openat2(rootfd, name, O_PATH, 0, resolve)
}

func makeat(dirfd int, name string, create Kind) error {
	if create == Directory {
		return syscall.Mkdirat(dirfd, name, 0o755)
	}
	return syscall.Mknodat(dirfd, name, syscall.S_IFREG|0o644, 0)
}
