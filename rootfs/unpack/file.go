package unpack

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// holeSize is the size of the smallest run of zeros which is left out of a file, in bytes.
const holeSize = 4096

func (a *applier) file(h *tar.Header, parent int, base string, content io.Reader) error {
	flags := unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(parent, base, flags, 0o600)
	if err == unix.EEXIST {
		if err := a.makeRoom(parent, base); err != nil {
			return err
		}
		fd, err = unix.Openat(parent, base, flags, 0o600)
	}
	if err != nil {
		return os.NewSyscallError("openat", err)
	}
	f := a.contents.begin(h, fd)
	defer a.contents.release(f)
	return a.copy(f, content)
}

// copy hands the content of a new file to those who write it.
func (a *applier) copy(f *newFile, content io.Reader) error {
	for offset := int64(0); ; {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		n, err := fill(content, a.contents.room())
		a.report.Bytes += int64(n)
		if err := a.limits.check(a.report.Bytes, a.stream.count.Load()); err != nil {
			return err
		}
		a.contents.add(f, offset, n)
		offset += int64(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return streamError(err)
		}
	}
}

// fill is io.ReadFull, but for errors, which it returns as they are: a file that ends is not a
// stream that is cut off.
func fill(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = r.Read(buffer[n:])
		n += more
	}
	return n, err
}

// nextRun returns how long the data at the front of piece is all zero, or not, in whole blocks.
func nextRun(piece []byte) (length int, zero bool) {
	zero = isZero(piece[:min(holeSize, len(piece))])
	if zero && len(piece) < holeSize {
		return len(piece), false // shorter than a block: not worth a hole
	}
	for length = 0; length < len(piece); length += holeSize {
		block := piece[length:min(length+holeSize, len(piece))]
		if isZero(block) != zero {
			return length, zero
		}
	}
	return len(piece), zero
}

// zeros is what a hole reads as.
var zeros [holeSize]byte

func isZero(block []byte) bool { return bytes.Equal(block, zeros[:len(block)]) }

func writeAt(fd int, data []byte, offset int64) error {
	for len(data) > 0 {
		n, err := unix.Pwrite(fd, data, offset)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("write", err)
		}
		data, offset = data[n:], offset+int64(n)
	}
	return nil
}

// dirTimes is what a directory gets when nothing is put into it any more.
type dirTimes struct {
	path  string
	mode  uint32
	times []unix.Timespec
}

func (a *applier) dir(h *tar.Header, name string, parent int, base string) error {
	opaque := false
	err := unix.Mkdirat(parent, base, 0o700)
	if err == unix.EEXIST {
		opaque, err = a.reuse(parent, base)
	}
	if err != nil {
		return os.NewSyscallError("mkdirat", err)
	}
	fd, err := unix.Openat(parent, base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("openat", err)
	}
	defer unix.Close(fd)
	if opaque {
		if err := a.setOpaque(fd); err != nil {
			return err
		}
	}
	return a.dirAttributes(h, name, fd)
}

func (a *applier) rootDir(h *tar.Header) error {
	return a.dirAttributes(h, "", a.root)
}

func (a *applier) dirAttributes(h *tar.Header, name string, fd int) error {
	if err := a.attributes(h, fd, unix.S_IFDIR); err != nil {
		return err
	}
	// Until the end the directory stays open to its owner: an ordinary user may be filling it.
	if err := unix.Fchmod(fd, 0o700); err != nil {
		return os.NewSyscallError("fchmod", err)
	}
	a.implied.listed(name)
	a.dirs = append(a.dirs, dirTimes{name, permissions(h), timesOf(h)})
	return nil
}

// reuse makes an existing name fit for a directory entry. A whiteout of this layer means that the
// directory is new, and hides what the layers below have there.
func (a *applier) reuse(parent int, base string) (opaque bool, err error) {
	var st unix.Stat_t
	if err := unix.Fstatat(parent, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return false, err
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return false, nil
	case st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0:
		if err := unix.Unlinkat(parent, base, 0); err != nil {
			return false, err
		}
		return true, unix.Mkdirat(parent, base, 0o700)
	}
	return false, errors.New("an earlier entry of that name is no directory")
}

// finishDirs sets modes and times of directories, the deepest first.
func (a *applier) finishDirs() error {
	a.closeParent()
	for i := len(a.dirs) - 1; i >= 0; i-- {
		d := a.dirs[i]
		fd, err := a.beneath(d.path, unix.O_RDONLY|unix.O_DIRECTORY)
		if err != nil {
			return &EntryError{Name: d.path, Cause: err}
		}
		err = errors.Join(unix.Fchmod(fd, d.mode), futimes(fd, d.times))
		unix.Close(fd)
		if err != nil {
			return &EntryError{Name: d.path, Cause: err}
		}
	}
	return nil
}
