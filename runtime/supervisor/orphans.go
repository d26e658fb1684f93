package supervisor

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"aquarium/runtime/kernel"
)

// orphanPatience bounds how long what the program left behind is killed: it
// may start new processes faster than they are found.
const orphanPatience = 10 * time.Second

// endOrphans kills what the program has left behind among the host's
// processes, which is this process's since step.Adopt: children, and then
// theirs, until there are none. It tells whether that came about. Nobody waits
// for them: they go when this process does.
func endOrphans() bool {
	for deadline := time.Now().Add(orphanPatience); time.Now().Before(deadline); {
		left := children()
		if len(left) == 0 {
			return true
		}
		for _, pid := range left {
			endChild(pid, deadline)
		}
	}
	return false
}

// endChild kills a child and waits for its end.
func endChild(pid int, deadline time.Time) {
	fd, err := kernel.PidfdOpen(pid)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	// With the descriptor in hand: the number may have been another's before.
	if isChild(pid) && kernel.PidfdSendSignal(fd, syscall.SIGKILL) == nil {
		kernel.Poll(fd, kernel.POLLIN, time.Until(deadline))
	}
}

// children are this process's that have not ended.
func children() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var list []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && isChild(pid) {
			list = append(list, pid)
		}
	}
	return list
}

// isChild looks at fields 3 and 4 of /proc/PID/stat, state and parent; see
// proc_pid_stat(5).
func isChild(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	return len(fields) > 1 && fields[0] != "Z" && fields[0] != "X" && fields[1] == strconv.Itoa(os.Getpid())
}
