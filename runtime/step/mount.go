package step

import (
	"strings"
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

// Mount is one mount(2), or two where the kernel needs a bind mount to be
// remounted before its flags take effect.
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

// Calls implements Op.
func (m *Mount) Calls() []Call {
	calls := append([]Call{m.render(m.first())}, m.making()...)
	if attr := m.attributes(); attr.attr != (kernel.MountAttr{}) {
		calls = append(calls, attr.call(m.Root+m.Target).when("what mount(2) ignores for a bind mount"))
	}
	return calls
}

// making are the calls before the mount: the walk to the mount point, which
// is made where it is missing.
func (m *Mount) making() []Call {
	if m.Root == "" {
		return nil
	}
	calls := []Call{walk(m.Root, m.Target, m.Links).when("the mount point")}
	switch m.Create {
	case kernel.Directory:
		calls = append(calls, call("mkdir", m.Root+m.Target, raw("0755")).when("if it is missing"))
	case kernel.File:
		calls = append(calls, call("mknod", m.Root+m.Target, raw("S_IFREG|0644"), 0).when("if it is missing"))
	}
	return calls
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
	if m.Flags&syscall.MS_BIND == 0 {
		return m.Flags
	}
	return m.Flags & (syscall.MS_BIND | syscall.MS_REC)
}

// attributes are what is to be set of a bind mount afterwards.
func (m *Mount) attributes() attributes {
	if m.Flags&syscall.MS_BIND == 0 {
		return attributes{}
	}
	return newAttributes(m.Flags)
}

// Do implements Op.
func (m *Mount) Do(*World) error {
	if err := m.mount(m.first()); err != nil {
		return failed(m.render(m.first()), err)
	}
	attr := m.attributes()
	if attr.attr == (kernel.MountAttr{}) {
		return nil
	}
	again := Mount{Target: m.Target, Root: m.Root, Links: m.Links}
	target, closer, err := again.open()
	if err == nil {
		err = attr.apply(target)
		closer()
	}
	return failed(attr.call(m.Root+m.Target), err)
}

func (m *Mount) mount(flags MountFlags) error {
	target, closer, err := m.open()
	if err != nil {
		return err
	}
	defer closer()
	return syscall.Mount(m.Source, target, m.Type, uintptr(flags), m.Data)
}

// kind is what a missing mount point is made as. A file cannot be bound on a
// directory, and only now is it certain what the source is.
func (m *Mount) kind() kernel.Kind {
	var stat syscall.Stat_t
	if m.Create == kernel.Directory && m.Flags&syscall.MS_BIND != 0 && syscall.Stat(m.Source, &stat) == nil && stat.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return kernel.File
	}
	return m.Create
}

// open returns the path to mount on, verified where Root asks for it.
func (m *Mount) open() (target string, closer func(), err error) {
	if m.Root == "" {
		return m.Target, func() {}, nil
	}
	fd, err := openTarget(m.Root, m.Target, m.Links, m.kind())
	if err != nil {
		return "", nil, err
	}
	return kernel.FDPath(fd), func() { syscall.Close(fd) }, nil
}

// walk is the call that openTarget makes.
func walk(root, target string, links bool) Call {
	how := "RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS"
	if links {
		how = "RESOLVE_IN_ROOT"
	}
	return call("openat2", root, strings.TrimPrefix(target, "/"), raw("{O_PATH, "+how+"}"))
}

// openTarget opens a mount point below root; a symlink in the way is named.
func openTarget(root, target string, links bool, create kernel.Kind) (int, error) {
	resolve := uint64(kernel.NoLinks)
	if links {
		resolve = kernel.InRoot
	}
	fd, err := kernel.OpenBeneath(root, target, resolve, create)
	if err == nil {
		return fd, nil
	}
	refused := failed(walk(root, target, links), err).(*CallError)
	if err == syscall.ELOOP {
		refused.Detail = target + " in the rootfs is or passes through a symlink"
	}
	return -1, refused
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

// Mask hides a path from the sandbox: a file under /dev/null, a directory
// under an empty read-only tmpfs. A path that does not exist needs no mask.
type Mask struct {
	Root   string `json:"root"`
	Target string `json:"target"`
}

// Calls implements Op.
func (m *Mask) Calls() []Call {
	return []Call{
		m.file().render(syscall.MS_BIND).when("where it is a file"),
		m.file().attributes().call(m.Root + m.Target).when("of the device itself the sandbox changes nothing"),
		m.dir().render(m.dir().Flags).when("where it is a directory"),
		walk(m.Root, m.Target, false).when("what is not there needs no mask"),
		nullDevice.opening().when("and see that it is that device"),
	}
}

// Changes implements Op.
func (m *Mask) Changes() []observe.Change {
	return []observe.Change{{Kind: "mount", Name: m.Target, After: "hidden"}}
}

func (m *Mask) file() *Mount {
	return &Mount{Source: "/dev/null", Target: m.Target, Flags: deviceFlags, Root: m.Root}
}

func (m *Mask) dir() *Mount {
	return &Mount{Source: "tmpfs", Target: m.Target, Type: "tmpfs", Flags: syscall.MS_RDONLY | syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC, Data: "size=0", Root: m.Root}
}

// Do implements Op.
func (m *Mask) Do(w *World) error {
	fd, err := openPresent(w, m.Root, m.Target)
	if err != nil || w.idle {
		return err
	}
	defer syscall.Close(fd)
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		return failed(call("fstat", m.Target, raw("&stat")), err)
	}
	if stat.Mode&syscall.S_IFMT == syscall.S_IFDIR {
		return m.dir().Do(w)
	}
	null, err := nullDevice.open()
	if err != nil {
		return failed(nullDevice.opening(), err)
	}
	defer syscall.Close(null)
	file := m.file()
	file.Source = kernel.FDPath(null)
	return file.Do(w)
}

// openPresent opens a path below root; where there is none it leaves the step
// with nothing to do.
func openPresent(w *World, root, target string) (fd int, err error) {
	fd, err = openTarget(root, target, false, kernel.Nothing)
	if is(err, syscall.ENOENT) || is(err, syscall.ENOTDIR) {
		w.idle = true
		return -1, nil
	}
	return fd, err
}

// ReadOnly makes what is at a path read-only by binding it on itself. A path
// that does not exist is left alone.
type ReadOnly struct {
	Root   string `json:"root"`
	Target string `json:"target"`
}

func (r *ReadOnly) mount() *Mount {
	return &Mount{Source: r.Root + r.Target, Target: r.Target, Root: r.Root,
		Flags: syscall.MS_BIND | syscall.MS_REC | syscall.MS_RDONLY | syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC}
}

// Calls implements Op.
func (r *ReadOnly) Calls() []Call {
	calls := r.mount().Calls()
	calls[1] = calls[1].when("what is not there is left alone") // the walk
	return calls
}

// Changes implements Op.
func (r *ReadOnly) Changes() []observe.Change {
	return []observe.Change{{Kind: "mount", Name: r.Target, After: "itself, read-only"}}
}

// Do implements Op.
func (r *ReadOnly) Do(w *World) error {
	fd, err := openPresent(w, r.Root, r.Target)
	if err != nil || w.idle {
		return err
	}
	defer syscall.Close(fd)
	m := r.mount()
	m.Source = kernel.FDPath(fd)
	return m.Do(w)
}
