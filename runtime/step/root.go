package step

import "syscall"

// Chdir is chdir(2).
type Chdir struct {
	Path string `json:"path"`
}

// Calls implements Op.
func (c *Chdir) Calls() []string { return []string{call("chdir", c.Path)} }

// Do implements Op.
func (c *Chdir) Do(*World) error { return failed(c.Calls()[0], syscall.Chdir(c.Path)) }

// Chroot is chroot(2).
type Chroot struct {
	Path string `json:"path"`
}

// Calls implements Op.
func (c *Chroot) Calls() []string { return []string{call("chroot", c.Path)} }

// Do implements Op.
func (c *Chroot) Do(*World) error { return failed(c.Calls()[0], syscall.Chroot(c.Path)) }

// PivotRoot is pivot_root(2).
type PivotRoot struct {
	NewRoot string `json:"newRoot"`
	PutOld  string `json:"putOld"`
}

// Calls implements Op.
func (p *PivotRoot) Calls() []string {
	return []string{call("pivot_root", p.NewRoot, p.PutOld)}
}

// Do implements Op.
func (p *PivotRoot) Do(*World) error {
	return failed(p.Calls()[0], syscall.PivotRoot(p.NewRoot, p.PutOld))
}
