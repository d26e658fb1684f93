package kernel

import (
	"os"
	"strconv"
	"syscall"
)

const sysCloseRange = 436 // close_range(2), the same on every architecture

// CloseOnExecFrom marks every open descriptor from first on close-on-exec.
// Whoever started us may have left some open, and a program in a sandbox must
// not find them (CVE-2024-21626 began so).
func CloseOnExecFrom(first int) error {
	const cloexec = 1 << 2 // CLOSE_RANGE_CLOEXEC
	_, _, errno := syscall.RawSyscall(sysCloseRange, uintptr(first), ^uintptr(0)>>32, cloexec)
	if errno == 0 {
		return nil
	}
	entries, err := os.ReadDir("/proc/self/fd") // a kernel before 5.11
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= first {
			syscall.CloseOnExec(fd)
		}
	}
	return err
}

// DupAbove duplicates a descriptor to the first free number from lowest on;
// see F_DUPFD_CLOEXEC in fcntl(2).
func DupAbove(fd, lowest int) (int, error) {
	const dupCloexec = 1030 // F_DUPFD_CLOEXEC
	above, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), dupCloexec, uintptr(lowest))
	if errno != 0 {
		return -1, errno
	}
	return int(above), nil
}
