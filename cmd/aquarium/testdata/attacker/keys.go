package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// keys looks for keys of these descriptions in its keyrings, and prints what
// it could read of each.
func keys(descriptions []string) {
	for _, description := range descriptions {
		fmt.Print(results([]attempt{{"find " + description, func() error {
			id, err := unix.RequestKey("user", description, "", 0)
			if err != nil {
				return err
			}
			content := make([]byte, 64)
			_, err = unix.KeyctlBuffer(unix.KEYCTL_READ, id, content, 0)
			return err
		}}}))
	}
}

// withKey puts a key into a new session keyring, and runs a program there.
func withKey(arguments []string) {
	runtime.LockOSThread() // keyrings are a thread's
	_, _, errno := unix.Syscall(unix.SYS_KEYCTL, unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0)
	if errno != 0 {
		must(errno)
	}
	_, err := unix.AddKey("user", arguments[0], []byte("secret"), unix.KEY_SPEC_SESSION_KEYRING)
	must(err)
	must(unix.Exec(arguments[1], arguments[1:], environment()))
}
