package main

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

func environment() []string { return os.Environ() }

// terminal types a command line at every terminal it can reach, as if its user
// had (TIOCSTI).
func terminal(arguments []string) {
	var all []attempt
	for _, path := range terminals {
		all = append(all, attempt{"TIOCSTI " + path, func() error { return typeAt(path, arguments[0]+"\n") }})
	}
	fmt.Print(results(all))
}

var terminals = []string{"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2", "/dev/tty", "/dev/console", "/dev/tty0", "/dev/tty1"}

// pasteEverywhere pastes what is selected on the machine's console, nothing
// most of the time, at every terminal it can reach (TIOCLINUX).
func pasteEverywhere([]string) {
	var all []attempt
	for _, path := range terminals {
		all = append(all, attempt{"TIOCLINUX " + path, func() error { return paste(path) }})
	}
	fmt.Print(results(all))
}

func typeAt(path, line string) error {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, c := range []byte(line) {
		if err := ioctl(fd, unix.TIOCSTI, c); err != nil {
			return err
		}
	}
	return nil
}

// paste is TIOCL_PASTESEL of ioctl_console(2).
func paste(path string) error {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	const tioclinux, pasteSelection = 0x541c, 3
	return ioctl(fd, tioclinux, pasteSelection)
}

func ioctl(fd int, request uintptr, value byte) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&value)))
	if errno != 0 {
		return errno
	}
	return nil
}
