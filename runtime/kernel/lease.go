package kernel

import (
	"errors"
	"syscall"
)

// ErrLeased is the cause when a file is not opened because of a lease.
var ErrLeased = errors.New("somebody holds a lease on it")

// OpenFound opens for reading the regular file that was found by an O_PATH
// descriptor: it cannot be exchanged in between (open(2), O_PATH). Nobody makes
// it wait: where a lease is to be broken first, as the owner of a file can take
// one again and again (fcntl(2), F_SETLEASE), the error is ErrLeased.
func OpenFound(found int) (int, error) {
	fd, err := syscall.Open(FDPath(found), syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err == syscall.EWOULDBLOCK {
		return -1, ErrLeased
	}
	if err == nil {
		// Opening is over. With the flag, package os would make it a matter of
		// its poller.
		err = syscall.SetNonblock(fd, false)
	}
	return fd, err
}
