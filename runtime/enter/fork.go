package enter

import (
	"syscall"
	"unsafe"
)

// What package syscall does around a fork; see runtime/proc.go. The runtime
// keeps these names for such uses (go.dev/issue/67401).
//
//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// rawCall is one system call for the child. Its arguments are ready: the
// child can neither allocate nor look anything up.
type rawCall struct {
	number uintptr
	args   [5]uintptr
	flow   flow
	done   bool     // it went well; written by the child, for itself
	unless int      // a call, counted from 1: where that one is done, this one is left out
	feeds  int      // a call, counted from 1: it takes what this one returns as its first argument,
	fed    int      // and so do those behind it, so many in all
	record *Visited // shared memory for what came of it
	shown  string   // as C, for errors
}

// flow says what follows a call.
type flow uint8

const (
	mustWork  flow = iota // an error ends the child
	mayFail               // an error is ignored (dropping a capability the kernel does not know)
	forkAgain             // a clone: the copy goes on, the original reports its number and ends
	tryExec               // an execve of several: "not there" and "not allowed" go on to the next
	recorded              // whatever comes of it is kept, and the next follows
)

// outcome is what the child writes to its pipe: which call failed and how,
// or, with call -1, the number of the process that goes on.
type outcome struct {
	call  int32
	value int32 // errno or pid
}

const outcomeSize = int(unsafe.Sizeof(outcome{}))

// fork runs calls in a new, single-threaded process; flags are of clone(2).
// The child is a copy of
// this process with one thread, so a user namespace can be joined, which
// setns(2) refuses to a process with several; but for the same reason nothing
// of Go's runtime works in it: raw calls on prepared memory only.
//
//go:noinline
//go:norace
func fork(calls []rawCall, pipe int, flags uintptr) (pid int, err syscall.Errno) {
	syscall.ForkLock.Lock()
	beforeFork()
	child, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, flags|uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || child != 0 {
		afterFork()
		syscall.ForkLock.Unlock()
		return int(child), errno
	}
	afterForkInChild()
	perform(calls, uintptr(pipe))
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 127, 0, 0)
	}
}

// perform does the calls in order; it returns when one failed, or in the
// process that forkAgain leaves behind.
//
//go:nosplit
//go:norace
func perform(calls []rawCall, pipe uintptr) {
	var said outcome
	for i := range calls {
		c := &calls[i]
		if c.unless > 0 && calls[c.unless-1].done {
			continue
		}
		value, _, errno := syscall.RawSyscall6(c.number, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], 0)
		if c.record != nil {
			c.record.Value, c.record.Errno = int(value), errno
		}
		switch {
		case c.flow == forkAgain && errno == 0:
			if value == 0 {
				continue
			}
			said = outcome{-1, int32(value)}
		case errno == 0:
			c.done = true
			for next := c.feeds; next < c.feeds+c.fed; next++ {
				calls[next-1].args[0] = value
			}
			continue
		case c.flow == mayFail, c.flow == recorded:
			continue
		case c.flow == tryExec:
			// execvp(3): remember EACCES, and go on to the next directory.
			if said.value == 0 || errno == syscall.EACCES {
				said = outcome{int32(i), int32(errno)}
			}
			if errno == syscall.ENOENT || errno == syscall.ENOTDIR || errno == syscall.EACCES {
				continue
			}
			said = outcome{int32(i), int32(errno)}
		default:
			said = outcome{int32(i), int32(errno)}
		}
		break
	}
	syscall.RawSyscall(syscall.SYS_WRITE, pipe, uintptr(unsafe.Pointer(&said)), unsafe.Sizeof(said))
}
