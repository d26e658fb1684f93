package step

import (
	"fmt"
	"strings"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Mkdir makes a directory below Root, with its missing parents.
type Mkdir struct {
	Root string `json:"root"`
	Path string `json:"path"`
	Mode uint32 `json:"mode"`
}

// Calls implements Op.
func (m *Mkdir) Calls() []Call {
	return []Call{call("mkdir", m.Root+m.Path, octal(m.Mode))}
}

// Changes implements Op.
func (m *Mkdir) Changes() []observe.Change {
	return []observe.Change{{Kind: "file", Name: m.Path, After: "directory"}}
}

// Do implements Op.
func (m *Mkdir) Do(*World) error {
	fd, err := kernel.OpenBeneath(m.Root, m.Path, kernel.NoLinks, kernel.Directory)
	if err != nil {
		return failed(m.Calls()[0], err)
	}
	defer syscall.Close(fd)
	return failed(m.Calls()[0], syscall.Chmod(kernel.FDPath(fd), m.Mode))
}

// Device is a node of /dev: its name and its numbers.
type Device struct {
	Name  string `json:"name"`
	Major uint32 `json:"major"`
	Minor uint32 `json:"minor"`
}

// Mknod makes character devices in the directory Dir below Root. The mode is
// 0666, as for the host's own.
type Mknod struct {
	Root    string   `json:"root"`
	Dir     string   `json:"dir"`
	Devices []Device `json:"devices"`
}

// Calls implements Op.
func (m *Mknod) Calls() []Call {
	calls := make([]Call, len(m.Devices))
	for i, d := range m.Devices {
		calls[i] = call("mknod", m.Root+m.Dir+"/"+d.Name, raw("S_IFCHR|0666"), raw(call("makedev", d.Major, d.Minor).String()))
	}
	return calls
}

func (m *Mknod) size() int { return len(m.Devices) }

// Changes implements Op.
func (m *Mknod) Changes() []observe.Change {
	changes := make([]observe.Change, len(m.Devices))
	for i, d := range m.Devices {
		changes[i] = observe.Change{Kind: "file", Name: m.Dir + "/" + d.Name, After: fmt.Sprintf("character device %d:%d", d.Major, d.Minor)}
	}
	return changes
}

// Do implements Op.
func (m *Mknod) Do(*World) error {
	dir, err := openTarget(m.Root, m.Dir, false, kernel.Nothing)
	if err != nil {
		return err
	}
	defer syscall.Close(dir)
	for i, d := range m.Devices {
		number := int(d.Major<<8 | d.Minor&0xff | d.Minor&^0xff<<12) // makedev(3)
		if err := syscall.Mknodat(dir, d.Name, syscall.S_IFCHR|0o666, number); err != nil {
			return failed(m.Calls()[i], err)
		}
		// The mode that mknod was given went through the umask.
		if err := syscall.Fchmodat(dir, d.Name, 0o666, 0); err != nil {
			return failed(call("chmod", m.Root+m.Dir+"/"+d.Name, raw("0666")), err)
		}
	}
	return nil
}

// Link is a symbolic link: Name points to Target.
type Link struct {
	Name   string `json:"name"`
	Target string `json:"target"`
}

// Symlink makes symbolic links in the directory Dir below Root.
type Symlink struct {
	Root  string `json:"root"`
	Dir   string `json:"dir"`
	Links []Link `json:"links"`
}

// Calls implements Op.
func (s *Symlink) Calls() []Call {
	calls := make([]Call, len(s.Links))
	for i, l := range s.Links {
		calls[i] = call("symlink", l.Target, s.Root+s.Dir+"/"+l.Name)
	}
	return calls
}

func (s *Symlink) size() int { return len(s.Links) }

// Changes implements Op.
func (s *Symlink) Changes() []observe.Change {
	changes := make([]observe.Change, len(s.Links))
	for i, l := range s.Links {
		changes[i] = observe.Change{Kind: "file", Name: s.Dir + "/" + l.Name, After: "symlink to " + l.Target}
	}
	return changes
}

// Do implements Op.
func (s *Symlink) Do(*World) error {
	dir, err := openTarget(s.Root, s.Dir, false, kernel.Nothing)
	if err != nil {
		return err
	}
	defer syscall.Close(dir)
	for i, l := range s.Links {
		at := kernel.FDPath(dir) + "/" + strings.TrimPrefix(l.Name, "/")
		if err := syscall.Symlink(l.Target, at); err != nil {
			return failed(s.Calls()[i], err)
		}
	}
	return nil
}
