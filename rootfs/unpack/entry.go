package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Names with a meaning in image layers (OCI image-spec, layer.md).
const (
	whiteoutPrefix = ".wh."
	whiteoutMeta   = ".wh..wh." // aufs' own, of which only the opaque marker is in use
	whiteoutOpaque = ".wh..wh..opq"
)

// entry applies one entry of the archive.
func (a *applier) entry(h *tar.Header, content io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := cleanName(h.Name)
	if err != nil {
		return err
	}
	if name == "" {
		if h.Typeflag != tar.TypeDir {
			return errors.New("only a directory can be the target itself")
		}
		return a.rootDir(h)
	}
	parent, base, err := a.parent(name)
	if err != nil {
		return err
	}
	if a.options.Layer && strings.HasPrefix(base, whiteoutPrefix) {
		return a.whiteout(parent, base)
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return a.dir(h, name, parent, base)
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		return a.file(h, parent, base, content)
	case tar.TypeSymlink:
		return a.symlink(h, parent, base)
	case tar.TypeLink:
		return a.link(h, name)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return a.node(h, parent, base)
	}
	return fmt.Errorf("its type %q is not known", h.Typeflag)
}

// makeRoom removes what an earlier entry of that name left: the last one counts, as with tar(1).
func (a *applier) makeRoom(parent int, base string) error {
	err := unix.Unlinkat(parent, base, 0)
	switch err {
	case nil, unix.ENOENT:
		return nil
	case unix.EISDIR, unix.EPERM:
		return errors.New("an earlier entry of that name is a directory")
	}
	return os.NewSyscallError("unlinkat", err)
}

func (a *applier) symlink(h *tar.Header, parent int, base string) error {
	if len(h.Linkname) > maxPath || h.Linkname == "" || strings.ContainsRune(h.Linkname, 0) {
		return errors.New("its target is no path")
	}
	if err := a.makeRoom(parent, base); err != nil {
		return err
	}
	if err := unix.Symlinkat(h.Linkname, parent, base); err != nil {
		return os.NewSyscallError("symlinkat", err)
	}
	return a.attributesAt(h, parent, base)
}

func (a *applier) link(h *tar.Header, name string) error {
	source, err := cleanName(h.Linkname)
	if err != nil || source == "" {
		return fmt.Errorf("it is a hard link to %s, which is not below the target", shorten(h.Linkname))
	}
	if source == name {
		return errors.New("it is a hard link to itself")
	}
	from, err := a.beneath(parentOf(source), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("it is a hard link to %s: %w", shorten(h.Linkname), err)
	}
	defer unix.Close(from)
	sourceBase := source[strings.LastIndexByte(source, '/')+1:]
	parent, base, err := a.parent(name)
	if err != nil {
		return err
	}
	if err := a.makeRoom(parent, base); err != nil {
		return err
	}
	// Without AT_SYMLINK_FOLLOW a symbolic link is linked itself, not what it leads to.
	if err := unix.Linkat(from, sourceBase, parent, base, 0); err != nil {
		return fmt.Errorf("it is a hard link to %s: %w", shorten(h.Linkname), err)
	}
	return nil
}

func (a *applier) node(h *tar.Header, parent int, base string) error {
	mode, dev := uint32(unix.S_IFIFO), 0
	if h.Typeflag != tar.TypeFifo {
		mode = unix.S_IFCHR
		if h.Typeflag == tar.TypeBlock {
			mode = unix.S_IFBLK
		}
		if h.Devmajor < 0 || h.Devminor < 0 || h.Devmajor >= 1<<12 || h.Devminor >= 1<<20 {
			return errors.New("its device number does not exist")
		}
		if mode == unix.S_IFCHR && h.Devmajor == 0 && h.Devminor == 0 {
			return errors.New("a character device 0/0 would hide files of other layers")
		}
		if !a.options.Privileged {
			a.lose(&a.report.Devices)
			return nil
		}
		dev = int(unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor)))
	}
	if err := a.makeRoom(parent, base); err != nil {
		return err
	}
	if err := unix.Mknodat(parent, base, mode|0o600, dev); err != nil {
		return os.NewSyscallError("mknodat", err)
	}
	return a.attributesAt(h, parent, base)
}

// whiteout writes in overlayfs' form that something of the layers below is gone.
func (a *applier) whiteout(parent int, base string) error {
	if base == whiteoutOpaque {
		return a.setOpaque(parent)
	}
	if strings.HasPrefix(base, whiteoutMeta) {
		return nil
	}
	hidden := strings.TrimPrefix(base, whiteoutPrefix)
	if hidden == "" || hidden == "." || hidden == ".." {
		return errors.New("it hides nothing that has a name")
	}
	err := unix.Mknodat(parent, hidden, unix.S_IFCHR, 0)
	if err != unix.EEXIST {
		return os.NewSyscallError("mknodat", err)
	}
	// What this layer has itself stays; a directory then hides what the layers below have in it.
	fd, err := unix.Openat(parent, hidden, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	a.implied.listed(path.Join(a.parentPath, hidden)) // whatever it was below, it is a new one
	return a.setOpaque(fd)
}

// setOpaque hides what the layers below have in a directory, for a mount with userxattr and, where
// that is allowed, for one without.
func (a *applier) setOpaque(dir int) error {
	err := unix.Fsetxattr(dir, "user.overlay.opaque", []byte("y"), 0)
	if a.options.Privileged {
		// Older kernels have no user attributes on tmpfs; root's mounts do not need them.
		err = unix.Fsetxattr(dir, "trusted.overlay.opaque", []byte("y"), 0)
	}
	if err != nil {
		return fmt.Errorf("mark it as opaque: %w", err)
	}
	return nil
}
