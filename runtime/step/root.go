package step

import (
	"syscall"

	"aquarium/runtime/observe"
)

// Chdir is chdir(2).
type Chdir struct {
	Path string `json:"path"`
}

// Calls implements Op.
func (c *Chdir) Calls() []Call { return []Call{call("chdir", c.Path)} }

// Changes implements Op.
func (c *Chdir) Changes() []observe.Change { return []observe.Change{{Kind: "cwd", After: c.Path}} }

// Do implements Op.
func (c *Chdir) Do(*World) error { return failed(c.Calls()[0], syscall.Chdir(c.Path)) }

// Chroot is chroot(2).
type Chroot struct {
	Path string `json:"path"`
}

// Calls implements Op.
func (c *Chroot) Calls() []Call { return []Call{call("chroot", c.Path)} }

// Changes implements Op.
func (c *Chroot) Changes() []observe.Change {
	return []observe.Change{{Kind: "root", After: "the new root, of this process only"}}
}

// Do implements Op.
func (c *Chroot) Do(*World) error { return failed(c.Calls()[0], syscall.Chroot(c.Path)) }

// PivotRoot is pivot_root(2).
type PivotRoot struct {
	NewRoot string `json:"newRoot"`
	PutOld  string `json:"putOld"`
}

// Calls implements Op.
func (p *PivotRoot) Calls() []Call { return []Call{call("pivot_root", p.NewRoot, p.PutOld)} }

// Changes implements Op.
func (p *PivotRoot) Changes() []observe.Change {
	return []observe.Change{{Kind: "root", After: "the new root, of the whole mount namespace"}}
}

// Do implements Op.
func (p *PivotRoot) Do(*World) error {
	return failed(p.Calls()[0], syscall.PivotRoot(p.NewRoot, p.PutOld))
}
