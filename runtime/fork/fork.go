// Package fork makes a process that has one thread and performs a list of
// system calls prepared beforehand, the last of them an execve. What Go's own
// fork and exec does is one such list, not to be changed; here callers write
// their own: to join a user namespace, which setns(2) refuses to a process
// with several threads, or to wait in a new one until its ids are mapped.
//
// The package imports only the standard library, so that supervisors can use
// it; package reexec says why.
package fork

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

// Call is one system call for the child. Its arguments are ready: the child
// can neither allocate nor look anything up.
type Call struct {
	Number uintptr
	Args   [5]uintptr
	Flow   Flow
	Unless int     // a call, counted from 1: where that one is done, this one is left out
	Feeds  int     // a call, counted from 1: it takes what this one returns as its first argument,
	Fed    int     // and so do those behind it, so many in all
	Record *Result // shared memory for what came of it
	Shown  string  // as C, for errors

	done bool // it went well; written by the child, for itself
}

// Result is what a call gave.
type Result struct {
	Value int           // what the call returned
	Errno syscall.Errno // 0 where it went well
}

// Flow says what follows a call.
type Flow uint8

const (
	MustWork Flow = iota // an error ends the child
	MayFail              // an error is ignored (dropping a capability the kernel does not know)
	Again                // a clone: the copy goes on, the original reports its number and ends
	TryExec              // an execve of several: "not there" and "not allowed" go on to the next
	Recorded             // whatever comes of it is kept, and the next follows
)

// outcome is what the child writes to its pipe: which call failed and how,
// or, with call -1, the number of the process that goes on.
type outcome struct {
	call  int32
	value int32 // errno or pid
}

const outcomeSize = int(unsafe.Sizeof(outcome{}))

// cloneArgs is struct clone_args of clone3(2).
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

const (
	sysClone3       = 435         // the same on every architecture
	cloneIntoCgroup = 0x200000000 // CLONE_INTO_CGROUP, since Linux 5.7
)

// fork runs calls in a new, single-threaded process; flags are of clone(2).
// A group of 0 or more is the descriptor of a control group of version 2, in
// which the process begins.
// The child is a copy of this process with one thread, and nothing of Go's
// runtime works in it: raw calls on prepared memory only.
//
//go:noinline
//go:norace
func fork(calls []Call, pipe int, flags uintptr, group int) (pid int, err syscall.Errno) {
	args := cloneArgs{flags: uint64(flags) | cloneIntoCgroup, exitSignal: uint64(syscall.SIGCHLD), cgroup: uint64(group)}
	syscall.ForkLock.Lock()
	beforeFork()
	var child uintptr
	var errno syscall.Errno
	if group >= 0 {
		child, _, errno = syscall.RawSyscall(sysClone3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	} else {
		child, _, errno = syscall.RawSyscall6(syscall.SYS_CLONE, flags|uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	}
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
// process that Again leaves behind.
//
//go:nosplit
//go:norace
func perform(calls []Call, pipe uintptr) {
	var said outcome
	for i := range calls {
		c := &calls[i]
		if c.Unless > 0 && calls[c.Unless-1].done {
			continue
		}
		value, _, errno := syscall.RawSyscall6(c.Number, c.Args[0], c.Args[1], c.Args[2], c.Args[3], c.Args[4], 0)
		if c.Record != nil {
			c.Record.Value, c.Record.Errno = int(value), errno
		}
		switch {
		case c.Flow == Again && errno == 0:
			if value == 0 {
				continue
			}
			said = outcome{-1, int32(value)}
		case errno == 0:
			c.done = true
			for next := c.Feeds; next < c.Feeds+c.Fed; next++ {
				calls[next-1].Args[0] = value
			}
			continue
		case c.Flow == MayFail, c.Flow == Recorded:
			continue
		case c.Flow == TryExec:
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
