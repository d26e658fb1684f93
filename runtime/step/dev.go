package step

import (
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
func (m *Mkdir) Do(w *World) error {
	fd, err := point{root: m.Root, target: m.Path, create: kernel.Directory}.openat(w, kernel.NoLinks)
	if err != nil {
		return failed(m.Calls()[0], err)
	}
	defer syscall.Close(fd)
	return failed(m.Calls()[0], syscall.Chmod(kernel.FDPath(fd), m.Mode))
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
func (s *Symlink) Do(w *World) error {
	dir, err := point{root: s.Root, target: s.Dir}.open(w)
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
