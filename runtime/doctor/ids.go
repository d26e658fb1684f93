package doctor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"aquarium/runtime/ids"
	"aquarium/runtime/kernel"
	"aquarium/runtime/userns"
)

// subordinateIDs has newuidmap(1) and newgidmap(1) map the user's ranges. For
// root it looks whether any are set aside for sandboxes.
func subordinateIDs(source ids.Source) Finding {
	f := Finding{What: "subordinate ids", OK: true}
	if os.Geteuid() == 0 {
		return setAside(f, source)
	}
	found, err := source.Own()
	if err == nil {
		err = found.Try()
	}
	if err == nil {
		f.Detail = fmt.Sprintf("%d users and %d groups besides your own, mapped by %s and %s", count(found.UIDs), count(found.GIDs), found.UIDHelper, found.GIDHelper)
		return f
	}
	f.OK, f.Detail = false, err.Error()
	f.Effect = "one user and one group exist inside: package managers and su want more"
	f.Knob = knobOf(err, "see newuidmap(1), which refuses to map them")
	return f
}

func setAside(f Finding, source ids.Source) Finding {
	found, err := source.Free(nil)
	if err != nil {
		f.OK, f.Detail, f.Effect = false, err.Error(), "no --userns auto: root in a sandbox is the host's root, confined"
		f.Knob = knobOf(err, "see subuid(5)")
		return f
	}
	f.Detail = fmt.Sprintf("set aside for --userns auto: %d users from %d on for each sandbox", found.UIDs[0].Count, found.UIDs[0].Outside)
	return f
}

// knobOf is the way to have ids that are missing.
func knobOf(err error, otherwise string) string {
	var missing *ids.Missing
	if errors.As(err, &missing) {
		return missing.Knob
	}
	return otherwise
}

// shiftedOwners tries whether files below data can be shown with other owners,
// as --userns auto does; see "ID-mapped mounts" in mount_setattr(2).
func shiftedOwners(data string) Finding {
	f := Finding{What: "mounts with owners shifted", OK: true, Detail: "in " + data}
	if err := shift(data); err != nil {
		f.OK, f.Detail = false, cause(err)
		f.Effect = "no --userns auto with root filesystems that are kept there"
		f.Knob = "set AQUARIUM_HOME to a directory on ext4, xfs, btrfs or tmpfs, with Linux 5.12 or later"
	}
	return f
}

// shift copies the mount that data lies on, which nobody sees, and shifts the
// owners on it by the maps of a user namespace that a waiting process holds.
func shift(data string) error {
	holder := exec.Command("/bin/sh", "-c", "read line")
	input, err := holder.StdinPipe() // its end ends the process
	if err != nil {
		return err
	}
	const first, width = 1879048192, 65536 // any will do: no file is made
	maps := []syscall.SysProcIDMap{{ContainerID: 0, HostID: first, Size: width}}
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: maps, GidMappings: maps, Pdeathsig: syscall.SIGKILL}
	if err := holder.Start(); err != nil {
		return err
	}
	defer holder.Wait()
	defer input.Close()
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", holder.Process.Pid))
	if err != nil {
		return err
	}
	defer namespace.Close()
	tree, err := kernel.OpenTree(data, 0)
	if err != nil {
		return os.NewSyscallError("open_tree", err)
	}
	defer syscall.Close(tree)
	return os.NewSyscallError("mount_setattr", kernel.ShiftTree(tree, 0, 0, int(namespace.Fd())))
}

// count is how many ids a map has besides root.
func count(maps []userns.IDMap) int {
	n := -1
	for _, m := range maps {
		n += m.Count
	}
	return n
}
