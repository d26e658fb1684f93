// Package kernel holds the system calls that package syscall lacks and a
// launch needs. It imports nothing but the standard library, so that the
// re-exec'd init and supervisor can run before any other package has
// initialised (see package reexec).
package kernel

import (
	"syscall"
	"time"
	"unsafe"
)

// Numbers of system calls added after the architectures' tables were unified
// (Linux 5.0 and later): the same everywhere.
const (
	sysPidfdSendSignal = 424
	sysOpenTree        = 428
	sysPidfdOpen       = 434
	sysOpenat2         = 437
	sysMountSetattr    = 442
)

// Flags of open(2) and openat2(2) that package syscall lacks.
const (
	O_PATH = 0x200000

	RESOLVE_NO_XDEV       = 0x01
	RESOLVE_NO_MAGICLINKS = 0x02
	RESOLVE_NO_SYMLINKS   = 0x04
	RESOLVE_BENEATH       = 0x08
	RESOLVE_IN_ROOT       = 0x10

	AT_EMPTY_PATH = 0x1000
)

// OpenHow is struct open_how of openat2(2).
type OpenHow struct{ Flags, Mode, Resolve uint64 }

// SYS_OPENAT2 is for those who make the call in a child; see package fork.
const SYS_OPENAT2 = sysOpenat2

// Openat2 opens path relative to dirfd under the given resolve restrictions;
// see openat2(2). The descriptor is close-on-exec.
func Openat2(dirfd int, path string, flags, mode, resolve uint64) (int, error) {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	how := OpenHow{flags | syscall.O_CLOEXEC, mode, resolve}
	for {
		fd, _, errno := syscall.Syscall6(sysOpenat2, uintptr(dirfd), uintptr(unsafe.Pointer(p)),
			uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
		switch errno {
		case 0:
			return int(fd), nil
		case syscall.EAGAIN, syscall.EINTR: // a rename raced with the walk: openat2(2) asks to try again
			continue
		}
		return -1, errno
	}
}

// PidfdOpen returns a descriptor that refers to process pid; see pidfd_open(2).
func PidfdOpen(pid int) (int, error) {
	fd, _, errno := syscall.Syscall(sysPidfdOpen, uintptr(pid), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// PidfdSendSignal sends sig to the process behind pidfd; see pidfd_send_signal(2).
func PidfdSendSignal(pidfd int, sig syscall.Signal) error { return pidfdSignal(pidfd, sig, 0) }

func pidfdSignal(pidfd int, sig syscall.Signal, flags uintptr) error {
	_, _, errno := syscall.Syscall6(sysPidfdSendSignal, uintptr(pidfd), uintptr(sig), 0, flags, 0, 0)
	return errnoErr(errno)
}

// AwaitEnd waits until a child has ended, and leaves it to be waited for; see
// waitid(2).
func AwaitEnd(pid int) error {
	const (
		byPID = 1          // P_PID
		end   = 0x4        // WEXITED
		leave = 0x01000000 // WNOWAIT
	)
	var info [128]byte // siginfo_t
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(pid), uintptr(unsafe.Pointer(&info)), end|leave, 0, 0)
		if errno != syscall.EINTR {
			return errnoErr(errno)
		}
	}
}

// KillGroup kills the process group whose leader, a child of ours with the
// number pid, is behind pidfd.
func KillGroup(pidfd, pid int) error {
	const processGroup = 4 // PIDFD_SIGNAL_PROCESS_GROUP, since Linux 6.9
	err := pidfdSignal(pidfd, syscall.SIGKILL, processGroup)
	if err != syscall.EINVAL {
		return err
	}
	if err := PidfdSendSignal(pidfd, 0); err != nil {
		return err // waited for: the number may be another's
	}
	return syscall.Kill(-pid, syscall.SIGKILL)
}

// Commands of prctl(2).
const (
	PR_SET_PDEATHSIG       = 1
	PR_SET_KEEPCAPS        = 8
	PR_SET_NAME            = 15
	PR_SET_DUMPABLE        = 4
	PR_SET_CHILD_SUBREAPER = 36
	PR_CAPBSET_DROP        = 24
	PR_SET_NO_NEW_PRIVS    = 38
	PR_CAP_AMBIENT         = 47

	PR_CAP_AMBIENT_RAISE     = 2
	PR_CAP_AMBIENT_CLEAR_ALL = 4
)

// Prctl calls prctl(2) for the calling thread.
func Prctl(option int, arg uintptr, rest ...uintptr) error {
	var more [3]uintptr
	copy(more[:], rest)
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, uintptr(option), arg, more[0], more[1], more[2], 0)
	return errnoErr(errno)
}

// SetName sets what ps(1) shows of the calling thread where it has room for a
// word: at most 15 bytes, see PR_SET_NAME in prctl(2).
func SetName(name string) {
	var comm [16]byte
	copy(comm[:15], name)
	syscall.RawSyscall(syscall.SYS_PRCTL, PR_SET_NAME, uintptr(unsafe.Pointer(&comm)), 0)
}

// Ioctl calls ioctl(2) with a pointer or number argument.
func Ioctl(fd int, request, arg uintptr) error {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, arg)
	return errnoErr(errno)
}

// capHeader and capData are struct __user_cap_header_struct and
// __user_cap_data_struct of capget(2), version 3.
type capHeader struct {
	version uint32
	pid     int32
}

type capData struct {
	effective, permitted, inheritable uint32
}

const capVersion3 = 0x20080522

// Capset sets the calling thread's capability sets, one bit per capability
// number; see capset(2).
func Capset(effective, permitted, inheritable uint64) error {
	header, data := CapabilitySets(effective, permitted, inheritable)
	_, _, errno := syscall.RawSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(header)), uintptr(unsafe.Pointer(data)), 0)
	return errnoErr(errno)
}

// CapabilitySets are the arguments of capset(2).
func CapabilitySets(effective, permitted, inheritable uint64) (*capHeader, *[2]capData) {
	return &capHeader{version: capVersion3}, &[2]capData{
		{uint32(effective), uint32(permitted), uint32(inheritable)},
		{uint32(effective >> 32), uint32(permitted >> 32), uint32(inheritable >> 32)},
	}
}

// Capget returns the calling thread's effective, permitted and inheritable
// capabilities; see capget(2).
func Capget() (effective, permitted, inheritable uint64, err error) {
	header := capHeader{version: capVersion3}
	var data [2]capData
	_, _, errno := syscall.RawSyscall(syscall.SYS_CAPGET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	join := func(low, high uint32) uint64 { return uint64(high)<<32 | uint64(low) }
	return join(data[0].effective, data[1].effective), join(data[0].permitted, data[1].permitted),
		join(data[0].inheritable, data[1].inheritable), errnoErr(errno)
}

// Setns has the calling thread join a namespace; see setns(2).
func Setns(namespace int) error {
	_, _, errno := syscall.RawSyscall(SYS_SETNS, uintptr(namespace), 0, 0)
	return errnoErr(errno)
}

func errnoErr(errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

// Events of poll(2).
const (
	POLLIN  = 0x1
	POLLPRI = 0x2
)

// Poll waits until one of events happens to a descriptor, or the time is over;
// see ppoll in poll(2).
func Poll(fd int, events int16, wait time.Duration) error {
	poll := struct {
		fd              int32
		events, revents int16
	}{int32(fd), events, 0}
	timeout := syscall.NsecToTimespec(int64(max(0, wait)))
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
		if errno != syscall.EINTR { // what is left of the time, the kernel has noted
			return errnoErr(errno)
		}
	}
}
