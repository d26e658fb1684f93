package supervisor

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/wire"
)

// shortage words that the kernel has killed processes of the sandbox for want
// of memory; "" where it has not.
func shortage(groups cgroup.Groups, killed bool) string {
	kills := groups.OOMKills()
	if kills == 0 {
		return ""
	}
	at := ""
	if limit := groups.MemoryLimit(); limit > 0 {
		at = " at its limit of " + size(limit)
	}
	switch {
	case killed:
		return "out of memory" + at
	case kills == 1:
		return "one of its processes was killed: out of memory" + at
	}
	return strconv.FormatInt(kills, 10) + " of its processes were killed: out of memory" + at
}

// noteShortage adds to a report of the end what the kernel did for want of
// memory.
func (s *supervisor) noteShortage(report *wire.ExitReport) {
	killed := report.Signal == int(syscall.SIGKILL)
	if why := shortage(s.boot.State.Groups, killed); why != "" {
		report.Reason = why
	}
}

// outOfMemory is the error of a launch whose init the kernel has killed.
func (s *supervisor) outOfMemory(err error) error {
	if err != nil && s.launch.Process != nil && !errors.As(err, new(aborted)) {
		if why := shortage(s.boot.State.Groups, true); why != "" {
			return fmt.Errorf("%s: %w", why, err)
		}
	}
	return err
}

// size words a number of bytes in the largest unit that it is a multiple of.
func size(n int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}} {
		if n%unit.bytes == 0 {
			return strconv.FormatInt(n/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
