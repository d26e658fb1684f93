package main

import (
	"fmt"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// calls makes system calls that a sandbox is refused. Each is made so that it
// does no harm where it is not: with arguments that mean nothing.
func calls([]string) {
	fmt.Print(results(append(append(namespaceCalls(), kernelCalls()...), machineCalls()...)))
}

// call is an attempt of one system call.
func call(name string, number uintptr, args ...uintptr) attempt {
	var a [6]uintptr
	copy(a[:], args)
	return attempt{name, func() error {
		_, _, errno := syscall.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
		if errno != 0 {
			return errno
		}
		return nil
	}}
}

// numbers makes system calls by their numbers, with arguments that mean
// nothing.
func numbers(list []string) {
	var all []attempt
	for _, text := range list {
		number, err := strconv.Atoi(text)
		must(err)
		all = append(all, call(text, uintptr(number), nothing, nothing, nothing, nothing, nothing, nothing))
	}
	fmt.Print(results(all))
}

// nothing is a descriptor that is not open, and nowhere a path that does not
// exist.
const nothing = ^uintptr(0)

var nowhere = cString("/no/such/file")

func cString(s string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(s + "\x00"))) }

var namespaces = map[string]uintptr{
	"mnt": unix.CLONE_NEWNS, "uts": unix.CLONE_NEWUTS, "ipc": unix.CLONE_NEWIPC, "user": unix.CLONE_NEWUSER,
	"pid": unix.CLONE_NEWPID, "net": unix.CLONE_NEWNET, "cgroup": unix.CLONE_NEWCGROUP,
}

