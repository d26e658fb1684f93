package step

import (
	"syscall"

	"aquarium/runtime/kernel"
)

// bound is a bind mount that is made apart from where it goes: a copy of the
// mount at source gets its attributes while nobody can reach it, and is then
// moved onto its mount point. mount(2) would have to find the mount again, by
// its path, to set them.
type bound struct {
	source     string
	attributes attributes
}

// copied is what calls name the copy.
const copied = raw("tree")

// newBound is what flags of mount(2) ask for.
func newBound(source string, flags MountFlags) bound {
	return bound{source, newAttributes(flags)}
}

// calls are those that put the copy at a path; the first is the last to be made.
func (b bound) calls(target string) []Call {
	calls := []Call{moving(copied, target), b.opening().when("tree, a copy of the mount there, nowhere yet")}
	if b.attributes.changes() {
		calls = append(calls, b.attributes.callOn(copied))
	}
	return calls
}

func moving(tree raw, target string) Call {
	return call("move_mount", tree, "", raw("AT_FDCWD"), target, raw("MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_SYMLINKS"))
}

func (b bound) opening() Call {
	flags := raw("OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC")
	if b.attributes.recursive {
		flags += "|AT_RECURSIVE"
	}
	return call("open_tree", raw("AT_FDCWD"), b.source, flags)
}

// open makes the copy.
func (b bound) open() (tree int, err error) {
	tree, err = kernel.OpenTree(b.source, uintptr(b.attributes.flags()))
	if err != nil {
		return -1, failed(b.opening(), err)
	}
	if b.attributes.changes() {
		if err := b.attributes.applyOn(tree); err != nil {
			syscall.Close(tree)
			return -1, failed(b.attributes.callOn(copied), err)
		}
	}
	return tree, nil
}

// cover puts the copy on what is open.
func (b bound) cover(fd int, target string) error {
	tree, err := b.open()
	if err != nil {
		return err
	}
	defer syscall.Close(tree)
	return failed(moving(copied, target), kernel.MoveMount(tree, kernel.FDPath(fd)))
}

// receive has a mount that is open put there. As with mount(2), a file's mount
// point is made as a file.
func (p point) receive(w *World, tree int, moving Call) error {
	if p.create == kernel.Directory && !isDirectory(tree) {
		p.create = kernel.File
	}
	fd, err := p.open(w)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := kernel.MoveMount(tree, kernel.FDPath(fd)); err != nil {
		return failed(moving, err)
	}
	p.covered(w)
	return nil
}

func isDirectory(fd int) bool {
	var stat syscall.Stat_t
	return syscall.Fstat(fd, &stat) == nil && stat.Mode&syscall.S_IFMT == syscall.S_IFDIR
}
