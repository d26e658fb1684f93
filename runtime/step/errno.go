package step

import (
	"strconv"
	"syscall"
)

// errnoNames are the names of errno(3) from 1 on; the numbers are the same on
// all architectures that Aquarium runs on.
var errnoNames = [...]string{
	"EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD", "EAGAIN", "ENOMEM",
	"EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV", "ENOTDIR", "EISDIR", "EINVAL", "ENFILE",
	"EMFILE", "ENOTTY", "ETXTBSY", "EFBIG", "ENOSPC", "ESPIPE", "EROFS", "EMLINK", "EPIPE", "EDOM", "ERANGE",
	"EDEADLK", "ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY", "ELOOP",
}

// ErrnoName is the name of an error number, such as "EPERM".
func ErrnoName(number int) string {
	if number > 0 && number <= len(errnoNames) {
		return errnoNames[number-1]
	}
	return "errno " + strconv.Itoa(number)
}

// ErrnoText is an error number by name and in words: "EPERM: operation not
// permitted".
func ErrnoText(number int) string {
	return ErrnoName(number) + ": " + syscall.Errno(number).Error()
}
