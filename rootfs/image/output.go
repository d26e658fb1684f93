package image

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// output is what a user has named to be written.
type output struct {
	ctx  context.Context
	file *os.File
	path string // where it appears when it is whole; "" where it is written through
}

// openOutput opens what path leads to, as `tar -f` does: a device, a FIFO or a descriptor is written
// through, and stays what it is. A regular file is replaced, or a new one made, when all is written.
func openOutput(ctx context.Context, path string) (*output, error) {
	if strings.HasSuffix(path, "/") {
		return nil, errDirectory
	}
	path, fd, err := followLinks(path)
	if err != nil {
		return nil, err
	}
	if fd >= 0 {
		return openDescriptor(ctx, fd)
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createBeside(ctx, path, 0o666)
	}
	if err == nil {
		err = refuseForeign(path)
	}
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errDirectory
	case info.Mode().IsRegular():
		out, err := createBeside(ctx, path, 0o600)
		if err == nil {
			err = out.file.Chmod(info.Mode().Perm())
		}
		return out, err
	}
	return openThrough(ctx, path)
}

var (
	errDirectory = errors.New("it is a directory")
	errTerminal  = errors.New("an archive is not for a terminal")
	errForeign   = errors.New("it is somebody else's, where everybody may write")
)

// followLinks finds the name that a path's symbolic links lead to, whether there is something or not;
// or, where that is /dev/stdout or another descriptor of this process, its number, otherwise -1.
func followLinks(path string) (_ string, fd int, _ error) {
	const most = 40 // path_resolution(7)
	for range most {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", -1, err
		}
		path = filepath.Join(dir, filepath.Base(path))
		if own, err := filepath.EvalSymlinks("/proc/self/fd"); err == nil && dir == own {
			fd, err := strconv.Atoi(filepath.Base(path))
			return path, fd, err
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode().Type() != fs.ModeSymlink {
			return path, -1, nil
		}
		if err := refuseForeign(path); err != nil {
			return "", -1, err
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", -1, err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(dir, to)
		}
		path = to
	}
	return "", -1, unix.ELOOP
}

// refuseForeign is what fs.protected_symlinks, fs.protected_fifos and fs.protected_regular do
// (proc_sys_fs(5)), however this machine has them set: in a directory where everybody may write, only
// what is the user's own or the directory's owner's is taken.
func refuseForeign(path string) error {
	var dir, file unix.Stat_t
	if err := unix.Stat(filepath.Dir(path), &dir); err != nil {
		return err
	}
	if err := unix.Lstat(path, &file); err != nil {
		return err
	}
	if dir.Mode&0o002 != 0 && file.Uid != dir.Uid && int(file.Uid) != os.Geteuid() {
		return errForeign
	}
	return nil
}

// openDescriptor writes to what this process has open. It is not opened anew by its name in /proc:
// that would begin at a file's beginning, and cannot be done with a socket.
func openDescriptor(ctx context.Context, fd int) (*output, error) {
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return writeThrough(ctx, os.NewFile(uintptr(copied), "descriptor"))
}

// openThrough opens a device or a FIFO, which may block until somebody reads, or ctx is done.
func openThrough(ctx context.Context, path string) (*output, error) {
	type opened struct {
		*os.File
		error
	}
	result := make(chan opened, 1)
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW|unix.O_NOCTTY, 0)
		if err == nil && ctx.Err() != nil {
			f.Close()
		}
		result <- opened{f, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case o := <-result:
		if o.error != nil {
			return nil, o.error
		}
		return writeThrough(ctx, o.File)
	}
}

func writeThrough(ctx context.Context, f *os.File) (*output, error) {
	if isTerminal(f) {
		f.Close()
		return nil, errTerminal
	}
	return &output{ctx: ctx, file: f}, nil
}

func isTerminal(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var ask error
	err = raw.Control(func(fd uintptr) { _, ask = unix.IoctlGetTermios(int(fd), unix.TCGETS) })
	return err == nil && ask == nil
}

// createBeside makes a file that will be path, under a name that nobody can guess.
func createBeside(ctx context.Context, path string, mode fs.FileMode) (*output, error) {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), ".aquarium-"+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	return &output{ctx: ctx, file: f, path: path}, err
}

// Write writes all of p. A pipe that nobody empties does not keep it from being canceled.
func (o *output) Write(p []byte) (int, error) {
	stop := context.AfterFunc(o.ctx, func() { o.file.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	n, err := o.file.Write(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = context.Cause(o.ctx)
	}
	return n, err
}

// finish ends the writing, of which err came: the file appears, or nothing of it stays.
func (o *output) finish(err error) error {
	if closed := o.file.Close(); err == nil {
		err = closed
	}
	if o.path == "" {
		return err
	}
	if err == nil {
		err = os.Rename(o.file.Name(), o.path)
	}
	if err != nil {
		os.Remove(o.file.Name())
	}
	return err
}
