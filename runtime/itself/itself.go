// Package itself starts this binary again, so that it cannot be overwritten
// from inside a sandbox.
//
// Whoever may look at a process can open its binary by /proc/PID/exe. A
// program in a sandbox comes to look at one that runs Aquarium's when it has
// init or an exec'd process run `#!/proc/self/exe`; it holds the file until
// nothing runs it any more, and then writes what the host's root will run next
// (CVE-2019-5736). So what starts a program in a sandbox runs from a mount of
// the binary that is read-only, nowhere to be seen, and out of reach of all
// that changes mounts.
//
// The package imports only the standard library and its like; package reexec
// says why.
package itself

import (
	"os"
	"syscall"
	"unsafe"

	"aquarium/runtime/enter"
	"aquarium/runtime/kernel"
)

// exe is the running binary, whatever became of its path; see proc_pid_exe(5).
const exe = "/proc/self/exe"

// View is this binary, for another start of it.
type View struct {
	// Path is what to execute. It means the same to a child, as long as the
	// view is open here.
	Path string
	// Guarded tells that the binary cannot be written from there: because of
	// the mount, or because this user may not write it, and nobody can be more
	// than that in a sandbox of this user's. Not so where the kernel refused
	// the mount.
	Guarded bool

	held []int
}

// Close lets go of the view. What was started from it keeps it. It may take
// a millisecond.
func (v View) Close() {
	for _, fd := range v.held {
		syscall.Close(fd)
	}
}

// Open makes a view, for a child that is given those files with
// os.ProcAttr.Files. A process that runs from one already hands it on.
func Open(files ...*os.File) View {
	switch {
	case readOnly(), !writable():
		return View{Path: exe, Guarded: true}
	}
	from, name := source()
	tree, file, err := clone(from, name)
	if err == syscall.EPERM {
		tree, file, err = cloneApart(from, name)
	}
	if err != nil {
		return View{Path: exe}
	}
	v := View{held: []int{tree}}
	if file != tree {
		v.held = append(v.held, file)
	}
	high, err := kernel.DupAbove(file, untouched(files))
	if err != nil {
		v.Close()
		return View{Path: exe}
	}
	v.held = append(v.held, high)
	v.Path, v.Guarded = kernel.FDPath(high), true
	return v
}

// untouched is a descriptor from which on a child has those of its parent.
// syscall.ForkExec moves what is in the way of the child's files to numbers
// above all of them, here and there: the files, and a pipe of its own.
func untouched(files []*os.File) int {
	highest := len(files)
	for _, f := range files {
		highest = max(highest, int(f.Fd()))
	}
	return highest + 1 + len(files) + 1
}

// readOnly tells whether this process's binary lies on a read-only mount.
func readOnly() bool {
	var stat syscall.Statfs_t
	const stReadOnly = 0x1 // ST_RDONLY of statvfs(3)
	return syscall.Statfs(exe, &stat) == nil && stat.Flags&stReadOnly != 0
}

// writable tells whether the binary is this user's to write: then so could
// root in a user namespace that maps this user.
func writable() bool {
	var stat syscall.Stat_t
	const write = 2 // W_OK
	return syscall.Stat(exe, &stat) != nil || int(stat.Uid) == os.Geteuid() || syscall.Access(exe, write) == nil
}

// source is the tree to make a mount of, and the binary's name in it. It is
// the binary's directory, so that ps(1) and others show a name; or the file
// itself, with no name, where it is not to be found by its name any more.
func source() (tree, name string) {
	path, err := os.Readlink(exe)
	if err != nil || path == "" || path[0] != '/' {
		return exe, ""
	}
	var running, named syscall.Stat_t
	if syscall.Stat(exe, &running) != nil || syscall.Lstat(path, &named) != nil || running.Ino != named.Ino || running.Dev != named.Dev {
		return exe, ""
	}
	tree, name = kernel.Split(path)
	return tree + "/", name
}

// clone makes a read-only mount of a tree and opens the file of that name in
// it: the tree itself for no name.
func clone(from, name string) (tree, file int, err error) {
	if tree, err = kernel.OpenTree(from, 0); err != nil {
		return -1, -1, err
	}
	if err = kernel.TreeSetattr(tree, 0, kernel.MountAttr{Set: kernel.MOUNT_ATTR_RDONLY}); err == nil && name != "" {
		file, err = kernel.Openat2(tree, name, kernel.O_PATH, 0, kernel.NoLinks)
	} else {
		file = tree
	}
	if err != nil {
		syscall.Close(tree)
	}
	return tree, file, err
}

// cloneApart is clone for who may not make mounts: a child does it in a user
// namespace of its own, where it may, and leaves the descriptors here.
func cloneApart(from, name string) (tree, file int, err error) {
	v := enter.Visit{New: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS}
	at := kernel.AT_FDCWD
	attr := &kernel.MountAttr{Set: kernel.MOUNT_ATTR_RDONLY}
	opened := v.Call("open_tree", kernel.SYS_OPEN_TREE, uintptr(at), v.Text(from), kernel.OPEN_TREE_CLONE|kernel.OPEN_TREE_CLOEXEC)
	v.Feed(2)
	sealed := v.Call("mount_setattr", kernel.SYS_MOUNT_SETATTR, 0, v.Text(""), kernel.AT_EMPTY_PATH, v.Memory(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
	named := v.Call("openat", syscall.SYS_OPENAT, 0, v.Text(name), kernel.O_PATH|syscall.O_NOFOLLOW|syscall.O_CLOEXEC)
	if err := v.Run(); err != nil {
		return -1, -1, err
	}
	if name == "" {
		named = opened
	}
	for _, call := range []*enter.Visited{opened, sealed, named} {
		if call.Errno != 0 {
			err = call.Errno
		}
	}
	if err != nil {
		View{held: descriptors(opened, named)}.Close()
		return -1, -1, err
	}
	return opened.Value, named.Value, nil
}

// descriptors are what calls have opened.
func descriptors(calls ...*enter.Visited) (open []int) {
	for _, call := range calls {
		if call.Errno == 0 {
			open = append(open, call.Value)
		}
	}
	return open
}

// Again replaces this process by a guarded start of the same command line,
// where it is not that already. It returns when there is nothing to do, and
// where it cannot be done.
func Again() {
	if v := Open(); v.Path != exe {
		syscall.Exec(v.Path, os.Args, os.Environ())
		v.Close()
	}
}
