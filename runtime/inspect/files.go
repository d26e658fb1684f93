package inspect

import (
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"aquarium/runtime/kernel"
)

// Entry is a file of a directory, as the process sees it.
type Entry struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"` // "file", "directory", "symlink", "pipe", "socket", "block device", "character device"
	Size     int64     `json:"size"` // bytes
	Mode     string    `json:"mode"` // octal, with set-id and sticky bits
	UID      int       `json:"uid"`  // inside; 65534 where it has no number there
	GID      int       `json:"gid"`
	HostUID  int       `json:"hostUid"`
	HostGID  int       `json:"hostGid"`
	Modified time.Time `json:"modified"`
	Link     string    `json:"link,omitempty"`   // what a symlink says
	Device   string    `json:"device,omitempty"` // major:minor of a device
	Mount    bool      `json:"mount,omitempty"`  // something is mounted there
	// Layer is where an overlay's file comes from: "upper" was written by the
	// sandbox, "lower" is the root filesystem, "lower 2" the one below it.
	Layer string `json:"layer,omitempty"`
}

// Directory is a directory of the process's root.
type Directory struct {
	Path    string  `json:"path"`
	Entries []Entry `json:"entries"` // by name
	// Removed are the names of a lower layer that the sandbox has removed.
	Removed []string `json:"removed,omitempty"`
	Partial bool     `json:"partial,omitempty"`
}

// mostEntries is how many files of a directory are listed.
const mostEntries = 10_000

// List reads a directory below the process's root. Symlinks on the way are
// followed as the process would follow them, never out of its root; see
// RESOLVE_IN_ROOT in openat2(2).
func (t *Target) List(path string) (*Directory, error) {
	uids, gids, _, err := t.maps()
	if err != nil {
		return nil, t.failure("list "+path, err)
	}
	layers := t.layers(path)
	dir, err := patiently(t.observer, t.hostName(path), func() (*Directory, error) {
		fd, err := t.openInside(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK)
		if err != nil {
			return nil, err
		}
		file := os.NewFile(uintptr(fd), path)
		defer file.Close()
		dir, err := listDirectory(file, uids, gids)
		if err == nil {
			layers.mark(dir)
		}
		return dir, err
	})
	if err != nil {
		return nil, inside("list "+path, err)
	}
	dir.Path = path
	return dir, nil
}

// inside words an error of the sandbox's files: there, "no such file" is no
// sign of a process that has ended.
func inside(what string, err error) error {
	var known *Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, unix.ESRCH):
		err = ErrGone
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		err = ErrNeedsRoot
	}
	return &Error{what, err}
}

// hostName is what a file is remembered by when it hangs.
func (t *Target) hostName(path string) string { return "/proc/" + strconv.Itoa(t.PID) + "/root" + path }

// openInside opens a path below the process's root.
func (t *Target) openInside(path string, flags uint64) (int, error) {
	root, err := unix.Openat(t.dir, "root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		if err == unix.ENOENT {
			err = unix.ESRCH // a zombie has no root
		}
		return -1, err
	}
	defer unix.Close(root)
	return openBelow(root, path, flags, kernel.InRoot)
}

func openBelow(root int, path string, flags, resolve uint64) (int, error) {
	path = strings.TrimLeft(path, "/")
	if path == "" {
		path = "."
	}
	return kernel.Openat2(root, path, flags, 0, resolve)
}

func listDirectory(file *os.File, uids, gids idMap) (*Directory, error) {
	names, err := file.Readdirnames(mostEntries + 1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	dir := &Directory{Entries: []Entry{}, Partial: len(names) > mostEntries}
	slices.Sort(names)
	for _, name := range names[:min(len(names), mostEntries)] {
		entry, err := newEntry(int(file.Fd()), name, uids, gids)
		if err != nil {
			continue // removed since
		}
		dir.Entries = append(dir.Entries, entry)
	}
	return dir, nil
}

func newEntry(dir int, name string, uids, gids idMap) (Entry, error) {
	var st unix.Statx_t
	const flags = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT
	if err := unix.Statx(dir, name, flags, unix.STATX_BASIC_STATS, &st); err != nil {
		return Entry{}, err
	}
	e := Entry{
		Name: name, Kind: fileKind(st.Mode), Size: int64(st.Size), Mode: strconv.FormatUint(uint64(st.Mode)&0o7777, 8),
		HostUID: int(st.Uid), HostGID: int(st.Gid), Modified: time.Unix(st.Mtime.Sec, int64(st.Mtime.Nsec)),
		Mount: st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0,
	}
	e.UID, _ = uids.inside(e.HostUID)
	e.GID, _ = gids.inside(e.HostGID)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		e.Link, _ = linkAt(dir, name)
	case unix.S_IFBLK, unix.S_IFCHR:
		e.Device = strconv.Itoa(int(st.Rdev_major)) + ":" + strconv.Itoa(int(st.Rdev_minor))
	}
	return e, nil
}

func fileKind(mode uint16) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "file"
	case unix.S_IFDIR:
		return "directory"
	case unix.S_IFLNK:
		return "symlink"
	case unix.S_IFIFO:
		return "pipe"
	case unix.S_IFSOCK:
		return "socket"
	case unix.S_IFBLK:
		return "block device"
	case unix.S_IFCHR:
		return "character device"
	}
	return "unknown"
}

// errNotRegular refuses to read a device or a pipe: that may wait, or do something.
var errNotRegular = errors.New("not a regular file")

// ReadFile reads at most so many bytes of a regular file below the process's
// root, from offset on, and tells its size.
func (t *Target) ReadFile(path string, offset int64, most int) (content []byte, size int64, err error) {
	type part struct {
		content []byte
		size    int64
	}
	p, err := patiently(t.observer, t.hostName(path), func() (part, error) {
		fd, err := t.openInside(path, unix.O_PATH)
		if err != nil {
			return part{}, err
		}
		defer unix.Close(fd)
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return part{}, err
		}
		if st.Mode&unix.S_IFMT != unix.S_IFREG {
			return part{}, errNotRegular
		}
		opened, err := kernel.OpenFound(fd)
		if err != nil {
			return part{}, err
		}
		file := os.NewFile(uintptr(opened), path)
		defer file.Close()
		content := make([]byte, most)
		n, err := file.ReadAt(content, offset)
		if err == io.EOF {
			err = nil
		}
		return part{content[:n], st.Size}, err
	})
	if err != nil {
		return nil, 0, inside("read "+path, err)
	}
	return p.content, p.size, nil
}
