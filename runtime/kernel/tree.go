package kernel

import (
	"syscall"
	"unsafe"
)

// AT_FDCWD stands for the working directory, see openat(2).
const AT_FDCWD = -100

// Arguments of open_tree(2) and mount_setattr(2).
const (
	OPEN_TREE_CLONE   = 0x1
	OPEN_TREE_CLOEXEC = syscall.O_CLOEXEC
	AT_RECURSIVE      = 0x8000
	MOUNT_ATTR_RDONLY = 0x1
	MOUNT_ATTR_NOSUID = 0x2
	MOUNT_ATTR_NODEV  = 0x4
	MOUNT_ATTR_NOEXEC = 0x8

	MOUNT_ATTR_RELATIME    = 0x0
	MOUNT_ATTR_NOATIME     = 0x10
	MOUNT_ATTR_STRICTATIME = 0x20
	MOUNT_ATTR__ATIME      = 0x70 // the bits of which those three are values
	MOUNT_ATTR_NODIRATIME  = 0x80
	MOUNT_ATTR_IDMAP       = 0x100000

	// The numbers are for those who make the calls in a child (see package
	// enter), where no function of Go's can.
	SYS_OPEN_TREE     = sysOpenTree
	SYS_MOUNT_SETATTR = sysMountSetattr
)

// MountAttr is struct mount_attr of mount_setattr(2).
type MountAttr struct{ Set, Clear, Propagation, UserNS uint64 }

// OpenTree returns a close-on-exec descriptor of a copy of the mount that path
// lies on, with path as its root, and with AT_RECURSIVE of what is mounted
// below. The copy is nowhere mounted, and goes with its last user; see
// open_tree(2).
func OpenTree(path string, flags uintptr) (int, error) {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	at := AT_FDCWD
	fd, _, errno := syscall.Syscall(sysOpenTree, uintptr(at), uintptr(unsafe.Pointer(p)), flags|OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// MountSetattr changes attributes of the mount at path and, with AT_RECURSIVE,
// of all mounts below it. Those that are not named stay.
func MountSetattr(path string, flags uint64, attr MountAttr) error {
	return mountSetattr(AT_FDCWD, path, flags, attr)
}

// TreeSetattr changes attributes of the mount behind a descriptor of OpenTree,
// as MountSetattr does.
func TreeSetattr(tree int, flags uint64, attr MountAttr) error {
	return mountSetattr(tree, "", flags|AT_EMPTY_PATH, attr)
}

// ShiftTree has a mount that is nowhere yet show owners shifted by the maps of
// a user namespace; see "ID-mapped mounts" in mount_setattr(2). It sets more
// attributes at the same time.
func ShiftTree(tree int, flags, set uint64, userNamespace int) error {
	return mountSetattr(tree, "", flags|AT_EMPTY_PATH, MountAttr{Set: MOUNT_ATTR_IDMAP | set, UserNS: uint64(userNamespace)})
}

func mountSetattr(at int, path string, flags uint64, attr MountAttr) error {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	_, _, errno := syscall.Syscall6(sysMountSetattr, uintptr(at), uintptr(unsafe.Pointer(p)), uintptr(flags),
		uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	return errnoErr(errno)
}
