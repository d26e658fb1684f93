package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lease takes a lease on each of the files, and takes it again whenever it is
// gone: who opens one waits for it to be given back, which it is not, or for
// /proc/sys/fs/lease-break-time; see fcntl(2), F_SETLEASE.
func lease(files []string) {
	var fds []uintptr
	for _, name := range files {
		file, err := os.Open(name)
		if err == nil {
			fds = append(fds, file.Fd())
			err = take(file.Fd())
			for ; err == unix.EAGAIN; err = take(file.Fd()) { // somebody has it open still
				time.Sleep(10 * time.Millisecond)
			}
		}
		fmt.Printf("%s: %d\n", name, number(err))
	}
	for {
		for _, fd := range fds {
			take(fd)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func take(fd uintptr) error {
	_, err := unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_WRLCK)
	return err
}
