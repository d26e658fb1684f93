// Command attacker is what tests run inside a sandbox to break out of it, and
// outside to see that the attack works where nothing is in its way. Each
// attempt prints one line, "NAME: ERRNO" with the errno's number, 0 for an
// attempt that went well.
package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// attacks by the name on the command line; each gets the rest of it.
var attacks = map[string]func(arguments []string){
	"calls":         calls,
	"chroot-again":  chrootAgain,
	"devices":       devices,
	"files":         files,
	"handles":       handles,
	"keys":          keys,
	"lease":         lease,
	"nodes":         func(directories []string) { fmt.Print(results(nodes(directories))) },
	"numbers":       numbers,
	"outlive":       outlive,
	"overwrite":     overwrite,
	"paste":         pasteEverywhere,
	"release-agent": releaseAgent,
	"seize":         seize,
	"sockets":       sockets,
	"swap":          swap,
	"terminal":      terminal,
	"greedy":        greedy,
	"with-key":      withKey,
}

func main() {
	if len(os.Args) < 2 || attacks[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "attacker: no such attack")
		os.Exit(2)
	}
	attacks[os.Args[1]](os.Args[2:])
}

// attempt is one thing to try.
type attempt struct {
	name string
	try  func() error
}

// results are the lines of attempts.
func results(attempts []attempt) string {
	var lines string
	for _, a := range attempts {
		lines += fmt.Sprintf("%s: %d\n", a.name, number(a.try()))
	}
	return lines
}

// number is the errno of an error; -1 for one that is none.
func number(err error) int {
	var errno syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &errno):
		return int(errno)
	}
	return -1
}

// must ends an attack that could not even begin.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "attacker:", err)
		os.Exit(3)
	}
}
