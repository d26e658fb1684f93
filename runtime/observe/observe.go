// Package observe reads what the kernel knows of one process and what has
// changed between two readings: the half-built sandbox of a stepped launch.
// It asks only the kernel (proc(5)), never the plan.
//
// The package imports only the standard library and package kernel, so that supervisors can use
// it; package reexec says why.
package observe

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// State is what the kernel knows of a process at one moment.
type State struct {
	PID        int               `json:"pid"`
	Namespaces map[string]uint64 `json:"namespaces"`         // kind → inode, see namespaces(7)
	Root       string            `json:"root"`               // in its mount namespace; not "/" in a chroot
	Cwd        string            `json:"cwd"`                // likewise
	Hostname   string            `json:"hostname,omitempty"` // "" where it could not be read
	Program    string            `json:"program"`            // its arguments
	User       User              `json:"user"`
	Mounts     []Mount           `json:"mounts"`     // below its root
	Processes  []Process         `json:"processes"`  // of its pid namespace, where that is its own
	Interfaces []string          `json:"interfaces"` // of its network namespace
	Addresses  []string          `json:"addresses"`  // of those, IPv4 then IPv6: an interface that is up
}

// User is what a process may do; see proc_pid_status(5).
type User struct {
	UIDs       string `json:"uids"` // real, effective, saved, filesystem
	GIDs       string `json:"gids"`
	Groups     string `json:"groups"`
	Effective  string `json:"effective"` // capabilities, in hexadecimal
	Bounding   string `json:"bounding"`
	Umask      string `json:"umask"` // octal
	NoNewPrivs bool   `json:"noNewPrivs"`
	Seccomp    bool   `json:"seccomp"` // a system call filter is in force
	UIDMap     string `json:"uidMap"`  // the first line of its user namespace's
}

// Process is a process of the sandbox.
type Process struct {
	PID     int    `json:"pid"`    // as the reader numbers it
	Inside  int    `json:"inside"` // as its own pid namespace numbers it
	Command string `json:"command"`
}

// Kinds are the kinds of namespaces, as /proc/PID/ns names them.
func Kinds() []string { return []string{"user", "mnt", "pid", "uts", "ipc", "net", "cgroup", "time"} }

// Read reads the state of a process. The error is that of reading /proc;
// what this kernel or this reader's rights do not give is left empty.
func Read(pid int) (State, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return State{}, err
	}
	mounts, err := Mounts(pid)
	if err != nil {
		return State{}, err
	}
	s := State{PID: pid, Namespaces: namespacesOf(dir), User: parseUser(string(status)), Mounts: mounts}
	s.User.UIDMap = strings.Join(strings.Fields(firstLine(dir+"/uid_map")), " ")
	s.Root, _ = os.Readlink(dir + "/root")
	s.Cwd, _ = os.Readlink(dir + "/cwd")
	s.Program = commandOf(dir)
	s.Hostname = hostname(pid, s.Namespaces["uts"])
	s.Processes = processes(pid, s.Namespaces["pid"])
	s.Interfaces = interfaces(dir)
	s.Addresses = addresses(dir)
	return s, nil
}

// Mounts reads what a process or thread has mounted.
func Mounts(pid int) ([]Mount, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/mountinfo")
	return ParseMounts(string(text)), err
}

func namespacesOf(dir string) map[string]uint64 {
	ids := make(map[string]uint64)
	for _, kind := range Kinds() {
		if id := namespaceID(dir, kind); id != 0 {
			ids[kind] = id
		}
	}
	return ids
}

// namespaceID is the inode of "kind:[inode]", 0 where there is none.
func namespaceID(dir, kind string) uint64 {
	link, _ := os.Readlink(dir + "/ns/" + kind)
	_, number, _ := strings.Cut(link, ":[")
	id, _ := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
	return id
}

// NamespaceID is the inode of a process's namespace of a kind, "" where it
// cannot be read.
func NamespaceID(pid int, kind string) string {
	return id(namespaceID("/proc/"+strconv.Itoa(pid), kind))
}

// OwnNamespaceID is that of this process, in whatever namespace /proc was
// mounted; see proc(5) on /proc/self.
func OwnNamespaceID(kind string) string { return id(namespaceID("/proc/self", kind)) }

func firstLine(path string) string {
	content, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(content), "\n")
	return line
}

// commandOf is a process's arguments, or its name in brackets where it has
// none, as ps(1) shows it.
func commandOf(dir string) string {
	content, _ := os.ReadFile(dir + "/cmdline")
	if args := strings.TrimRight(string(content), "\x00"); args != "" {
		return strings.ReplaceAll(args, "\x00", " ")
	}
	return "[" + firstLine(dir+"/comm") + "]"
}

func parseUser(status string) User {
	field := func(name string) string {
		_, rest, _ := strings.Cut("\n"+status, "\n"+name+":")
		value, _, _ := strings.Cut(rest, "\n")
		return strings.Join(strings.Fields(value), " ")
	}
	return User{
		UIDs: field("Uid"), GIDs: field("Gid"), Groups: field("Groups"),
		Effective: field("CapEff"), Bounding: field("CapBnd"), Umask: field("Umask"),
		NoNewPrivs: field("NoNewPrivs") == "1", Seccomp: field("Seccomp") == "2",
	}
}

// processes lists those of a pid namespace, by their numbers inside. One that
// the reader shares would be the whole machine: then it is the process alone.
func processes(pid int, namespace uint64) []Process {
	if namespace == namespaceID("/proc/self", "pid") {
		return []Process{{PID: pid, Inside: pid, Command: commandOf("/proc/" + strconv.Itoa(pid))}}
	}
	entries, _ := os.ReadDir("/proc")
	var list []Process
	for _, entry := range entries {
		number, err := strconv.Atoi(entry.Name())
		dir := "/proc/" + entry.Name()
		if err != nil || namespaceID(dir, "pid") != namespace {
			continue
		}
		list = append(list, Process{PID: number, Inside: innermost(dir), Command: commandOf(dir)})
	}
	slices.SortFunc(list, func(a, b Process) int { return a.Inside - b.Inside })
	return list
}

// innermost is a process's number in its own pid namespace, the last of NSpid.
func innermost(dir string) int {
	status, _ := os.ReadFile(dir + "/status")
	_, rest, _ := strings.Cut(string(status), "\nNSpid:")
	line, _, _ := strings.Cut(rest, "\n")
	numbers := strings.Fields(line)
	if len(numbers) == 0 {
		return 0
	}
	number, _ := strconv.Atoi(numbers[len(numbers)-1])
	return number
}
