package step

import (
	"path"
	"strings"
	"syscall"

	"aquarium/runtime/kernel"
)

// point is where something is mounted: a path below the new root. The rootfs
// may be somebody else's to write, who swaps what lies there while it is walked
// (CVE-2019-19921, CVE-2021-30465). So each walk is made once, by openat2(2),
// and leads to a descriptor through which the kernel mounts; and what is done
// below a mount of ours begins at that mount, not at the root.
type point struct {
	root, target string
	links        bool // symlinks inside root are followed, never out of it
	create       kernel.Kind
}

// walk is the call that finds it.
func (p point) walk() Call {
	how := "RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS"
	if p.links {
		how = "RESOLVE_IN_ROOT"
	}
	return call("openat2", p.root, strings.TrimPrefix(p.target, "/"), raw("{O_PATH, "+how+"}"))
}

// making are the calls that find it, or make it where it is missing.
func (p point) making() []Call {
	calls := []Call{p.walk().when("the mount point")}
	switch p.create {
	case kernel.Directory:
		calls = append(calls, call("mkdir", p.root+p.target, raw("0755")).when("if it is missing"))
	case kernel.File:
		calls = append(calls, call("mknod", p.root+p.target, raw("S_IFREG|0644"), 0).when("if it is missing"))
	}
	return calls
}

// open finds it; a symlink in the way is named.
func (p point) open(w *World) (int, error) {
	resolve := uint64(kernel.NoLinks)
	if p.links {
		resolve = kernel.InRoot
	}
	fd, err := p.openat(w, resolve)
	if err == nil {
		return fd, nil
	}
	refused := failed(p.walk(), err).(*CallError)
	if err == syscall.ELOOP {
		refused.Detail = p.target + " in the rootfs is or passes through a symlink"
	}
	return -1, refused
}

func (p point) openat(w *World, resolve uint64) (int, error) {
	full := p.path()
	for dir := full; w != nil && len(dir) > len(p.root); dir = path.Dir(dir) {
		if fd, ok := w.points[dir]; ok {
			return kernel.OpenatBeneath(fd, full[len(dir):], resolve, p.create)
		}
	}
	return kernel.OpenBeneath(p.root, p.target, resolve, p.create)
}

func (p point) path() string { return path.Clean(p.root + "/" + p.target) }

// present opens what is there; where nothing is, it leaves the step with
// nothing to do.
func (p point) present(w *World) (fd int, err error) {
	fd, err = p.open(w)
	if is(err, syscall.ENOENT) || is(err, syscall.ENOTDIR) {
		w.idle = true
		return -1, nil
	}
	return fd, err
}

// filesystems are those that steps mount for a sandbox, with their magic
// numbers in statfs(2).
var filesystems = map[string]int64{
	"proc": 0x9fa0, "sysfs": 0x62656572, "tmpfs": 0x01021994, "devpts": devptsMagic, "mqueue": 0x19800202,
	"cgroup": 0x27e0eb, "cgroup2": 0x63677270,
}

var checkFilesystem = call("fstatfs", raw("point"), raw("&fs"))

// settling are the calls of settle.
func (p point) settling(filesystem string) []Call {
	if _, known := filesystems[filesystem]; !known || p.root == "" {
		return nil
	}
	found := point{root: p.root, target: p.target, links: p.links}
	return []Call{found.walk().when("what is there now"), checkFilesystem.when("it is that " + filesystem)}
}

// settle finds the filesystem that was just mounted there, makes sure that it
// is that one, and holds it, for what is done below.
func (p point) settle(w *World, filesystem string) error {
	if p.settling(filesystem) == nil || w == nil {
		return nil
	}
	p.create = kernel.Nothing
	fd, err := p.open(w)
	if err != nil {
		return err
	}
	if err := isRootOf(fd, filesystems[filesystem]); err != nil {
		syscall.Close(fd)
		refused := failed(checkFilesystem, err).(*CallError)
		if err == syscall.ESTALE {
			refused.Detail = p.target + " in the rootfs was replaced while it was mounted on"
		}
		return refused
	}
	w.holdPoint(p.path(), fd)
	return nil
}

// isRootOf is ESTALE where a descriptor is not the root of a mount of the
// filesystem with that magic number.
func isRootOf(fd int, magic int64) error {
	var stat syscall.Statfs_t
	if err := syscall.Fstatfs(fd, &stat); err != nil {
		return err
	}
	mounted, err := kernel.IsMountRoot(fd)
	if err == nil && (!mounted || int64(stat.Type) != magic) {
		return syscall.ESTALE
	}
	return err
}

// holdPoint keeps the descriptor of what was mounted at a path.
func (w *World) holdPoint(at string, fd int) {
	if w.points == nil {
		w.points = make(map[string]int)
	}
	w.points[at] = fd
}

// covered lets go of what is held there and below: something is on top of it.
func (p point) covered(w *World) {
	if w == nil {
		return
	}
	at := p.path()
	for held, fd := range w.points {
		if held == at || strings.HasPrefix(held, at+"/") {
			syscall.Close(fd)
			delete(w.points, held)
		}
	}
}
