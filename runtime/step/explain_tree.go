package step

import (
	"strings"
	"syscall"

	"aquarium/runtime/kernel"
)

func (o *OpenTree) explain(refused *CallError) string {
	switch refused.Errno {
	case syscall.ENOSYS:
		return "this kernel is older than 5.12"
	case syscall.ENOENT:
		if gone := firstMissing(o.Source); gone != "" {
			return quote(gone) + " does not exist"
		}
	case syscall.EPERM:
		if why := missing("CAP_SYS_ADMIN"); why != "" {
			return why
		}
		return "what is mounted there has its owners shifted already, or belongs to another user namespace"
	}
	return ""
}

// unshiftable names the mounts whose owners cannot be shifted, each by trying
// it alone; see "ID-mapped mounts" in mount_setattr(2).
func (o *OpenTree) unshiftable(userns int) string {
	mounts := ownMounts()
	top, ok := mountOf(o.Source, mounts)
	if !ok {
		return ""
	}
	var refuse []string
	for _, m := range mounts {
		below := o.Recursive && strings.HasPrefix(m.Point, strings.TrimSuffix(absolute(o.Source), "/")+"/")
		if (m.ID == top.ID || below) && !shifts(m.Point, userns) {
			refuse = append(refuse, m.Type+" on "+quote(m.Point))
		}
	}
	if len(refuse) == 0 {
		return ""
	}
	return "this kernel cannot shift the owners on " + abridge(refuse, 4)
}

// shifts tries on a copy whether the owners on a mount can be shifted.
func shifts(point string, userns int) bool {
	fd, err := kernel.OpenTree(point, 0)
	if err != nil {
		return true // no evidence
	}
	defer syscall.Close(fd)
	return kernel.ShiftTree(fd, 0, 0, userns) != syscall.EINVAL
}

func (s *Setns) explain(refused *CallError) string {
	if refused.Errno == syscall.EPERM {
		return missing("CAP_SYS_ADMIN")
	}
	return ""
}
