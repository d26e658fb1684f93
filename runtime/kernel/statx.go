package kernel

import (
	"syscall"
	"unsafe"
)

// IsMountRoot tells whether a descriptor is the root of a mount, whatever is
// mounted on that; see STATX_ATTR_MOUNT_ROOT in statx(2). Linux 5.8.
func IsMountRoot(fd int) (bool, error) {
	const mountRoot = 0x2000
	var stat [256 / 8]uint64 // struct statx; the second word are the attributes
	empty := new(byte)
	_, _, errno := syscall.Syscall6(sysStatx, uintptr(fd), uintptr(unsafe.Pointer(empty)), AT_EMPTY_PATH, 0, uintptr(unsafe.Pointer(&stat)), 0)
	return stat[1]&mountRoot != 0, errnoErr(errno)
}
