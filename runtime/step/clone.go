package step

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/fork"
	"aquarium/runtime/observe"
	"aquarium/runtime/userns"
)

// CloneFlags is the set of namespaces that clone(2) makes new.
type CloneFlags uintptr

var cloneFlags = []flag{
	{syscall.CLONE_NEWUTS, "CLONE_NEWUTS"}, {syscall.CLONE_NEWPID, "CLONE_NEWPID"}, {syscall.CLONE_NEWNS, "CLONE_NEWNS"},
	{syscall.CLONE_NEWNET, "CLONE_NEWNET"}, {syscall.CLONE_NEWIPC, "CLONE_NEWIPC"}, {syscall.CLONE_NEWUSER, "CLONE_NEWUSER"},
	{syscall.CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
}

// cloneKinds names the namespace that a flag makes, as /proc/PID/ns does.
var cloneKinds = map[uintptr]string{
	syscall.CLONE_NEWUTS: "uts", syscall.CLONE_NEWPID: "pid", syscall.CLONE_NEWNS: "mnt", syscall.CLONE_NEWNET: "net",
	syscall.CLONE_NEWIPC: "ipc", syscall.CLONE_NEWUSER: "user", syscall.CLONE_NEWCGROUP: "cgroup",
}

// Clone starts init: the same binary again, in new namespaces, as the leader
// of a session of its own. It is the one compound step: the parts after the
// clone are what package userns does between fork and exec.
type Clone struct {
	Title string     `json:"title"` // argv[1] of init, for ps
	Flags CloneFlags `json:"flags"`
	userns.Map
	// Groups are what a Cgroup step has made: init begins in them.
	Groups cgroup.Groups `json:"groups,omitempty"`
}

// Calls implements Op.
func (c *Clone) Calls() []Call {
	calls := append([]Call{c.call()}, c.moving()...)
	calls = append(calls, c.mapping()...)
	return append(calls, call("setsid").when("from here on it is init that calls"), pdeathsig,
		call("execve", self, []string{InitName, c.Title}, raw("envp")))
}

// mapping are the calls that give the user namespace its ids.
func (c *Clone) mapping() []Call {
	if c.Helped() {
		return []Call{
			c.help(c.UIDHelper, c.UIDs).when("it may write /proc/PID/uid_map, where an ordinary user may not"),
			c.help(c.GIDHelper, c.GIDs).when("beside it"),
			call("write", raw("pipe"), raw("&go_on"), 1).when("init has waited"),
		}
	}
	var calls []Call
	if len(c.UIDs) > 0 {
		calls = append(calls, c.writeMap("uid_map", c.UIDs))
	}
	if c.Foreign {
		return append(calls, c.writeMap("gid_map", c.GIDs), call("setgroups", 0, null).when("init becomes root inside: until then it is nobody there"), call("setgid", 0), call("setuid", 0), c.giving().when("and 0 and 2, where they are pipes: /dev/stdout can be opened"))
	}
	if len(c.GIDs) > 0 {
		calls = append(calls, call("write", "/proc/PID/setgroups", "deny"), c.writeMap("gid_map", c.GIDs))
	}
	return calls
}

func (c *Clone) help(helper string, maps []userns.IDMap) Call {
	return call("execve", helper, userns.Arguments(helper, "PID", maps), raw("envp"))
}

// call is the clone itself. Only clone3 takes a control group.
func (c *Clone) call() Call {
	for _, g := range c.Groups {
		if g.Version == cgroup.V2 {
			return call("clone3", raw("{flags: "+c.namespaces()+"CLONE_INTO_CGROUP, exit_signal: SIGCHLD, cgroup: "+strconv.Quote(g.Directory())+"}"))
		}
	}
	return call("clone", raw(c.namespaces()+"SIGCHLD"))
}

// moves tells whether the calling thread has to enter control groups.
func (c *Clone) moves() bool {
	return slices.ContainsFunc(c.Groups, func(g cgroup.Group) bool { return g.Version == cgroup.V1 })
}

// moving are the calls by which the thread enters the groups before the clone,
// and leaves them after it.
func (c *Clone) moving() []Call {
	var in, out []Call
	for _, g := range c.Groups {
		if g.Version == cgroup.V1 {
			in = append(in, writeFile(tasks(g.Directory()), "0"))
			out = append(out, writeFile(tasks(g.Own), "0"))
		}
	}
	if len(in) > 0 {
		in[0] = in[0].when("before it: the thread that clones enters, so that its child begins there")
		out[0] = out[0].when("after it: the thread comes back")
	}
	return append(in, out...)
}

// namespaces is "CLONE_NEWUTS|…|", "" for none.
func (c *Clone) namespaces() string {
	if c.Flags == 0 {
		return ""
	}
	return string(names(cloneFlags, uintptr(c.Flags))) + "|"
}

// writeMap is the one write that user_namespaces(7) allows for a map.
func (c *Clone) writeMap(file string, maps []userns.IDMap) Call {
	lines := make([]string, len(maps))
	for i, m := range maps {
		lines[i] = m.String()
	}
	return call("write", "/proc/PID/"+file, strings.Join(lines, "\n"))
}

// pdeathsig: whoever starts init or the program takes it along when it dies.
var pdeathsig = call("prctl", raw("PR_SET_PDEATHSIG"), raw("SIGKILL"), 0, 0, 0)

// Changes implements Op: which namespaces are new, Do finds out.
func (c *Clone) Changes() []observe.Change {
	var changes []observe.Change
	for _, m := range c.UIDs {
		changes = append(changes, observe.Change{Kind: "uid map", After: m.String()})
	}
	return append(changes, observe.Change{Kind: "process", After: InitName + " " + c.Title})
}

// self is the running binary, whatever became of its path; see
// proc_pid_exe(5). It is the supervisor's: on a mount that is read-only, by
// which init cannot be made to hand it out for writing (see package itself).
const self = "/proc/self/exe"

// InitName is argv[0] of init; package reexec takes over by it.
const InitName = "aquarium-init"

// Do implements Op: it starts the child and leaves it in w.
func (c *Clone) Do(w *World) error {
	if err := w.enter(); err != nil {
		w.leave()
		return err
	}
	if c.Helped() {
		fork.RestoreFileLimit() // where Go does it by itself otherwise
	}
	process, err := c.Start(userns.Command{
		Path: self, Argv: []string{InitName, c.Title},
		Env:   []string{"GOGC=off", "GOMAXPROCS=1"}, // init lives for a millisecond
		Files: w.files, Flags: uintptr(c.Flags), Session: true, Group: w.into(),
	})
	left := w.leave()
	if err != nil {
		return c.failed(err)
	}
	w.child = process
	if left != nil {
		return left
	}
	w.changed = append(w.changed, c.made(process.Pid)...)
	return failed(c.giving(), c.Give(w.files[:initSocket]...))
}

func (c *Clone) giving() Call {
	return call("fchown", 1, userns.Outside(c.UIDs, 0), userns.Outside(c.GIDs, 0))
}

// failed is the error of starting the child: of one of the calls where it is
// known which, and of the clone otherwise.
func (c *Clone) failed(err error) error {
	refused, ok := err.(*fork.Refused)
	switch {
	case !ok:
		return failed(c.Calls()[0], cause(err))
	case refused.Call == "clone()":
		return failed(c.Calls()[0], refused.Errno)
	}
	return &CallError{Call: refused.Call, Errno: refused.Errno, Detail: refused.Detail}
}

// made are the new namespaces, with the ids of the old ones in their place.
func (c *Clone) made(pid int) []observe.Change {
	var changes []observe.Change
	for _, f := range cloneFlags {
		if uintptr(c.Flags)&f.bit == 0 {
			continue
		}
		kind := cloneKinds[f.bit]
		change := observe.Change{Kind: "namespace", Name: kind, Before: observe.NamespaceID(os.Getpid(), kind), After: observe.NamespaceID(pid, kind)}
		if change.After == "" || change.After == change.Before {
			change.After = "new" // init has ended already, or may not be looked at
		}
		changes = append(changes, change)
	}
	return changes
}

// cause is the errno of an error of package os.
func cause(err error) error {
	if path, ok := err.(*os.PathError); ok {
		return path.Err
	}
	return err
}
