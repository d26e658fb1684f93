package step

import (
	"strconv"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// A tree is a mount, or a directory, that is open in the process that has made
// it; steps name it by number. Those that are still open in the supervisor
// when its steps are done go to init, with the plan.

// tree is how a step calls one.
func tree(number int) raw { return raw("tree" + strconv.Itoa(number)) }

const handOver = "init gets it with the plan"

// hold keeps a descriptor as a tree.
func (w *World) hold(number, fd int) {
	if w.trees == nil {
		w.trees = make(map[int]int)
	}
	w.trees[number] = fd
}

// take gives a tree's descriptor away, -1 where there is none.
func (w *World) take(number int) int {
	fd, ok := w.trees[number]
	if !ok {
		return -1
	}
	delete(w.trees, number)
	return fd
}

func (w *World) closeTrees() {
	for number := range w.trees {
		syscall.Close(w.take(number))
	}
	for at, fd := range w.points {
		syscall.Close(fd)
		delete(w.points, at)
	}
}

// OpenTree copies the mount at a path, and has the copy show owners shifted by
// the maps of init's user namespace: what belongs to root on the disk belongs
// to root of the sandbox there, and the disk stays as it is. The supervisor
// does it, with the rights that init does not have.
type OpenTree struct {
	Tree      int    `json:"tree"`
	Source    string `json:"source"`
	Recursive bool   `json:"recursive,omitempty"` // with what is mounted below
	NoDevices bool   `json:"noDevices,omitempty"` // no node of a device can be opened in the copy
	ForInit   bool   `json:"forInit,omitempty"`   // who is to put it somewhere
}

func (o *OpenTree) flags() (flags uint64, name string) {
	if o.Recursive {
		return kernel.AT_RECURSIVE, "|AT_RECURSIVE"
	}
	return 0, ""
}

func (o *OpenTree) opening() Call {
	_, recursive := o.flags()
	return call("open_tree", raw("AT_FDCWD"), o.Source, raw("OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC"+recursive))
}

func (o *OpenTree) shifting() Call {
	_, recursive := o.flags()
	_, more := o.attributes()
	return call("mount_setattr", tree(o.Tree), "", raw("AT_EMPTY_PATH"+recursive), raw("{attr_set: MOUNT_ATTR_IDMAP"+more+", userns_fd: userns}"))
}

func (o *OpenTree) attributes() (set uint64, name string) {
	if o.NoDevices {
		return kernel.MOUNT_ATTR_NODEV, "|MOUNT_ATTR_NODEV"
	}
	return 0, ""
}

var openUserNamespace = call("open", "/proc/PID/ns/user", raw("O_RDONLY"))

// Calls implements Op.
func (o *OpenTree) Calls() []Call {
	calls := []Call{o.opening().when(string(tree(o.Tree))), openUserNamespace.when("userns, of init"), o.shifting()}
	if o.ForInit {
		calls = append(calls, sendTree(o.Tree))
	}
	return calls
}

func sendTree(number int) Call {
	return call("sendmsg", raw("init"), raw("{SCM_RIGHTS, "+string(tree(number))+"}"), 0).when(handOver)
}

// Changes implements Op.
func (o *OpenTree) Changes() []observe.Change {
	return []observe.Change{{Kind: "mount", Name: string(tree(o.Tree)) + ", nowhere yet", After: o.Source + " with owners shifted"}}
}

// Do implements Op.
func (o *OpenTree) Do(w *World) error {
	flags, _ := o.flags()
	fd, err := kernel.OpenTree(o.Source, uintptr(flags))
	if err != nil {
		return failed(o.opening(), err)
	}
	w.hold(o.Tree, fd)
	userns, err := w.openNamespace("user")
	if err != nil {
		return failed(openUserNamespace, err)
	}
	defer syscall.Close(userns)
	set, _ := o.attributes()
	err = failed(o.shifting(), kernel.ShiftTree(fd, flags, set, userns))
	if is(err, syscall.EINVAL) {
		err.(*CallError).Detail = o.unshiftable(userns) // later on the namespace may be gone
	}
	return err
}

// openNamespace opens a namespace of init's.
func (w *World) openNamespace(kind string) (int, error) {
	if w.child == nil {
		return -1, syscall.ESRCH
	}
	return syscall.Open("/proc/"+strconv.Itoa(w.child.Pid)+"/ns/"+kind, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
}

// MoveMount puts a tree somewhere.
type MoveMount struct {
	Tree   int         `json:"tree"`
	Root   string      `json:"root,omitempty"` // as with Mount
	Target string      `json:"target"`
	Links  bool        `json:"links,omitempty"`
	Create kernel.Kind `json:"create,omitempty"`
	Flags  MountFlags  `json:"flags,omitempty"` // for all that is mounted below, too
}

func (m *MoveMount) point() point { return point{m.Root, m.Target, m.Links, m.Create} }

// attributes are for all that is mounted below, too.
func (m *MoveMount) attributes() attributes { return newAttributes(m.Flags | syscall.MS_REC) }

// Calls implements Op.
func (m *MoveMount) Calls() []Call {
	calls := []Call{moving(tree(m.Tree), m.Root+m.Target)}
	if attr := m.attributes(); attr.changes() {
		calls = append(calls, attr.callOn(tree(m.Tree)))
	}
	if m.Root != "" {
		calls = append(calls, m.point().making()...)
	}
	return calls
}

// Changes implements Op.
func (m *MoveMount) Changes() []observe.Change {
	return []observe.Change{{Kind: "mount", Name: m.Target, After: string(tree(m.Tree))}}
}

// Do implements Op.
func (m *MoveMount) Do(w *World) error {
	fd := w.take(m.Tree)
	if fd < 0 {
		return failed(m.Calls()[0], syscall.EBADF)
	}
	defer syscall.Close(fd)
	if attr := m.attributes(); attr.changes() {
		if err := attr.applyOn(fd); err != nil {
			return failed(attr.callOn(tree(m.Tree)), err)
		}
	}
	if m.Root == "" {
		return failed(m.Calls()[0], kernel.MoveMount(fd, m.Target))
	}
	return m.point().receive(w, fd, m.Calls()[0])
}

// Setns has a thread of the supervisor's join a namespace of init's; the
// supervisor's later steps are done by that thread. It keeps the rights that
// it has on the host.
type Setns struct {
	Kind string `json:"kind"`
}

// Calls implements Op.
func (s *Setns) Calls() []Call {
	return []Call{s.joining(), s.opening().when("ns, of init"), unshareFS.when("a thread that shares its root with others may not join")}
}

var unshareFS = call("unshare", raw("CLONE_FS"))

func (s *Setns) opening() Call { return call("open", "/proc/PID/ns/"+s.Kind, raw("O_RDONLY")) }

func (s *Setns) joining() Call {
	var flag raw
	for _, f := range cloneFlags {
		if cloneKinds[f.bit] == s.Kind {
			flag = raw(f.name)
		}
	}
	return call("setns", raw("ns"), flag)
}

// Changes implements Op.
func (s *Setns) Changes() []observe.Change { return nil } // of the sandbox, nothing

// Do implements Op. It must run on a thread that is locked, and used for
// nothing else afterwards.
func (s *Setns) Do(w *World) error {
	fd, err := w.openNamespace(s.Kind)
	if err != nil {
		return failed(s.opening(), err)
	}
	defer syscall.Close(fd)
	if err := syscall.Unshare(syscall.CLONE_FS); err != nil {
		return failed(unshareFS, err)
	}
	return failed(s.joining(), kernel.Setns(fd))
}

// OpenDir opens a directory for init, which may not pass through those above
// it.
type OpenDir struct {
	Tree int    `json:"tree"`
	Path string `json:"path"`
}

func (o *OpenDir) opening() Call { return call("open", o.Path, raw("O_PATH|O_DIRECTORY")) }

// Calls implements Op.
func (o *OpenDir) Calls() []Call {
	return []Call{o.opening().when(string(tree(o.Tree))), sendTree(o.Tree)}
}

// Changes implements Op.
func (o *OpenDir) Changes() []observe.Change { return nil }

// Do implements Op.
func (o *OpenDir) Do(w *World) error {
	fd, err := syscall.Open(o.Path, kernel.O_PATH|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return failed(o.opening(), err)
	}
	w.hold(o.Tree, fd)
	return nil
}

// Fchdir is fchdir(2).
type Fchdir struct {
	Tree int `json:"tree"`
}

// Calls implements Op.
func (f *Fchdir) Calls() []Call { return []Call{call("fchdir", tree(f.Tree))} }

// Changes implements Op.
func (f *Fchdir) Changes() []observe.Change {
	return []observe.Change{{Kind: "cwd", After: string(tree(f.Tree))}}
}

// Do implements Op.
func (f *Fchdir) Do(w *World) error {
	fd := w.take(f.Tree)
	if fd < 0 {
		return failed(f.Calls()[0], syscall.EBADF)
	}
	defer syscall.Close(fd)
	return failed(f.Calls()[0], syscall.Fchdir(fd))
}
