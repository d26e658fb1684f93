package kernel

import (
	"strings"
	"syscall"
	"unsafe"
)

// Numbers of the mount API of Linux 5.2; see fsopen(2).
const (
	sysMoveMount = 429
	sysFsopen    = 430
	sysFsconfig  = 431
	sysFsmount   = 432
)

// Constants of fsopen(2), fsconfig(2), fsmount(2) and move_mount(2).
const (
	FSOPEN_CLOEXEC          = 0x1
	FSCONFIG_SET_FLAG       = 0
	FSCONFIG_SET_STRING     = 1
	FSCONFIG_CMD_CREATE     = 6
	FSMOUNT_CLOEXEC         = 0x1
	MOVE_MOUNT_F_EMPTY_PATH = 0x4
	MOVE_MOUNT_T_SYMLINKS   = 0x10

	// MaxFsconfigString is how long a value of fsconfig(2) may be, in bytes.
	MaxFsconfigString = 255
)

// Fsopen returns a descriptor of a filesystem that is not configured yet; see
// fsopen(2). It is close-on-exec.
func Fsopen(filesystem string) (int, error) {
	name, err := syscall.BytePtrFromString(filesystem)
	if err != nil {
		return -1, err
	}
	fd, _, errno := syscall.Syscall(sysFsopen, uintptr(unsafe.Pointer(name)), FSOPEN_CLOEXEC, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// Fsconfig gives a descriptor of Fsopen a parameter or a command; empty
// strings are NULL. See fsconfig(2).
func Fsconfig(fd int, command uintptr, key, value string) error {
	var pointers [2]*byte
	for i, text := range []string{key, value} {
		if text == "" {
			continue
		}
		p, err := syscall.BytePtrFromString(text)
		if err != nil {
			return err
		}
		pointers[i] = p
	}
	_, _, errno := syscall.Syscall6(sysFsconfig, uintptr(fd), command, uintptr(unsafe.Pointer(pointers[0])),
		uintptr(unsafe.Pointer(pointers[1])), 0, 0)
	return errnoErr(errno)
}

// Fsmount makes a mount, that is nowhere yet, of a configured filesystem; see
// fsmount(2). The descriptor is close-on-exec.
func Fsmount(fd int, attributes uintptr) (int, error) {
	mount, _, errno := syscall.Syscall(sysFsmount, uintptr(fd), FSMOUNT_CLOEXEC, attributes)
	if errno != 0 {
		return -1, errno
	}
	return int(mount), nil
}

// MoveMount puts the mount behind a descriptor at a path, to which links may
// lead; see move_mount(2).
func MoveMount(mount int, target string) error {
	path, err := syscall.BytePtrFromString(target)
	if err != nil {
		return err
	}
	empty := new(byte)
	at := -100 // AT_FDCWD
	_, _, errno := syscall.Syscall6(sysMoveMount, uintptr(mount), uintptr(unsafe.Pointer(empty)), uintptr(at),
		uintptr(unsafe.Pointer(path)), MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_SYMLINKS, 0)
	return errnoErr(errno)
}

// FsopenMessages returns what the kernel says about what it refused on a
// descriptor of Fsopen, one line each; "" where it says nothing.
func FsopenMessages(fd int) string {
	var said []string
	buffer := make([]byte, 1024)
	for {
		n, err := syscall.Read(fd, buffer)
		if err != nil || n <= 0 {
			return strings.Join(said, "; ")
		}
		// "e " for an error, "w " for a warning, "i " for information.
		if text := strings.TrimSpace(string(buffer[:n])); len(text) > 2 {
			said = append(said, text[2:])
		}
	}
}
