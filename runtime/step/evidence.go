package step

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// What follows is read at the moment of a failure, by the thread that the
// kernel refused. It may find no /proc, or one of another pid namespace: what
// cannot be read is no evidence.

// missing names a capability that this thread lacks, as a clause; "" when it
// has it.
func missing(capability string) string {
	effective, _, _, err := kernel.Capget()
	number, known := kernel.CapabilityNumber(capability)
	if err != nil || !known || effective&(1<<number) != 0 {
		return ""
	}
	return capability + " is missing"
}

// ownMounts are the mounts that this thread sees.
func ownMounts() []observe.Mount {
	text, _ := os.ReadFile("/proc/thread-self/mountinfo")
	return observe.ParseMounts(string(text))
}

// mountOf is the mount that a path lies on; see proc_pid_fdinfo(5), mnt_id.
func mountOf(path string, mounts []observe.Mount) (observe.Mount, bool) {
	fd, err := syscall.Open(path, kernel.O_PATH|syscall.O_CLOEXEC, 0)
	if err != nil {
		return observe.Mount{}, false
	}
	defer syscall.Close(fd)
	info, _ := os.ReadFile("/proc/thread-self/fdinfo/" + strconv.Itoa(fd))
	_, rest, _ := strings.Cut(string(info), "mnt_id:")
	line, _, _ := strings.Cut(rest, "\n")
	id, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return observe.Mount{}, false
	}
	return mountByID(id, mounts)
}

func mountByID(id int, mounts []observe.Mount) (observe.Mount, bool) {
	for _, m := range mounts {
		if m.ID == id {
			return m, true
		}
	}
	return observe.Mount{}, false
}

func isShared(m observe.Mount) bool { return strings.Contains(m.Propagation, "shared:") }

// absolute is a path as getcwd(2) sees it.
func absolute(path string) string {
	if path == "." {
		path, _ = syscall.Getwd()
	}
	if len(path) > 1 {
		path = strings.TrimRight(path, "/")
	}
	return path
}

// sysctl is the value of a kernel parameter, "" where there is none of that
// name; see sysctl(8).
func sysctl(name string) string {
	value, _ := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	return strings.TrimSpace(string(value))
}

// idMap is this process's uid_map or gid_map, on one line.
func idMap(file string) string {
	content, _ := os.ReadFile("/proc/thread-self/" + file)
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.Join(lines, ", ")
}

// inUserNamespace tells whether this is not the initial user namespace, whose
// map alone is all ids onto themselves; see user_namespaces(7).
func inUserNamespace() bool {
	m := idMap("uid_map")
	return m != "" && m != "0 0 4294967295"
}

// firstMissing is the first directory or file on a path that is not there.
func firstMissing(path string) string {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		if _, err := lstat(path[:i]); err == syscall.ENOENT {
			return path[:i]
		}
	}
	return ""
}

func quote(s string) string { return strconv.Quote(s) }

func itoa(n int) string { return strconv.Itoa(n) }
