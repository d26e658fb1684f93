package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// swap exchanges two files, again and again, for a minute.
func swap(arguments []string) {
	fmt.Println("swapping")
	for began := time.Now(); time.Since(began) < time.Minute; {
		for range 100 {
			must(unix.Renameat2(unix.AT_FDCWD, arguments[0], unix.AT_FDCWD, arguments[1], unix.RENAME_EXCHANGE))
		}
	}
}
