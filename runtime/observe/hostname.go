package observe

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
)

// hostname is the one that a process sees. Only a process in its UTS
// namespace is told, so a thread goes there and is then thrown away; without
// the right to (see setns(2)), it is "".
func hostname(pid int, namespace uint64) string {
	if namespace == namespaceID("/proc/self", "uts") {
		return nodename()
	}
	found := make(chan string)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		found <- hostnameIn("/proc/" + strconv.Itoa(pid) + "/ns/uts")
	}()
	return <-found
}

func hostnameIn(namespace string) string {
	file, err := os.Open(namespace)
	if err != nil {
		return ""
	}
	defer file.Close()
	if _, _, errno := syscall.RawSyscall(sysSetns, file.Fd(), syscall.CLONE_NEWUTS, 0); errno != 0 {
		return ""
	}
	return nodename()
}

// nodename is uname(2)'s.
func nodename() string {
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
