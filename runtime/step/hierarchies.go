package step

import (
	"strings"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Hierarchies mounts hierarchies of control groups of version 1, each on a
// directory of a tmpfs that is made for them. In a cgroup namespace they show
// the group of this process as the topmost.
type Hierarchies struct {
	Root   string     `json:"root"`
	Target string     `json:"target"` // below Root
	Flags  MountFlags `json:"flags"`
	Names  []string   `json:"names"` // of each, all of its controllers: "cpu,cpuacct"
}

func (h *Hierarchies) size() int { return len(h.Names) }

// directory is the tmpfs, which is written to at first.
func (h *Hierarchies) directory() *Mount {
	return &Mount{Source: "tmpfs", Target: h.Target, Type: "tmpfs", Flags: h.Flags &^ syscall.MS_RDONLY, Data: "mode=755,size=64k", Root: h.Root}
}

// sealing makes the tmpfs what it was to be, once it is filled.
func (h *Hierarchies) sealing() attributes { return newAttributes(h.Flags & syscall.MS_RDONLY) }

func (h *Hierarchies) one(name string) *Mount {
	return &Mount{Source: "cgroup", Target: h.Target + "/" + name, Type: "cgroup", Flags: h.Flags, Data: name, Root: h.Root, Create: kernel.Directory}
}

// links are the names that a controller has which shares its hierarchy with
// others.
func (h *Hierarchies) links() *Symlink {
	s := &Symlink{Root: h.Root, Dir: h.Target}
	for _, name := range h.Names {
		if several := strings.Split(name, ","); len(several) > 1 {
			for _, controller := range several {
				s.Links = append(s.Links, Link{Name: controller, Target: name})
			}
		}
	}
	return s
}

// parts are the operations that this one is put together from.
func (h *Hierarchies) parts() []Op {
	parts := []Op{h.directory()}
	for _, name := range h.Names {
		parts = append(parts, h.one(name))
	}
	if links := h.links(); len(links.Links) > 0 {
		parts = append(parts, links)
	}
	return parts
}

// Calls implements Op.
func (h *Hierarchies) Calls() []Call {
	var calls []Call
	for _, part := range h.parts() {
		calls = append(calls, part.Calls()...)
	}
	return append(calls, h.sealing().call(h.Root+h.Target))
}

// Changes implements Op.
func (h *Hierarchies) Changes() []observe.Change {
	var changes []observe.Change
	for _, part := range h.parts() {
		changes = append(changes, part.Changes()...)
	}
	return changes
}

// Do implements Op.
func (h *Hierarchies) Do(w *World) error {
	for _, part := range h.parts() {
		if err := part.Do(w); err != nil {
			return err
		}
	}
	fd, err := point{root: h.Root, target: h.Target}.open(w)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return failed(h.sealing().call(h.Root+h.Target), h.sealing().apply(kernel.FDPath(fd)))
}
