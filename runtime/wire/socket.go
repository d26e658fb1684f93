package wire

import (
	"os"
	"syscall"

	"aquarium/runtime/kernel"
)

// Sockets here are os.Files and not net.Conns: package net alone would cost
// every init and supervisor half a millisecond and half a megabyte at start.

// Pair returns two connected stream sockets, see socketpair(2). Both are
// close-on-exec.
func Pair() (ours, theirs *os.File, err error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return Socket(pair[0], "pair"), os.NewFile(uintptr(pair[1]), "pair"), nil
}

// Socket wraps a socket, whose reads and writes then wait in Go's poller.
func Socket(fd int, name string) *os.File {
	syscall.CloseOnExec(fd)
	syscall.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), name)
}

// CloseWrite tells the other end that nothing more comes; see shutdown(2).
func CloseWrite(socket *os.File) {
	if raw, err := socket.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { syscall.Shutdown(int(fd), syscall.SHUT_WR) })
	}
}

// Listener is a listening unix socket.
type Listener struct{ file *os.File }

// Listen makes a unix socket at path, for its owner only if the directory is.
// The path may be longer than the 108 bytes of unix(7): the directory is
// reached by descriptor.
func Listen(path string) (*Listener, error) {
	l, err := at(path, func(fd int, address syscall.Sockaddr) error {
		if err := syscall.Bind(fd, address); err != nil {
			return os.NewSyscallError("bind", err)
		}
		return os.NewSyscallError("listen", syscall.Listen(fd, syscall.SOMAXCONN))
	})
	if err != nil {
		return nil, err
	}
	return &Listener{l}, nil
}

// Accept waits for the next connection.
func (l *Listener) Accept() (*os.File, error) {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var refused error
	err = raw.Read(func(listener uintptr) bool {
		fd, _, refused = syscall.Accept4(int(listener), syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK)
		return refused != syscall.EAGAIN && refused != syscall.EINTR && refused != syscall.ECONNABORTED
	})
	if err == nil {
		err = os.NewSyscallError("accept", refused)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "viewer"), nil
}

// Close stops listening.
func (l *Listener) Close() error { return l.file.Close() }

// Dial connects to the unix socket at path.
func Dial(path string) (*os.File, error) {
	return at(path, func(fd int, address syscall.Sockaddr) error {
		for {
			// A unix socket connects at once, or not at all.
			err := syscall.Connect(fd, address)
			if err != syscall.EINTR {
				return os.NewSyscallError("connect", err)
			}
		}
	})
}

// at makes a socket and uses it with the address of path.
func at(path string, use func(fd int, address syscall.Sockaddr) error) (*os.File, error) {
	parent, base := kernel.Split(path)
	dir, err := syscall.Open(parent, kernel.O_PATH|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: parent, Err: err}
	}
	defer syscall.Close(dir)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := use(fd, &syscall.SockaddrUnix{Name: kernel.FDPath(dir) + "/" + base}); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return Socket(fd, path), nil
}
