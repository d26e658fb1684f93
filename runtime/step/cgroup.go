package step

import (
	"os"
	"slices"
	"strconv"
	"syscall"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Cgroup makes the sandbox's control groups and sets their limits.
type Cgroup struct {
	Groups cgroup.Groups `json:"groups"`
}

func (c *Cgroup) size() int { return len(c.Groups) }

// Calls implements Op.
func (c *Cgroup) Calls() []Call {
	var calls []Call
	for i, g := range c.Groups {
		calls = append(calls, makeDirectory(g.Above()).when("if it is missing"), makeDirectory(g.Directory()))
		if i == 0 {
			slices.Reverse(calls) // the first call names the step
		}
		calls = append(calls, handDown(g)...)
		for _, s := range g.Settings {
			w := put(g, s)
			if s.Optional {
				w = w.when("where this kernel has it")
			}
			calls = append(calls, w)
		}
	}
	return calls
}

func makeDirectory(path string) Call { return call("mkdir", path, raw("0755")) }

func put(g cgroup.Group, s cgroup.Setting) Call { return writeFile(g.Directory()+"/"+s.File, s.Value) }

// writeFile is a file that is opened and written to with one call.
func writeFile(path string, value any) Call { return call("write", path, value) }

// handDown are the calls that let a group of version 2 have controllers: the
// groups above have to hand them down.
func handDown(g cgroup.Group) []Call {
	if g.Version != cgroup.V2 || g.Enable() == "" {
		return nil
	}
	var calls []Call
	if g.Evacuate {
		calls = append(calls, makeDirectory(g.Outside()), moveOut(g, raw("PID")).when("for each process of "+g.Base+": a group that hands down controllers has none"))
	}
	return append(calls, enable(g, g.Base), enable(g, g.Above()))
}

func moveOut(g cgroup.Group, pid any) Call { return writeFile(g.Outside()+"/cgroup.procs", pid) }

func enable(g cgroup.Group, directory string) Call {
	return writeFile(directory+"/cgroup.subtree_control", g.Enable())
}

// Changes implements Op.
func (c *Cgroup) Changes() []observe.Change {
	var changes []observe.Change
	for _, g := range c.Groups {
		changes = append(changes, observe.Change{Kind: "control group", Name: g.Directory(), After: "new"})
		for _, s := range g.Settings {
			changes = append(changes, observe.Change{Kind: "limit", Name: s.File, After: s.Value})
		}
	}
	return changes
}

// Do implements Op. The groups stay open: what joins them later may not see,
// or not be able to write, their files.
func (c *Cgroup) Do(w *World) error {
	for _, g := range c.Groups {
		if err := makeGroup(g); err != nil {
			return err
		}
		opened, err := openGroup(g)
		if err != nil {
			return err
		}
		w.groups = append(w.groups, opened)
	}
	return nil
}

func makeGroup(g cgroup.Group) error {
	if err := ensureAbove(g, func() error { return handDownAll(g) }); err != nil {
		return err
	}
	for _, s := range g.Settings {
		err := kernel.Put(g.Directory()+"/"+s.File, s.Value)
		if err != nil && !(s.Optional && err == syscall.ENOENT) {
			return failed(put(g, s), err)
		}
	}
	return nil
}

// ensureAbove makes the group and the one above it. That one goes when the
// last sandbox does, which may be just now.
func ensureAbove(g cgroup.Group, prepare func() error) error {
	const tries = 100
	for range tries {
		if err := syscall.Mkdir(g.Above(), 0o755); err != nil && err != syscall.EEXIST {
			return failed(makeDirectory(g.Above()), err)
		}
		if err := prepare(); err != nil && !is(err, syscall.ENOENT) {
			return err
		}
		err := syscall.Mkdir(g.Directory(), 0o755)
		if err != syscall.ENOENT {
			return failed(makeDirectory(g.Directory()), err)
		}
	}
	return failed(makeDirectory(g.Directory()), syscall.ENOENT)
}

func handDownAll(g cgroup.Group) error {
	if g.Version != cgroup.V2 || g.Enable() == "" {
		return nil
	}
	if g.Evacuate {
		if err := evacuate(g); err != nil {
			return err
		}
	}
	for _, directory := range []string{g.Base, g.Above()} {
		if err := kernel.Put(directory+"/cgroup.subtree_control", g.Enable()); err != nil {
			return failed(enable(g, directory), err)
		}
	}
	return nil
}

// evacuate moves the processes of the delegated group into one below it.
func evacuate(g cgroup.Group) error {
	if err := syscall.Mkdir(g.Outside(), 0o755); err != nil && err != syscall.EEXIST {
		return failed(makeDirectory(g.Outside()), err)
	}
	for {
		list, err := cgroup.Members(g.Base)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, pid := range list {
			err := kernel.Put(g.Outside()+"/cgroup.procs", strconv.Itoa(pid))
			if err != nil && err != syscall.ESRCH { // it has ended meanwhile
				return failed(moveOut(g, pid), err)
			}
		}
	}
}

func (c *Cgroup) explain(refused *CallError) string {
	switch refused.Errno {
	case syscall.EINVAL:
		return "the kernel takes no such value"
	case syscall.EROFS:
		return "the control groups are mounted read-only here"
	}
	return ""
}

// group is a control group that is open.
type group struct {
	version cgroup.Version
	in      *os.File // version 1: what a thread writes to to enter; version 2: the directory
	out     *os.File // version 1: and to come back
}

func openGroup(g cgroup.Group) (opened group, err error) {
	opened.version = g.Version
	if g.Version == cgroup.V2 {
		opened.in, err = open(g.Directory(), syscall.O_RDONLY|syscall.O_DIRECTORY)
		return opened, err
	}
	opened.in, err = open(tasks(g.Directory()), syscall.O_WRONLY)
	if err == nil {
		opened.out, err = open(tasks(g.Own), syscall.O_WRONLY)
	}
	return opened, err
}

func open(path string, flags int) (*os.File, error) {
	fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, failed(call("open", path), err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// tasks is the file of a group of version 1 that takes threads, not processes.
func tasks(directory string) string { return directory + "/tasks" }

// enter puts the calling thread, which is locked, into the groups of version
// 1, so that its child begins there; leave takes it out again. A thread that
// moves itself is moved at once. Moving a process, or another's thread, makes
// the kernel wait until all processors have noticed: some milliseconds.
func (w *World) enter() error {
	for _, g := range w.groups {
		if g.version == cgroup.V1 {
			if err := move(g.in); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *World) leave() error {
	var refused error
	for _, g := range w.groups {
		if g.version == cgroup.V1 {
			if err := move(g.out); err != nil {
				refused = err
			}
		}
	}
	return refused
}

func move(to *os.File) error {
	_, err := to.WriteString("0")
	if err != nil {
		return failed(writeFile(to.Name(), "0"), cause(err))
	}
	return nil
}

// into is the group of version 2 that a clone begins in; nil for none.
func (w *World) into() *os.File {
	for _, g := range w.groups {
		if g.version == cgroup.V2 {
			return g.in
		}
	}
	return nil
}

func (w *World) closeGroups() {
	for _, g := range w.groups {
		g.in.Close()
		if g.out != nil {
			g.out.Close()
		}
	}
	w.groups = nil
}

// Unshare gives this process namespaces of its own; see unshare(2).
type Unshare struct {
	Flags CloneFlags `json:"flags"`
}

// Calls implements Op.
func (u *Unshare) Calls() []Call {
	return []Call{call("unshare", names(cloneFlags, uintptr(u.Flags)))}
}

// Changes implements Op: which namespaces are new, Do finds out.
func (u *Unshare) Changes() []observe.Change { return nil }

// Do implements Op. It runs on init's first thread, which becomes the program.
func (u *Unshare) Do(w *World) error {
	before := u.ids()
	if err := syscall.Unshare(int(u.Flags)); err != nil {
		return failed(u.Calls()[0], err)
	}
	for kind, after := range u.ids() {
		w.changed = append(w.changed, observe.Change{Kind: "namespace", Name: kind, Before: before[kind], After: after})
	}
	return nil
}

// ids are the namespaces that Flags names, by kind.
func (u *Unshare) ids() map[string]string {
	ids := make(map[string]string)
	for _, f := range cloneFlags {
		if uintptr(u.Flags)&f.bit != 0 {
			kind := cloneKinds[f.bit]
			ids[kind] = observe.OwnNamespaceID(kind)
		}
	}
	return ids
}
