package step

import (
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Mask hides a path from the sandbox: a file under /dev/null, a directory
// under an empty read-only tmpfs. A path that does not exist needs no mask.
type Mask struct {
	Root   string `json:"root"`
	Target string `json:"target"`
}

const maskFlags = MountFlags(syscall.MS_RDONLY | syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC)

func (m *Mask) point() point { return point{root: m.Root, target: m.Target} }

// overFile is what a file gets, overDir a directory.
func (m *Mask) overFile(null string) bound { return newBound(null, deviceFlags) }

func (m *Mask) overDir() Call {
	return call("mount", "tmpfs", m.Root+m.Target, "tmpfs", maskFlags.raw(), "size=0")
}

// Calls implements Op.
func (m *Mask) Calls() []Call {
	calls := m.overFile("/dev/null").calls(m.Root + m.Target)
	calls[0] = calls[0].when("where it is a file")
	return append(calls,
		m.overDir().when("where it is a directory"),
		m.point().walk().when("what is not there needs no mask"),
		nullDevice.opening().when("and see that it is that device"))
}

// Changes implements Op.
func (m *Mask) Changes() []observe.Change {
	return []observe.Change{{Kind: "mount", Name: m.Target, After: "hidden"}}
}

// Do implements Op.
func (m *Mask) Do(w *World) error {
	fd, err := m.point().present(w)
	if err != nil || w.idle {
		return err
	}
	defer syscall.Close(fd)
	if isDirectory(fd) {
		return failed(m.overDir(), syscall.Mount("tmpfs", kernel.FDPath(fd), "tmpfs", uintptr(maskFlags), "size=0"))
	}
	null, err := nullDevice.open()
	if err != nil {
		return failed(nullDevice.opening(), err)
	}
	defer syscall.Close(null)
	return m.overFile(kernel.FDPath(null)).cover(fd, m.Root+m.Target)
}

// ReadOnly makes what is at a path read-only by binding it on itself. A path
// that does not exist is left alone.
type ReadOnly struct {
	Root   string `json:"root"`
	Target string `json:"target"`
}

func (r *ReadOnly) point() point { return point{root: r.Root, target: r.Target} }

// itself is what is there, as it is to be.
func (r *ReadOnly) itself(source string) bound {
	return newBound(source, maskFlags|syscall.MS_REC)
}

// Calls implements Op.
func (r *ReadOnly) Calls() []Call {
	return append(r.itself(r.Root+r.Target).calls(r.Root+r.Target), r.point().walk().when("what is not there is left alone"))
}

// Changes implements Op.
func (r *ReadOnly) Changes() []observe.Change {
	return []observe.Change{{Kind: "mount", Name: r.Target, After: "itself, read-only"}}
}

// Do implements Op.
func (r *ReadOnly) Do(w *World) error {
	fd, err := r.point().present(w)
	if err != nil || w.idle {
		return err
	}
	defer syscall.Close(fd)
	return r.itself(kernel.FDPath(fd)).cover(fd, r.Root+r.Target)
}
