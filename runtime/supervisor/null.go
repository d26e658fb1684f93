package supervisor

import (
	"os"
	"syscall"

	"aquarium/runtime/kernel"
)

// openNull opens /dev/null for a program in the sandbox. Root there may be
// root here, to whom the host's device belongs, and who could set its owner and
// mode through the descriptor: so it lies on a read-only mount of its own.
func openNull(flags int) (*os.File, error) {
	if os.Geteuid() != 0 {
		return os.OpenFile(os.DevNull, flags, 0) // nobody in there owns it
	}
	tree, err := kernel.OpenTree(os.DevNull, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open_tree", Path: os.DevNull, Err: err}
	}
	defer func() { go syscall.Close(tree) }() // it may take a millisecond
	if err := kernel.TreeSetattr(tree, 0, kernel.MountAttr{Set: kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NOEXEC}); err != nil {
		return nil, &os.PathError{Op: "mount_setattr", Path: os.DevNull, Err: err}
	}
	return os.OpenFile(kernel.FDPath(tree), flags, 0)
}
