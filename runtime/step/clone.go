package step

import (
	"fmt"
	"os"
	"syscall"
)

// CloneFlags is the set of namespaces that clone(2) makes new.
type CloneFlags uintptr

var cloneFlags = []flag{
	{syscall.CLONE_NEWUTS, "CLONE_NEWUTS"}, {syscall.CLONE_NEWPID, "CLONE_NEWPID"}, {syscall.CLONE_NEWNS, "CLONE_NEWNS"},
	{syscall.CLONE_NEWNET, "CLONE_NEWNET"}, {syscall.CLONE_NEWIPC, "CLONE_NEWIPC"}, {syscall.CLONE_NEWUSER, "CLONE_NEWUSER"},
	{syscall.CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
}

// IDMap is one line of uid_map or gid_map; see user_namespaces(7).
type IDMap struct {
	Inside  int `json:"inside"`
	Outside int `json:"outside"`
	Count   int `json:"count"`
}

// Clone starts init: the same binary again, in new namespaces, as the leader
// of a session of its own. It is the one compound step: the parts after the
// clone are what Go's os/exec does between fork and exec.
type Clone struct {
	Title string     `json:"title"` // argv[1] of init, for ps
	Flags CloneFlags `json:"flags"`
	UIDs  []IDMap    `json:"uids,omitempty"`
	GIDs  []IDMap    `json:"gids,omitempty"`
}

// Calls implements Op.
func (c *Clone) Calls() []string {
	calls := []string{call("clone", names(append(cloneFlags[:len(cloneFlags):len(cloneFlags)], flag{uintptr(syscall.SIGCHLD), "SIGCHLD"}), uintptr(c.Flags)|uintptr(syscall.SIGCHLD)))}
	if c.Flags&syscall.CLONE_NEWUSER != 0 {
		calls = append(calls, `write("/proc/PID/setgroups", "deny")`)
	}
	for _, m := range c.UIDs {
		calls = append(calls, fmt.Sprintf(`write("/proc/PID/uid_map", "%d %d %d")`, m.Inside, m.Outside, m.Count))
	}
	for _, m := range c.GIDs {
		calls = append(calls, fmt.Sprintf(`write("/proc/PID/gid_map", "%d %d %d")`, m.Inside, m.Outside, m.Count))
	}
	return append(calls, "setsid()", "prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)",
		call("execve", self, vector([]string{InitName, c.Title}), raw("envp")))
}

// self is the running binary, whatever became of its path; see proc(5).
const self = "/proc/self/exe"

// InitName is argv[0] of init; package reexec takes over by it.
const InitName = "aquarium-init"

// Do implements Op: it starts the child and leaves it in w.
func (c *Clone) Do(w *World) error {
	process, err := os.StartProcess(self, []string{InitName, c.Title}, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"GOGC=off", "GOMAXPROCS=1"}, // init lives for a millisecond
		Files: w.files,
		Sys: &syscall.SysProcAttr{
			Cloneflags:  uintptr(c.Flags),
			Setsid:      true,
			Pdeathsig:   syscall.SIGKILL,
			UidMappings: mappings(c.UIDs),
			GidMappings: mappings(c.GIDs),
		},
	})
	if err != nil {
		number, _ := err.(*os.PathError).Err.(syscall.Errno)
		return &CallError{Call: c.Calls()[0], Errno: number}
	}
	w.child = process
	return nil
}

func mappings(maps []IDMap) []syscall.SysProcIDMap {
	var out []syscall.SysProcIDMap
	for _, m := range maps {
		out = append(out, syscall.SysProcIDMap{ContainerID: m.Inside, HostID: m.Outside, Size: m.Count})
	}
	return out
}
