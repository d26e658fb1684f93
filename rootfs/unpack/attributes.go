package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Bounds of xattr(7), in bytes.
const (
	maxXattrName  = 255
	maxXattrValue = 64 << 10
)

const xattrRecord = "SCHILY.xattr." // what star, GNU tar and image builders call them in PAX

// attributes gives an open file or directory owner, mode, extended attributes and times, in that
// order: a change of owner takes set-user-id and capabilities away (chown(2), capabilities(7)).
func (a *applier) attributes(h *tar.Header, fd int, kind uint32) error {
	if err := checkOwner(h); err != nil {
		return err
	}
	kept, err := a.keepOwner(h, func() error { return unix.Fchown(fd, h.Uid, h.Gid) })
	if err != nil {
		return os.NewSyscallError("fchown", err)
	}
	if !kept {
		a.noteOwner(h, fd)
	}
	if err := unix.Fchmod(fd, permissions(h)); err != nil {
		return os.NewSyscallError("fchmod", err)
	}
	if err := a.xattrs(h, fd); err != nil {
		return err
	}
	if kind == unix.S_IFDIR {
		return nil // set when it is full
	}
	return futimes(fd, timesOf(h))
}

// attributesAt is attributes for what cannot be opened: links, devices, FIFOs.
func (a *applier) attributesAt(h *tar.Header, parent int, base string) error {
	if err := checkOwner(h); err != nil {
		return err
	}
	kept, err := a.keepOwner(h, func() error { return unix.Fchownat(parent, base, h.Uid, h.Gid, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		return os.NewSyscallError("fchownat", err)
	}
	if !kept {
		a.lose(&a.report.Owners)
	}
	if h.Typeflag != tar.TypeSymlink {
		// fchmodat(2) follows links, but there is none here: the name was made a moment ago, in a
		// directory below the target that only this process writes to.
		if err := unix.Fchmodat(parent, base, permissions(h), 0); err != nil {
			return os.NewSyscallError("fchmodat", err)
		}
	}
	err = unix.UtimesNanoAt(parent, base, timesOf(h), unix.AT_SYMLINK_NOFOLLOW)
	return os.NewSyscallError("utimensat", err)
}

// keepOwner gives a file to its owner by change, where that may be; kept is false where it stays
// the caller's and should not.
func (a *applier) keepOwner(h *tar.Header, change func() error) (kept bool, err error) {
	if !a.options.Privileged && !a.options.Mapped {
		return h.Uid == 0 && h.Gid == 0, nil
	}
	err = change()
	if err == unix.EINVAL && a.options.Mapped { // the user namespace has no such number
		return false, nil
	}
	return err == nil, err
}

func checkOwner(h *tar.Header) error {
	const last = 1<<32 - 2 // -1 means "leave as it is" to chown(2)
	if h.Uid < 0 || h.Gid < 0 || h.Uid > last || h.Gid > last {
		return fmt.Errorf("its owner %d:%d does not exist", h.Uid, h.Gid)
	}
	return nil
}

func (a *applier) noteOwner(h *tar.Header, fd int) {
	a.lose(&a.report.Owners)
	// Where the file system has no user attributes, the count says that the owner is lost.
	_ = unix.Fsetxattr(fd, OwnerXattr, []byte(strconv.Itoa(h.Uid)+":"+strconv.Itoa(h.Gid)), 0)
}

func permissions(h *tar.Header) uint32 { return uint32(h.Mode) & 0o7777 }

func timesOf(h *tar.Header) []unix.Timespec {
	modified := h.ModTime
	if modified.IsZero() {
		modified = time.Unix(0, 0)
	}
	accessed := h.AccessTime
	if accessed.IsZero() {
		accessed = modified
	}
	return []unix.Timespec{timespec(accessed), timespec(modified)}
}

func timespec(t time.Time) unix.Timespec {
	return unix.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
}

// futimes is futimens(3): utimensat(2) with no path.
func futimes(fd int, times []unix.Timespec) error {
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&times[0])), 0, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("utimensat", errno)
	}
	return nil
}

// xattrs sets the extended attributes that the target may have.
func (a *applier) xattrs(h *tar.Header, fd int) error {
	var names []string
	for record := range h.PAXRecords {
		if name, isXattr := strings.CutPrefix(record, xattrRecord); isXattr {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		value := h.PAXRecords[xattrRecord+name]
		if len(name) > maxXattrName || len(value) > maxXattrValue {
			return fmt.Errorf("its attribute %s is too large", shorten(name))
		}
		if !a.keepsXattr(name) {
			a.lose(&a.report.Xattrs)
			continue
		}
		err := unix.Fsetxattr(fd, name, []byte(value), 0)
		if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) {
			a.lose(&a.report.Xattrs)
			continue
		}
		if err != nil {
			return fmt.Errorf("set attribute %s: %w", shorten(name), err)
		}
	}
	return nil
}

// keepsXattr leaves out what would steer overlayfs (an archive could point a file into another
// layer with it), what belongs to this machine's security labels, and our own notes.
func (a *applier) keepsXattr(name string) bool {
	switch {
	case strings.HasPrefix(name, "user.overlay."), name == OwnerXattr:
		return false
	case strings.HasPrefix(name, "user."):
		return true
	case name == "security.capability", strings.HasPrefix(name, "system.posix_acl_"):
		return a.options.Privileged || a.options.Mapped
	}
	return false
}
