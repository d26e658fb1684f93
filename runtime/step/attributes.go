package step

import (
	"strings"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// MountAttributes changes attributes of a mount and, where it is recursive, of
// all that is mounted below it.
type MountAttributes struct {
	Root      string     `json:"root,omitempty"` // as with Mount
	Target    string     `json:"target"`
	Flags     MountFlags `json:"flags"` // as mount(2) has them
	Recursive bool       `json:"recursive,omitempty"`
}

func (m *MountAttributes) attributes() attributes {
	a := newAttributes(m.Flags)
	a.recursive = m.Recursive
	return a
}

// Calls implements Op.
func (m *MountAttributes) Calls() []Call {
	calls := []Call{m.attributes().call(m.Root + m.Target)}
	if m.Root != "" {
		calls = append(calls, m.point().walk())
	}
	return calls
}

func (m *MountAttributes) point() point { return point{root: m.Root, target: m.Target} }

// Changes implements Op.
func (m *MountAttributes) Changes() []observe.Change {
	return []observe.Change{{Kind: "mount options", Name: m.Target, After: string(m.Flags.raw())}}
}

// Do implements Op.
func (m *MountAttributes) Do(w *World) error {
	target := m.Target
	if m.Root != "" {
		fd, err := m.point().open(w)
		if err != nil {
			return err
		}
		defer syscall.Close(fd)
		target = kernel.FDPath(fd)
	}
	return failed(m.Calls()[0], m.attributes().apply(target))
}

// attributes is a change of mount_setattr(2).
type attributes struct {
	attr      kernel.MountAttr
	recursive bool
}

// newAttributes are flags of mount(2) as mount_setattr(2) has them.
func newAttributes(flags MountFlags) attributes {
	a := attributes{recursive: flags&syscall.MS_REC != 0}
	for _, known := range attributeFlags {
		if flags&known.flag != 0 {
			a.attr.Set |= known.bit
		}
	}
	if flags&(syscall.MS_NOATIME|syscall.MS_STRICTATIME|syscall.MS_RELATIME) != 0 {
		a.attr.Clear |= kernel.MOUNT_ATTR__ATIME
	}
	return a
}

var attributeFlags = []struct {
	flag MountFlags
	bit  uint64
	name string
}{
	{syscall.MS_RDONLY, kernel.MOUNT_ATTR_RDONLY, "MOUNT_ATTR_RDONLY"}, {syscall.MS_NOSUID, kernel.MOUNT_ATTR_NOSUID, "MOUNT_ATTR_NOSUID"},
	{syscall.MS_NODEV, kernel.MOUNT_ATTR_NODEV, "MOUNT_ATTR_NODEV"}, {syscall.MS_NOEXEC, kernel.MOUNT_ATTR_NOEXEC, "MOUNT_ATTR_NOEXEC"},
	{syscall.MS_NOATIME, kernel.MOUNT_ATTR_NOATIME, "MOUNT_ATTR_NOATIME"}, {syscall.MS_STRICTATIME, kernel.MOUNT_ATTR_STRICTATIME, "MOUNT_ATTR_STRICTATIME"},
	{syscall.MS_NODIRATIME, kernel.MOUNT_ATTR_NODIRATIME, "MOUNT_ATTR_NODIRATIME"},
}

func (a attributes) String() string {
	words := func(bits uint64) string {
		var list []string
		for _, known := range attributeFlags {
			if bits&known.bit != 0 {
				list = append(list, known.name)
			}
		}
		return strings.Join(list, "|")
	}
	var parts []string
	if a.attr.Set != 0 {
		parts = append(parts, "attr_set: "+words(a.attr.Set))
	}
	clear := a.attr.Clear
	if clear&kernel.MOUNT_ATTR__ATIME != 0 {
		parts = append(parts, "attr_clr: "+strings.TrimSuffix("MOUNT_ATTR__ATIME|"+words(clear&^kernel.MOUNT_ATTR__ATIME), "|"))
	} else if clear != 0 {
		parts = append(parts, "attr_clr: "+words(clear))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// changes tells whether there is anything to change.
func (a attributes) changes() bool { return a.attr != (kernel.MountAttr{}) }

func (a attributes) call(target string) Call {
	return call("mount_setattr", raw("AT_FDCWD"), target, names(setattrFlags, uintptr(a.flags())), raw(a.String()))
}

// callOn is the call for a mount that is open.
func (a attributes) callOn(tree raw) Call {
	return call("mount_setattr", tree, "", names(setattrFlags, uintptr(a.flags()|kernel.AT_EMPTY_PATH)), raw(a.String()))
}

var setattrFlags = []flag{{kernel.AT_EMPTY_PATH, "AT_EMPTY_PATH"}, {kernel.AT_RECURSIVE, "AT_RECURSIVE"}}

func (a attributes) flags() uint64 {
	if a.recursive {
		return kernel.AT_RECURSIVE
	}
	return 0
}

func (a attributes) apply(target string) error { return kernel.MountSetattr(target, a.flags(), a.attr) }

func (a attributes) applyOn(tree int) error { return kernel.TreeSetattr(tree, a.flags(), a.attr) }
