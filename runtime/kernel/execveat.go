package kernel

import (
	"syscall"
	"unsafe"
)

// Execveat replaces the calling process by the program behind a descriptor,
// whatever its path; see AT_EMPTY_PATH in execveat(2). It returns only on error.
// The calling thread should be the only one that is about to start others.
func Execveat(fd int, argv, env []string) error {
	path, err := syscall.BytePtrFromString("")
	if err != nil {
		return err
	}
	arguments, err := syscall.SlicePtrFromStrings(argv)
	if err != nil {
		return err
	}
	environment, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	_, _, errno := syscall.RawSyscall6(sysExecveat, uintptr(fd), uintptr(unsafe.Pointer(path)),
		uintptr(unsafe.Pointer(&arguments[0])), uintptr(unsafe.Pointer(&environment[0])), AT_EMPTY_PATH, 0)
	return errno
}
