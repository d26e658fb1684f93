package step

import (
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// MountFlags is the flag word of mount(2).
type MountFlags uintptr

var mountFlags = []flag{
	{syscall.MS_RDONLY, "MS_RDONLY"}, {syscall.MS_NOSUID, "MS_NOSUID"}, {syscall.MS_NODEV, "MS_NODEV"},
	{syscall.MS_NOEXEC, "MS_NOEXEC"}, {syscall.MS_SYNCHRONOUS, "MS_SYNCHRONOUS"}, {syscall.MS_REMOUNT, "MS_REMOUNT"},
	{syscall.MS_NOATIME, "MS_NOATIME"}, {syscall.MS_NODIRATIME, "MS_NODIRATIME"}, {syscall.MS_BIND, "MS_BIND"},
	{syscall.MS_MOVE, "MS_MOVE"}, {syscall.MS_REC, "MS_REC"}, {syscall.MS_UNBINDABLE, "MS_UNBINDABLE"},
	{syscall.MS_PRIVATE, "MS_PRIVATE"}, {syscall.MS_SLAVE, "MS_SLAVE"}, {syscall.MS_SHARED, "MS_SHARED"},
	{syscall.MS_RELATIME, "MS_RELATIME"}, {syscall.MS_STRICTATIME, "MS_STRICTATIME"},
}

func (f MountFlags) raw() raw { return names(mountFlags, uintptr(f)) }

// propagation are the flags that change how a mount shares events and must
// stand alone in a call; see mount(2).
const propagation = syscall.MS_PRIVATE | syscall.MS_SLAVE | syscall.MS_SHARED | syscall.MS_UNBINDABLE

// Mount is one mount(2). A bind mount is two, as its flags take effect only on
// what is mounted already; below Root it is made apart, and moved there.
type Mount struct {
	Source string     `json:"source,omitempty"`
	Target string     `json:"target"` // below Root where that is set
	Type   string     `json:"type,omitempty"`
	Flags  MountFlags `json:"flags,omitempty"`
	Data   string     `json:"data,omitempty"`

	// Root, when set, makes Target a path inside that directory, resolved
	// there by openat2(2) and mounted through the descriptor, so that
	// nothing the rootfs holds can redirect the mount.
	Root string `json:"root,omitempty"`
	// Links lets symlinks inside Root be followed (never out of it).
	Links bool `json:"links,omitempty"`
	// Create makes a missing mount point. A bind mount of something other than
	// a directory turns Directory into File.
	Create kernel.Kind `json:"create,omitempty"`
}

func (m *Mount) point() point { return point{m.Root, m.Target, m.Links, m.Create} }

func (m *Mount) binds() bool { return m.Flags&syscall.MS_BIND != 0 }

func (m *Mount) bound() bound { return newBound(m.Source, m.Flags) }

// Calls implements Op.
func (m *Mount) Calls() []Call {
	switch {
	case m.Root == "" && m.binds() && m.bound().attributes.changes():
		return []Call{m.render(m.first()), m.bound().attributes.call(m.Target).when("what mount(2) ignores for a bind mount")}
	case m.Root == "":
		return []Call{m.render(m.first())}
	case m.binds():
		return append(m.bound().calls(m.Root+m.Target), m.point().making()...)
	}
	calls := append([]Call{m.render(m.Flags)}, m.point().making()...)
	return append(calls, m.point().settling(m.Type)...)
}

// Changes implements Op.
func (m *Mount) Changes() []observe.Change {
	change := observe.Change{Kind: "mount", Name: m.Target}
	flags := string(m.Flags.raw())
	switch {
	case m.Flags&propagation != 0:
		change.Kind, change.After = "propagation", flags
	case m.Flags&syscall.MS_REMOUNT != 0:
		change.Kind, change.After = "mount options", flags
	default:
		change.After = observe.Mount{Type: m.Type, Source: m.Source}.What()
		if m.Flags != 0 {
			change.After += " " + flags
		}
	}
	return []observe.Change{change}
}

func (m *Mount) render(flags MountFlags) Call {
	return call("mount", text(m.Source), m.Root+m.Target, text(m.Type), flags.raw(), text(m.Data))
}

// first are the flags of mount(2) itself. Of those of a bind mount it heeds
// only what says that it is one.
func (m *Mount) first() MountFlags {
	if !m.binds() {
		return m.Flags
	}
	return m.Flags & (syscall.MS_BIND | syscall.MS_REC)
}

// Do implements Op.
func (m *Mount) Do(w *World) error {
	switch {
	case m.Root == "":
		return m.mount()
	case m.binds():
		return m.bind(w)
	}
	fd, err := m.point().open(w)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.Mount(m.Source, kernel.FDPath(fd), m.Type, uintptr(m.Flags), m.Data); err != nil {
		return failed(m.render(m.Flags), err)
	}
	m.point().covered(w)
	return m.point().settle(w, m.Type)
}

// mount mounts where nobody but us can have changed anything.
func (m *Mount) mount() error {
	if err := syscall.Mount(m.Source, m.Target, m.Type, uintptr(m.first()), m.Data); err != nil {
		return failed(m.render(m.first()), err)
	}
	if attr := m.bound().attributes; m.binds() && attr.changes() {
		return failed(attr.call(m.Target), attr.apply(m.Target))
	}
	return nil
}

func (m *Mount) bind(w *World) error {
	tree, err := m.bound().open()
	if err != nil {
		return err
	}
	err = m.point().receive(w, tree, moving(copied, m.Root+m.Target))
	if err != nil || m.Links || !isDirectory(tree) || w == nil {
		syscall.Close(tree)
		return err
	}
	w.holdPoint(m.point().path(), tree)
	return nil
}

// Umount is umount2(2).
type Umount struct {
	Target string `json:"target"`
	Flags  int    `json:"flags"`
}

var umountFlags = []flag{{syscall.MNT_FORCE, "MNT_FORCE"}, {syscall.MNT_DETACH, "MNT_DETACH"}}

// Calls implements Op.
func (u *Umount) Calls() []Call {
	return []Call{call("umount2", u.Target, names(umountFlags, uintptr(u.Flags)))}
}

// Changes implements Op.
func (u *Umount) Changes() []observe.Change {
	return []observe.Change{{Kind: "mount", Name: u.Target, Before: "the topmost there"}}
}

// Do implements Op.
func (u *Umount) Do(*World) error {
	return failed(u.Calls()[0], syscall.Unmount(u.Target, u.Flags))
}
