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
func (m *MountAttributes) Calls() []Call { return []Call{m.attributes().call(m.Target)} }

// Changes implements Op.
func (m *MountAttributes) Changes() []observe.Change {
	return []observe.Change{{Kind: "mount options", Name: m.Target, After: string(m.Flags.raw())}}
}

// Do implements Op.
func (m *MountAttributes) Do(*World) error {
	return failed(m.Calls()[0], m.attributes().apply(m.Target))
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

func (a attributes) call(target string) Call {
	var flags any = 0
	if a.recursive {
		flags = raw("AT_RECURSIVE")
	}
	return call("mount_setattr", raw("AT_FDCWD"), target, flags, raw(a.String()))
}

func (a attributes) apply(target string) error {
	var flags uint64
	if a.recursive {
		flags = kernel.AT_RECURSIVE
	}
	return kernel.MountSetattr(target, flags, a.attr)
}
