package step

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"aquarium/runtime/observe"
	"aquarium/runtime/userns"
)

// explain tells which of the calls it was, as far as that can be seen: Go
// reports the clone and the writing of the maps alike.
func (c *Clone) explain(refused *CallError) string {
	if !strings.HasPrefix(refused.Call, "clone(") {
		return ""
	}
	switch refused.Errno {
	case syscall.EPERM:
		if call, why := c.refusedMap(); why != "" {
			refused.Call = call.String()
			return why
		}
		return c.explainPermission()
	case syscall.ENOSPC, syscall.EUSERS:
		return c.explainLimit()
	case syscall.ENOMEM:
		return EndedNamespace()
	case syscall.EAGAIN:
		return explainProcessLimit()
	case syscall.EINVAL:
		return c.explainUnsupported()
	}
	return ""
}

// refusedMap applies the rules of user_namespaces(7) for uid_map and gid_map:
// without the capability one may map only oneself.
func (c *Clone) refusedMap() (Call, string) {
	for _, m := range []struct {
		file, capability string
		maps             []userns.IDMap
		own              int
	}{
		{"uid_map", "CAP_SETUID", c.UIDs, os.Geteuid()},
		{"gid_map", "CAP_SETGID", c.GIDs, os.Getegid()},
	} {
		lacks := missing(m.capability)
		for _, line := range m.maps {
			if lacks != "" && (len(m.maps) > 1 || line.Count != 1 || line.Outside != m.own) {
				return c.writeMap(m.file, m.maps), lacks + ", so only the line \"N " + itoa(m.own) + " 1\" may be written"
			}
		}
	}
	return Call{}, ""
}

// sysctls that forbid user namespaces, with the value that does.
var userNamespaceSysctls = []struct{ name, forbids string }{
	{"kernel.unprivileged_userns_clone", "0"},
	{"kernel.apparmor_restrict_unprivileged_userns", "1"},
	{"user.max_user_namespaces", "0"},
}

func (c *Clone) explainPermission() string {
	if c.Flags&syscall.CLONE_NEWUSER == 0 {
		if why := missing("CAP_SYS_ADMIN"); why != "" {
			return why + ", and without it only a user namespace may be made"
		}
		return ""
	}
	for _, s := range userNamespaceSysctls {
		if sysctl(s.name) == s.forbids {
			return s.name + " is " + s.forbids
		}
	}
	mounts := ownMounts()
	if root, ok := mountOf("/", mounts); len(mounts) > 0 && (!ok || root.Point != "/") {
		return "this process is in a chroot, where no user namespace may be made"
	}
	if os.Geteuid() == overflowID || os.Getegid() == overflowID {
		return "user " + itoa(os.Geteuid()) + " has no number in this user namespace"
	}
	if status, _ := os.ReadFile("/proc/thread-self/status"); strings.Contains(string(status), "\nSeccomp:\t2\n") {
		return "a seccomp filter is in force, as in a container: it may refuse clone"
	}
	return ""
}

// overflowID is what an unmapped id reads as, see kernel.overflowuid.
const overflowID = 65534

// explainLimit names the limits of namespaces(7), and those that are reached
// as far as can be counted.
func (c *Clone) explainLimit() string {
	var limits, reached []string
	for _, f := range cloneFlags {
		if uintptr(c.Flags)&f.bit == 0 {
			continue
		}
		kind := cloneKinds[f.bit]
		name := "user.max_" + kind + "_namespaces"
		value := sysctl(name)
		limit, err := strconv.Atoi(value)
		if err != nil {
			continue
		}
		limits = append(limits, name+" is "+value)
		if limit == 0 || limit <= countNamespaces(kind) {
			reached = append(reached, name+" is "+value)
		}
	}
	switch {
	case len(reached) > 0:
		return strings.Join(reached, ", ")
	case c.Flags&(syscall.CLONE_NEWUSER|syscall.CLONE_NEWPID) != 0:
		return "user and pid namespaces nest 32 deep at most, or a limit is reached in an outer user namespace; here " + strings.Join(limits, ", ")
	}
	return "a limit is reached in an outer user namespace; here " + strings.Join(limits, ", ")
}

// countNamespaces counts those that processes are in.
func countNamespaces(kind string) int {
	seen := make(map[string]bool)
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if id := observe.NamespaceID(pid, kind); id != "" {
				seen[id] = true
			}
		}
	}
	return len(seen)
}

// EndedNamespace says whether new processes of this thread would go to a pid
// namespace whose first process has ended: the kernel then makes no more, and
// answers ENOMEM; see pid_namespaces(7). "" when that is not so.
func EndedNamespace() string {
	own, _ := os.Readlink("/proc/thread-self/ns/pid")
	children, err := os.Readlink("/proc/thread-self/ns/pid_for_children")
	if err != nil || own == "" || children == own {
		return ""
	}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		if namespace, _ := os.Readlink("/proc/" + entry.Name() + "/ns/pid"); namespace == children {
			return ""
		}
	}
	return "the first process of " + children + ", where new ones would go, has ended: the kernel makes no more there"
}

func explainProcessLimit() string {
	var limit syscall.Rlimit
	const rlimitNproc = 6 // RLIMIT_NPROC, see getrlimit(2)
	if syscall.Getrlimit(rlimitNproc, &limit) != nil {
		return ""
	}
	return "user " + itoa(os.Getuid()) + " may have " + strconv.FormatUint(limit.Cur, 10) + " processes (RLIMIT_NPROC), the machine " + sysctl("kernel.threads-max") + " threads and " + sysctl("kernel.pid_max") + " numbers"
}

// explainUnsupported names the kinds of namespaces that this kernel was built
// without.
func (c *Clone) explainUnsupported() string {
	var absent []string
	for _, f := range cloneFlags {
		if uintptr(c.Flags)&f.bit != 0 && observe.NamespaceID(os.Getpid(), cloneKinds[f.bit]) == "" {
			absent = append(absent, cloneKinds[f.bit])
		}
	}
	if len(absent) == 0 {
		return ""
	}
	return "this kernel has no namespaces of the kind " + strings.Join(absent, ", ")
}
