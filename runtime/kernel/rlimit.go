package kernel

import (
	"slices"
	"syscall"
)

// rlimits names the limits on what each process may use by their numbers; see
// getrlimit(2).
var rlimits = [...]string{
	"RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC", "RLIMIT_NOFILE",
	"RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
}

// Unlimited is RLIM_INFINITY.
const Unlimited = ^uint64(0)

// Rlimits returns the names of all resource limits, by number.
func Rlimits() []string { return slices.Clone(rlimits[:]) }

// RlimitNumber returns the number of a limit such as "RLIMIT_NOFILE".
func RlimitNumber(name string) (number int, ok bool) {
	number = slices.Index(rlimits[:], name)
	return number, number >= 0
}

// Getrlimit returns a limit of this process.
func Getrlimit(number int) (soft, hard uint64, err error) {
	var limit syscall.Rlimit
	err = syscall.Getrlimit(number, &limit)
	return limit.Cur, limit.Max, err
}

// Setrlimit sets a limit of this process. Package syscall's own function is
// called because it then also lets go of the limit on open files that Go would
// bring back before an exec.
func Setrlimit(number int, soft, hard uint64) error {
	return syscall.Setrlimit(number, &syscall.Rlimit{Cur: soft, Max: hard})
}
