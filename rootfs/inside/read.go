package inside

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// ReadDir returns the names in the directory at path, sorted. A last symbolic link is not followed.
func (t *Tree) ReadDir(path string) ([]string, error) {
	if path == "" {
		path = "."
	}
	fd, err := t.openat2(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(fd), path)
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// Readlink returns the target of the symbolic link at path.
func (t *Tree) Readlink(path string) (string, error) {
	fd, err := t.openat2(path, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", target)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: path, Err: err}
	}
	return string(target[:n]), nil
}

// Xattr returns one extended attribute of what is at path, or "" where there is none. A last
// symbolic link is not followed; links and other special files have none here.
func (t *Tree) Xattr(path, name string) (string, error) {
	values, err := t.xattrs(path, func(n string) bool { return n == name })
	return values[name], err
}

// Xattrs returns the extended attributes of the file or directory at path.
func (t *Tree) Xattrs(path string) (map[string]string, error) {
	return t.xattrs(path, func(string) bool { return true })
}

func (t *Tree) xattrs(path string, wanted func(name string) bool) (map[string]string, error) {
	if path == "" {
		path = "."
	}
	fd, err := t.openat2(path, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	// An O_PATH descriptor has no fgetxattr(2), but its name in /proc has getxattr(2).
	open := "/proc/self/fd/" + strconv.Itoa(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR {
		return nil, nil
	}
	list, err := grow(func(b []byte) (int, error) { return unix.Listxattr(open, b) })
	if err != nil || len(list) == 0 {
		return nil, ignoreMissing(err)
	}
	values := map[string]string{}
	for name := range bytes.SplitSeq(bytes.TrimSuffix(list, []byte{0}), []byte{0}) {
		if !wanted(string(name)) {
			continue
		}
		value, err := grow(func(b []byte) (int, error) { return unix.Getxattr(open, string(name), b) })
		if err := ignoreMissing(err); err != nil {
			return nil, &fs.PathError{Op: "getxattr", Path: path, Err: err}
		}
		values[string(name)] = string(value)
	}
	return values, nil
}

// ignoreMissing lets pass that an attribute, or a file system's whole support, is not there.
func ignoreMissing(err error) error {
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) {
		return nil
	}
	return err
}

// grow calls read with a larger buffer until the answer fits.
func grow(read func([]byte) (int, error)) ([]byte, error) {
	for size := 256; ; size *= 4 {
		buffer := make([]byte, size)
		n, err := read(buffer)
		if err == unix.ERANGE && size < 1<<20 {
			continue
		}
		if err != nil {
			return nil, err
		}
		return buffer[:n], nil
	}
}
