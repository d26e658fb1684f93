package kernel

import (
	"syscall"
	"unsafe"
)

// DefaultSignals gives every signal its default action and unblocks all, for
// this thread and what it starts. Ignored and blocked signals outlive execve
// (see signal(7)), so those of whoever started us, such as nohup, would reach
// programs that know nothing of it. Go itself keeps SIGHUP and SIGINT ignored,
// and does not touch what the C library uses.
func DefaultSignals() {
	var action [4]uint64 // struct sigaction of the kernel: all zero is SIG_DFL
	const setSize = 8    // sizeof(sigset_t), in bytes
	for _, number := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, 32, 33, 34} {
		syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(number), uintptr(unsafe.Pointer(&action)), 0, setSize, 0, 0)
	}
	const setMask = 2 // SIG_SETMASK
	var none uint64
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, setMask, uintptr(unsafe.Pointer(&none)), 0, setSize, 0, 0)
}

// Blocked calls f while a signal is blocked for the calling thread, which must
// be locked; see sigprocmask(2).
func Blocked(number syscall.Signal, f func() error) error {
	const setSize, block, setMask = 8, 0, 2 // sizeof(sigset_t); SIG_BLOCK, SIG_SETMASK
	var before uint64
	set := uint64(1) << (number - 1)
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, block, uintptr(unsafe.Pointer(&set)), uintptr(unsafe.Pointer(&before)), setSize, 0, 0)
	err := f()
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, setMask, uintptr(unsafe.Pointer(&before)), 0, setSize, 0, 0)
	return err
}
