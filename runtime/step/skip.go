package step

// Unskippable says why a step of a stepped launch may not be left out; ""
// when it may.
//
// What a sandbox is furnished with may be left out: what is mounted in it, its
// devices, its terminal, its names. What keeps its program from the host may
// not. The outer mount namespace is no second wall behind it: read-only mounts
// keep files from being written, but not sockets, pipes and what the files of
// /proc do, and /proc/PID/root of a process of the host leads out of it. So the
// program must stand in its own root, hold no more than the usual rights, and
// have the kernel's files hidden from it, whatever else is missing.
func (p Plan) Unskippable(index int) string {
	if index < 0 || index >= len(p.Steps) {
		return "there is no such step"
	}
	if _, outer := p.Steps[0].Op.(*Outer); !outer {
		return "only a launch in an outer mount namespace may go wrong on purpose"
	}
	switch p.Steps[index].Op.(type) {
	case *Unshare, *Mount, *Overlay, *Hierarchies, *MountAttributes, *Mkdir, *BindDevices,
		*Symlink, *Console, *Sethostname, *LinkUp, *Umask, *Workdir, *User, *NoNewPrivs:
		return ""
	case *Outer:
		return "it keeps what goes wrong from the host"
	case *Cgroup, *OOMScore, *Rlimits:
		return "it keeps what goes wrong from the neighbours"
	case *Adopt:
		return "what the program leaves behind would run on"
	case *Clone, *Exec, *Reap:
		return "there would be nothing to launch"
	case *OpenTree, *Setns, *MoveMount, *OpenDir, *Fchdir:
		return "init would not find its root"
	case *Chdir, *Chroot, *PivotRoot, *Umount:
		return "the program would reach the host's tree, where sockets, pipes and /proc lead out of the outer mount namespace"
	case *Mask, *ReadOnly:
		return "the program would reach the host's kernel by its files"
	case *Bounding, *KeepCapabilities, *Capabilities:
		return "with every capability the program could leave the outer mount namespace"
	case *Keyring, *Seccomp:
		return "the program would have the keys of who launches it"
	}
	return "it is for what a launch that may go wrong does not have" // such as a bridge
}
