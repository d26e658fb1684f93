package supervisor

import (
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"aquarium/runtime/kernel"
)

// KillLost kills the program of a sandbox whose supervisor is gone, and with it
// all of its PID namespace, and waits for their end. Mostly there is none left:
// init has asked to be killed when the supervisor ends. But a program can take
// that back, and setuid(2) does so too; see PR_SET_PDEATHSIG in prctl(2).
func (s State) KillLost() {
	if s.PID <= 1 || !s.programRuns() {
		return
	}
	fd, err := kernel.PidfdOpen(s.PID)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	if !s.programRuns() || kernel.PidfdSendSignal(fd, syscall.SIGKILL) != nil {
		return // the number has become another's meanwhile
	}
	s.Groups.Thaw() // what is frozen does not die
	kernel.Poll(fd, kernel.POLLIN, endTime)
}

// endTime is how long a killed program may take to end.
const endTime = 5 * time.Second

// programRuns tells whether the process is still the one that was recorded. A
// record may be older than the machine's last start, since when another process
// may have begun just as long after it: but not in another PID namespace.
func (s State) programRuns() bool {
	start, err := StartTime(s.PID)
	return err == nil && start == s.PIDStart && (slices.Contains(s.Shared, "pid") || !amongUs(s.PID))
}

// amongUs tells whether a process is in this one's PID namespace.
func amongUs(pid int) bool {
	theirs, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/pid")
	ours, _ := os.Readlink("/proc/self/ns/pid")
	return err == nil && theirs == ours
}