func namespaceCalls() []attempt {
	all := []attempt{
		call("clone3", unix.SYS_CLONE3, 0, 0),
		{"setns", func() error {
			fd, err := unix.Open("/proc/self/ns/uts", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Setns(fd, unix.CLONE_NEWUTS)
		}},
		call("pivot_root", unix.SYS_PIVOT_ROOT, nowhere, nowhere),
		call("mount", unix.SYS_MOUNT, 0, nowhere, 0, unix.MS_BIND, 0),
		call("umount2", unix.SYS_UMOUNT2, nowhere, 0),
		call("fsopen", unix.SYS_FSOPEN, 0, 0),
		call("fspick", unix.SYS_FSPICK, nothing, nowhere, 0),
		call("fsconfig", unix.SYS_FSCONFIG, nothing, nothing),
		call("fsmount", unix.SYS_FSMOUNT, nothing),
		call("open_tree", unix.SYS_OPEN_TREE, nothing, nowhere, 0),
		call("move_mount", unix.SYS_MOVE_MOUNT, nothing, nowhere, nothing, nowhere),
		call("mount_setattr", unix.SYS_MOUNT_SETATTR, nothing, nowhere),
	}
	for kind, flag := range namespaces {
		all = append(all,
			attempt{"clone " + kind, func() error { return clone(flag) }},
			attempt{"unshare " + kind, func() error { return unshare(flag) }})
	}
	return all
}

// clone makes a process in a new namespace, which ends at once.
func clone(flag uintptr) error {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, flag|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		for {
			syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	_, err := unix.Wait4(int(pid), nil, 0, nil)
	return err
}

// unshare is made by a process of its own: of several threads a process may
// not change its user namespace, and it is to stay where it is.
func unshare(flag uintptr) error {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	said := new([1]byte)
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		_, _, errno := syscall.RawSyscall(unix.SYS_UNSHARE, flag, 0, 0)
		said[0] = byte(errno)
		syscall.RawSyscall(unix.SYS_WRITE, uintptr(pipe[1]), uintptr(unsafe.Pointer(said)), 1)
		for {
			syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	unix.Close(pipe[1])
	defer unix.Close(pipe[0])
	unix.Wait4(int(pid), nil, 0, nil)
	if n, err := unix.Read(pipe[0], said[:]); n != 1 {
		return err
	}
	if said[0] != 0 {
		return syscall.Errno(said[0])
	}
	return nil
}

// kernelCalls reach parts of the kernel that hardly any program needs, and in
// which many holes have been found.
func kernelCalls() []attempt {
	const sessionKeyring = ^uintptr(2)
	return append(families(), []attempt{
		call("keyctl", unix.SYS_KEYCTL, 0, sessionKeyring, 1),
		call("add_key", unix.SYS_ADD_KEY, 0, 0, 0, 0, 0),
		call("request_key", unix.SYS_REQUEST_KEY, 0, 0, 0, 0),
		call("io_uring_setup", unix.SYS_IO_URING_SETUP, 1, 0),
		call("io_uring_enter", unix.SYS_IO_URING_ENTER, nothing, 0, 0, 0),
		call("io_uring_register", unix.SYS_IO_URING_REGISTER, nothing, 0, 0, 0),
		call("bpf", unix.SYS_BPF, nothing, 0, 0),
		call("userfaultfd", unix.SYS_USERFAULTFD, 1<<30),
		call("perf_event_open", unix.SYS_PERF_EVENT_OPEN, 0, 0, nothing, nothing, 0),
		call("fanotify_init", unix.SYS_FANOTIFY_INIT, 1<<30, 0),
		call("open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, nothing, 0, 0),
		call("personality READ_IMPLIES_EXEC", unix.SYS_PERSONALITY, 0x0400000),
		call("personality 0x38", unix.SYS_PERSONALITY, 0x38),
		call("mbind", unix.SYS_MBIND, 1, 0, 0, 0, 0),
		call("set_mempolicy", unix.SYS_SET_MEMPOLICY, 99, 0, 0),
		call("kcmp", unix.SYS_KCMP, 1, 1, 99, 0, 0),
		call("pidfd_getfd", unix.SYS_PIDFD_GETFD, nothing, 0, 0),
		call("process_madvise", unix.SYS_PROCESS_MADVISE, nothing, 0, 0, 0, 0),
		call("quotactl", unix.SYS_QUOTACTL, 0xffff, 0, 0, 0),
	}...)
}

// sockets makes sockets of the families that a sandbox is refused.
func sockets([]string) { fmt.Print(results(families())) }

// families are made by package syscall's way, which is socketcall(2) in 32-bit
// programs, and by socket(2) itself.
func families() []attempt {
	return []attempt{
		{"socket AF_ALG", func() error { return socket(unix.AF_ALG, unix.SOCK_SEQPACKET) }},
		{"socket AF_VSOCK", func() error { return socket(unix.AF_VSOCK, unix.SOCK_STREAM) }},
		call("socket(2) AF_ALG", unix.SYS_SOCKET, unix.AF_ALG, unix.SOCK_SEQPACKET, 0),
		call("socket(2) AF_VSOCK", unix.SYS_SOCKET, unix.AF_VSOCK, unix.SOCK_STREAM, 0),
	}
}

func socket(family, kind int) error {
	fd, err := unix.Socket(family, kind, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// machineCalls change the machine.
func machineCalls() []attempt {
	return []attempt{
		call("kexec_load", unix.SYS_KEXEC_LOAD, 0, 0, 0, 0xffff),
		call("init_module", unix.SYS_INIT_MODULE, 0, 0, 0),
		call("finit_module", unix.SYS_FINIT_MODULE, nothing, 0, 0),
		call("delete_module", unix.SYS_DELETE_MODULE, cString("no_such_module"), unix.O_NONBLOCK),
		call("reboot", unix.SYS_REBOOT, 0, 0, 0, 0), // without its magic numbers
		call("swapon", unix.SYS_SWAPON, nowhere, 0),
		call("swapoff", unix.SYS_SWAPOFF, nowhere),
		call("acct", unix.SYS_ACCT, nowhere),
		call("settimeofday", unix.SYS_SETTIMEOFDAY, 1, 0),
		call("clock_settime", unix.SYS_CLOCK_SETTIME, 0, 1),
		call("sethostname", unix.SYS_SETHOSTNAME, 1, 1),
		call("setdomainname", unix.SYS_SETDOMAINNAME, 1, 1),
		call("syslog", unix.SYS_SYSLOG, 10, 0, 0), // how much there is
		call("vhangup", unix.SYS_VHANGUP),
	}
}
