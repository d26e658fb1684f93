package step

import (
	"os"
	"strings"
	"syscall"
)

// explain checks what pivot_root(2) lists under EINVAL and EBUSY.
func (p *PivotRoot) explain(refused *CallError) string {
	mounts := ownMounts()
	newRoot := absolute(p.NewRoot)
	at, found := mountOf(p.NewRoot, mounts)
	root, rootFound := mountOf("/", mounts)
	switch refused.Errno {
	case syscall.EPERM:
		return missing("CAP_SYS_ADMIN")
	case syscall.EBUSY:
		if found && rootFound && at.ID == root.ID {
			return quote(newRoot) + " is on the same mount as the current root: it must be a mount of its own"
		}
	case syscall.EINVAL:
		if why := p.putOldOutside(newRoot); why != "" {
			return why
		}
		if found && at.Point != newRoot {
			return quote(newRoot) + " is not a mount point: it is a directory of the mount at " + quote(at.Point)
		}
		if parent, ok := mountByID(at.Parent, mounts); ok && isShared(parent) {
			return "the mount at " + quote(parent.Point) + " that the new root is mounted in is shared (" + parent.Propagation + "): pivot_root would show in other mount namespaces"
		}
		if found && isShared(at) {
			return "the mount at " + quote(at.Point) + " is shared (" + at.Propagation + "): pivot_root would show in other mount namespaces"
		}
		if len(mounts) > 0 && (!rootFound || root.Point != "/") {
			return "the current root is not a mount point: this process is in a chroot"
		}
	}
	return ""
}

// putOldOutside: the old root must come to lie at or below the new one.
func (p *PivotRoot) putOldOutside(newRoot string) string {
	old := absolute(p.PutOld)
	if old == newRoot || newRoot == "/" || strings.HasPrefix(old, newRoot+"/") {
		return ""
	}
	return "the place for the old root, " + quote(old) + ", is not below the new one"
}

func (c *Chroot) explain(refused *CallError) string {
	if refused.Errno == syscall.EPERM {
		return missing("CAP_SYS_CHROOT")
	}
	return pathEvidence(c.Path, refused.Errno)
}

func (c *Chdir) explain(refused *CallError) string { return pathEvidence(c.Path, refused.Errno) }

func (d *Workdir) explain(refused *CallError) string { return pathEvidence(d.Path, refused.Errno) }

// pathEvidence says what of a path does not exist, or is no directory.
func pathEvidence(path string, number syscall.Errno) string {
	switch number {
	case syscall.ENOENT:
		if gone := firstMissing(path); gone != "" && gone != path {
			return quote(gone) + " does not exist"
		}
	case syscall.EACCES:
		return "user " + itoa(os.Geteuid()) + " may not search a directory on the way"
	}
	return ""
}

func (s *Sethostname) explain(refused *CallError) string {
	if refused.Errno != syscall.EPERM {
		return ""
	}
	if why := missing("CAP_SYS_ADMIN"); why != "" {
		return why
	}
	return "the uts namespace belongs to another user namespace"
}

func (u *Umount) explain(refused *CallError) string {
	if refused.Errno == syscall.EPERM {
		return missing("CAP_SYS_ADMIN")
	}
	return ""
}
