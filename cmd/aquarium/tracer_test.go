package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// crash runs a command and kills one of the processes it is made of, right
// before that process's n-th system call that changes something: where what
// was done and what was still to be done part. Everything else runs to its
// end. It returns the call, "" when the process made fewer.
func (p place) crash(t testing.TB, actor string, n int, args ...string) (before string) {
	t.Helper()
	c := p.command(args...)
	tracer := exec.Command(os.Args[0], append([]string{tracerRole, actor, strconv.Itoa(n), c.Path}, args...)...)
	tracer.Env, tracer.Dir = c.Env, c.Dir
	out, err := tracer.CombinedOutput()
	if err != nil {
		t.Fatalf("trace aquarium %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// tracerRole is the first argument of a test binary that plays the tracer: a
// process of its own, whose only children are those it traces.
const tracerRole = "trace-and-kill"

// playTracer is what crash starts: role, actor, number, program, arguments.
func playTracer(args []string) error {
	if len(args) < 4 {
		return errors.New("usage: " + tracerRole + " ACTOR NUMBER PROGRAM ARGUMENT…")
	}
	number, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	runtime.LockOSThread() // it is a thread that traces, not a process
	tr := tracer{actor: args[1], left: number, seen: make(map[int]bool), names: make(map[int]string)}
	err = tr.run(args[3], append([]string{"aquarium"}, args[4:]...), &os.ProcAttr{Files: []*os.File{null, null, null}})
	fmt.Print(tr.before)
	return err
}

// actors are the processes of a launch, by argv[0]; see package reexec.
const (
	actorCommand    = "aquarium"
	actorSupervisor = "aquarium-supervise"
	actorInit       = "aquarium-init"
)

// tracer follows a process and all that it starts by ptrace(2).
type tracer struct {
	actor  string
	left   int            // changing calls of the actor's until it is killed
	before string         // the call it was killed before
	seen   map[int]bool   // threads that have been told to go on once
	names  map[int]string // what a process is, by its number
}

func (tr *tracer) run(path string, args []string, attr *os.ProcAttr) error {
	attr.Sys = &syscall.SysProcAttr{Ptrace: true}
	process, err := os.StartProcess(path, args, attr)
	if err != nil {
		return err
	}
	first := process.Pid
	process.Release()
	for {
		var status syscall.WaitStatus
		thread, err := syscall.Wait4(-1, &status, syscall.WALL, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.ECHILD:
			return nil // all have ended
		case err != nil:
			return err
		case !status.Stopped():
			delete(tr.seen, thread)
			continue
		}
		if thread == first && !tr.seen[thread] {
			const options = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEFORK |
				syscall.PTRACE_O_TRACEVFORK | syscall.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL
			if err := syscall.PtraceSetOptions(thread, options); err != nil {
				return err
			}
		}
		// ESRCH: it was killed meanwhile.
		if err := syscall.PtraceSyscall(thread, tr.stopped(thread, status)); err != nil && err != syscall.ESRCH {
			return err
		}
	}
}

// stopped looks at a thread that has stopped, and returns the signal to pass on.
func (tr *tracer) stopped(thread int, status syscall.WaitStatus) (signal int) {
	fresh := !tr.seen[thread]
	tr.seen[thread] = true
	switch number := status.StopSignal(); {
	case number == syscall.SIGTRAP|0x80:
		tr.call(thread)
	case number == syscall.SIGTRAP:
		if status.TrapCause() == syscall.PTRACE_EVENT_EXEC {
			delete(tr.names, thread) // it is something else from here on
		}
	case fresh && number == syscall.SIGSTOP: // how a new thread begins
	default:
		return int(number)
	}
	return 0
}

// call is a thread before or after a system call.
func (tr *tracer) call(thread int) {
	if tr.left == 0 {
		return
	}
	name := changing(thread)
	if name == "" || tr.name(thread) != tr.actor {
		return
	}
	if tr.left--; tr.left == 0 {
		tr.before = name
		// It is stopped, and this process alone can reap it: the number is still its.
		syscall.Kill(thread, syscall.SIGKILL)
	}
}

// name is argv[0] of the thread's process, without its directory.
func (tr *tracer) name(thread int) string {
	if name, ok := tr.names[thread]; ok {
		return name
	}
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", thread)) // "" for one that is being killed
	argv0, _, _ := strings.Cut(string(line), "\x00")
	tr.names[thread] = filepath.Base(argv0)
	return tr.names[thread]
}

// changes are the system calls that change something others can see, by number.
var changes = map[uint64]string{
	unix.SYS_WRITE: "write", unix.SYS_SENDMSG: "sendmsg", unix.SYS_SENDTO: "sendto", unix.SYS_PWRITE64: "pwrite64", unix.SYS_FTRUNCATE: "ftruncate",
	unix.SYS_MKDIRAT: "mkdirat", unix.SYS_SYMLINKAT: "symlinkat", unix.SYS_LINKAT: "linkat", unix.SYS_MKNODAT: "mknodat",
	unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2", unix.SYS_UNLINKAT: "unlinkat",
	unix.SYS_FCHOWNAT: "fchownat", unix.SYS_FCHMODAT: "fchmodat", unix.SYS_FLOCK: "flock", unix.SYS_FALLOCATE: "fallocate",
	unix.SYS_MOUNT: "mount", unix.SYS_UMOUNT2: "umount2", unix.SYS_MOVE_MOUNT: "move_mount", unix.SYS_MOUNT_SETATTR: "mount_setattr",
	unix.SYS_PIVOT_ROOT: "pivot_root", unix.SYS_CHROOT: "chroot", unix.SYS_SETHOSTNAME: "sethostname", unix.SYS_UNSHARE: "unshare",
	unix.SYS_BIND: "bind", unix.SYS_LISTEN: "listen", unix.SYS_CONNECT: "connect", unix.SYS_SHUTDOWN: "shutdown",
	unix.SYS_CLONE: "clone", unix.SYS_CLONE3: "clone3", unix.SYS_EXECVE: "execve", unix.SYS_SETSID: "setsid", unix.SYS_EXIT_GROUP: "exit_group",
	unix.SYS_SECCOMP: "seccomp", unix.SYS_CAPSET: "capset", unix.SYS_SETGROUPS: "setgroups", unix.SYS_PIDFD_SEND_SIGNAL: "pidfd_send_signal",
	unix.SYS_OPENAT: "openat",
}

// changing names the system call that a thread is about to make; "" for one
// that changes nothing, and for one that has been made.
func changing(thread int) string {
	const (
		getSyscallInfo = 0x420e // PTRACE_GET_SYSCALL_INFO, since Linux 5.3
		infoEntry      = 1      // PTRACE_SYSCALL_INFO_ENTRY
	)
	var info struct { // struct ptrace_syscall_info, of a call's entry
		op   uint8
		_    [3]uint8
		arch uint32
		_    [2]uint64
		nr   uint64
		args [6]uint64
	}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, getSyscallInfo, uintptr(thread), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || info.op != infoEntry {
		return ""
	}
	switch info.nr {
	case unix.SYS_OPENAT:
		if info.args[2]&syscall.O_CREAT == 0 {
			return ""
		}
	case unix.SYS_CLONE:
		if info.args[0]&syscall.CLONE_THREAD != 0 {
			return "" // Go's own, whenever it likes
		}
	case unix.SYS_WRITE:
		if info.args[2] == 8 && wakes(thread, info.args[1]) {
			return ""
		}
	}
	return changes[info.nr]
}

// wakes tells a write to Go's poller's eventfd, which comes whenever it likes.
func wakes(thread int, address uint64) bool {
	word := make([]byte, 8)
	n, err := syscall.PtracePeekData(thread, uintptr(address), word)
	return err == nil && n == len(word) && bytes.Equal(word, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}
