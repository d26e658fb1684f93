package inspect

import (
	"strconv"
	"strings"
)

// status is what proc_pid_status(5) tells.
type status struct {
	uids, gids                        [4]int // real, effective, saved, filesystem
	groups                            []int
	pids                              []int // NSpid: from this /proc's pid namespace to the innermost
	pending, sharedPending, blocked   uint64
	ignored, caught                   uint64
	inheritable, permitted, effective uint64
	bounding, ambient                 uint64
	noNewPrivs                        bool
	seccomp, seccompFilters, tracer   int
}

func (t *Target) status() (status, error) {
	content, _, err := readAt(t.dir, "status", mostStatus)
	if err != nil {
		return status{}, err
	}
	return parseStatus(string(content))
}

// mostStatus has room for the 65,536 supplementary groups there may be.
const mostStatus = 1 << 20

// parseStatus reads /proc/PID/status. Lines that it does not know are left
// out; the name, the one line that the process chooses, has its line ends
// escaped by the kernel.
func parseStatus(text string) (status, error) {
	var s status
	var bad error
	masks := map[string]*uint64{
		"SigPnd": &s.pending, "ShdPnd": &s.sharedPending, "SigBlk": &s.blocked, "SigIgn": &s.ignored, "SigCgt": &s.caught,
		"CapInh": &s.inheritable, "CapPrm": &s.permitted, "CapEff": &s.effective, "CapBnd": &s.bounding, "CapAmb": &s.ambient,
	}
	lines(text, func(line string) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		var err error
		if mask := masks[key]; mask != nil {
			*mask, err = strconv.ParseUint(value, 16, 64)
		} else {
			err = s.read(key, value)
		}
		if err != nil {
			bad = errFormat
		}
	})
	if bad == nil && len(s.pids) == 0 {
		bad = errFormat
	}
	return s, bad
}

func (s *status) read(key, value string) (err error) {
	switch key {
	case "Uid":
		err = four(&s.uids, value)
	case "Gid":
		err = four(&s.gids, value)
	case "Groups":
		s.groups, err = integers(value)
	case "NSpid":
		s.pids, err = integers(value)
	case "TracerPid":
		s.tracer, err = strconv.Atoi(value)
	case "NoNewPrivs":
		s.noNewPrivs = value == "1"
	case "Seccomp":
		s.seccomp, err = strconv.Atoi(value)
	case "Seccomp_filters":
		s.seccompFilters, err = strconv.Atoi(value)
	}
	return err
}

func four(to *[4]int, value string) error {
	numbers, err := integers(value)
	if err != nil || len(numbers) != len(to) {
		return errFormat
	}
	copy(to[:], numbers)
	return nil
}

func integers(value string) ([]int, error) {
	fields := strings.Fields(value)
	numbers := make([]int, len(fields))
	for i, field := range fields {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil, errFormat
		}
		numbers[i] = n
	}
	return numbers, nil
}
