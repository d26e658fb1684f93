package observe

import (
	"os"
	"runtime"
	"strconv"
	"syscall"

	"aquarium/runtime/kernel"
)

// hostname is the one that a process sees. Only a process in its UTS
// namespace is told, so this thread goes there and comes back; without the
// right to (see setns(2)), the answer is "".
func hostname(pid int, namespace uint64) string {
	if namespace == namespaceID("/proc/self", "uts") {
		return Hostname()
	}
	home, err := os.Open("/proc/thread-self/ns/uts")
	if err != nil {
		return ""
	}
	defer home.Close()
	there, err := os.Open("/proc/" + strconv.Itoa(pid) + "/ns/uts")
	if err != nil {
		return ""
	}
	defer there.Close()
	found := make(chan string)
	go func() {
		runtime.LockOSThread()
		name := ""
		if setns(there) == nil {
			name = Hostname()
			if setns(home) != nil {
				found <- name
				return // still locked: the thread ends with the goroutine
			}
		}
		// A thread that ends takes along the children that it has started with
		// PR_SET_PDEATHSIG, so this one is kept.
		runtime.UnlockOSThread()
		found <- name
	}()
	return <-found
}

func setns(namespace *os.File) error {
	_, _, errno := syscall.RawSyscall(kernel.SYS_SETNS, namespace.Fd(), syscall.CLONE_NEWUTS, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// Hostname is the caller's own, by uname(2).
func Hostname() string {
	var uts syscall.Utsname
	if syscall.Uname(&uts) != nil {
		return ""
	}
	name := make([]byte, 0, len(uts.Nodename))
	for _, c := range uts.Nodename {
		if c == 0 {
			break
		}
		name = append(name, byte(c))
	}
	return string(name)
}
