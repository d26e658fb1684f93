package supervisor

import (
	"os"
	"strings"
	"unsafe"
)

// prestarted gives a supervisor that waits to be told, or nil where none could
// be started; it is nil itself where Prestart was not called.
var prestarted chan *Conn

// nameWidth is room for the longest sandbox name.
const nameWidth = 63

// Prestart starts a supervisor before it is known for what. `aquarium run`
// calls it first of all, so that the supervisor starts on one core while the
// command line is read on the other: that saves a millisecond of every launch.
// A supervisor whose creator ends without a word ends too. Failing to start
// one here is no error: Start does it, or says why it cannot.
func Prestart() {
	ready := make(chan *Conn, 1)
	prestarted = ready
	go func() { // beside the rest of the start
		c, _ := newProcess(strings.Repeat(" ", nameWidth))
		ready <- c
	}()
}

// setTitle writes the sandbox's name over the room that Prestart has left in
// the argument list, where ps(1) reads it.
func setTitle(name string) {
	if len(os.Args) < 2 || len(os.Args[1]) != nameWidth || len(name) > nameWidth {
		return
	}
	// Go's os.Args are the kernel's own argument area, which is writable.
	room := unsafe.Slice(unsafe.StringData(os.Args[1]), nameWidth)
	clear(room[copy(room, name):])
}
