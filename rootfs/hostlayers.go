package rootfs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

type skeletonDir struct {
	Path string
	Mode uint32
}

type skeletonLink struct{ Path, Target string }

// plainFile is written as it is, in place of what this machine has there.
type plainFile struct {
	Path    string
	Mode    uint32
	Content []byte
}

// copiedFile is taken into the skeleton; size and time make the recipe change with the file.
type copiedFile struct {
	Path, From string
	Mode       uint32
	Size       int64
	Modified   int64 // nanoseconds since 1970
}

// hostLayers is the content of DATA/host/RECIPE, where RECIPE is the digest of this value: two
// directories, "skeleton" for the root and "mask" for what lies above parts of this machine.
type hostLayers struct {
	Recipe    int
	Dirs      []skeletonDir
	Links     []skeletonLink
	Copies    []copiedFile
	Parts     []string // each shown by an overlay of its own; what belongs to one goes to the mask
	Whiteouts []string // hidden
	Files     []plainFile
	MaskDirs  []string // empty twins, so that they have another owner
}

// masks reports whether there is anything in the mask for that part.
func (l *hostLayers) masks(part string) bool {
	inPart := func(path string) bool { return within(path, part) }
	return slices.ContainsFunc(l.Whiteouts, inPart) || slices.ContainsFunc(l.MaskDirs, inPart) ||
		slices.ContainsFunc(l.Files, func(f plainFile) bool { return inPart(f.Path) })
}

// normalise sorts what is hidden and drops what lies within something hidden.
func (l *hostLayers) normalise() {
	slices.Sort(l.Whiteouts)
	var kept []string
	covered := func(path string) bool {
		return slices.ContainsFunc(kept, func(k string) bool { return within(path, k) })
	}
	for _, path := range l.Whiteouts {
		if !covered(path) {
			kept = append(kept, path)
		}
	}
	l.Whiteouts = kept
	slices.Sort(l.MaskDirs)
	l.MaskDirs = slices.DeleteFunc(slices.Compact(l.MaskDirs), covered)
	l.Files = slices.DeleteFunc(l.Files, func(f plainFile) bool { return covered(f.Path) })
}

func (l *hostLayers) digest() (string, error) {
	data, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8]), nil
}

// hostLayers returns the directory with the layers of that content, and makes it if need be. Its time
// says when it was last used, for clearHost.
func (c *Catalogue) hostLayers(l *hostLayers, base string) (string, error) {
	name, err := l.digest()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(c.dataDir, "host", name)
	if c.makesNothing {
		return dir, nil
	}
	now := time.Now()
	if err := os.Chtimes(dir, now, now); err == nil {
		return dir, nil
	}
	if err := makePrivate(c.dataDir, "host"); err != nil {
		return "", err
	}
	work, err := c.workDir("host")
	if err != nil {
		return "", err
	}
	defer work.discard()
	if err := l.write(work.path, base); err != nil {
		return "", fail("prepare the view of", "this machine", err)
	}
	err = os.Rename(work.path, dir)
	if err != nil && !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENOTEMPTY) {
		return "", fail("prepare the view in", quote(dir), err)
	}
	return dir, nil // made by us, or by somebody else at the same time
}

// clearHost removes what older views of this machine were made of: what was not used for that long,
// and is in no sandbox's root now.
func (c *Catalogue) clearHost(age time.Duration) (int, error) {
	var old []string
	entries, err := os.ReadDir(filepath.Join(c.dataDir, "host"))
	if err != nil || c.inUse == nil {
		return 0, nil
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) >= age {
			old = append(old, filepath.Join(c.dataDir, "host", entry.Name()))
		}
	}
	if len(old) == 0 {
		return 0, nil
	}
	used, err := c.inUse()
	if err != nil {
		return 0, err
	}
	cleared := 0
	for _, dir := range old {
		if slices.ContainsFunc(used, func(path string) bool { return within(path, dir) }) {
			continue
		}
		if err := c.removeHost(dir); err != nil {
			return cleared, err
		}
		cleared++
	}
	return cleared, nil
}

func (c *Catalogue) removeHost(dir string) error {
	work, err := c.workDir("removed")
	if err != nil {
		return err
	}
	defer work.discard()
	if err := os.Rename(dir, filepath.Join(work.path, "host")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail("remove", quote(dir), err)
	}
	return nil
}

// write makes skeleton and mask below dir, for the machine whose root is base.
func (l *hostLayers) write(dir, base string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	skeleton, mask := filepath.Join(dir, "skeleton"), filepath.Join(dir, "mask")
	for _, top := range []string{skeleton, mask} {
		if err := makeDir(top, 0o755); err != nil {
			return err
		}
	}
	if err := l.writeSkeleton(skeleton); err != nil {
		return err
	}
	return l.writeMask(mask, skeleton, base)
}

func (l *hostLayers) writeSkeleton(skeleton string) error {
	for _, d := range l.Dirs {
		if err := makeDir(filepath.Join(skeleton, d.Path), 0o700); err != nil {
			return err
		}
	}
	for _, link := range l.Links {
		if err := os.Symlink(link.Target, filepath.Join(skeleton, link.Path)); err != nil {
			return err
		}
	}
	for _, f := range l.Copies {
		if err := f.copyTo(filepath.Join(skeleton, f.Path)); err != nil {
			return err
		}
	}
	// Modes come last, so that a directory without the write bit can be filled first.
	for _, d := range slices.Backward(l.Dirs) {
		if err := unix.Chmod(filepath.Join(skeleton, d.Path), d.Mode); err != nil {
			return err
		}
	}
	return nil
}

func (l *hostLayers) writeMask(mask, skeleton, base string) error {
	for _, path := range l.MaskDirs {
		if err := twinDirs(mask, base, path); err != nil {
			return err
		}
	}
	for _, path := range l.Whiteouts {
		if err := twinDirs(mask, base, filepath.Dir(path)); err != nil {
			return err
		}
		// A character device 0/0 hides the name (kernel: overlayfs.rst). It needs no privilege.
		if err := unix.Mknod(filepath.Join(mask, path), unix.S_IFCHR, 0); err != nil {
			return &fs.PathError{Op: "mknod", Path: path, Err: err}
		}
	}
	for _, f := range l.Files {
		top := skeleton
		if slices.ContainsFunc(l.Parts, func(part string) bool { return within(f.Path, part) }) {
			top = mask
			if err := twinDirs(mask, base, filepath.Dir(f.Path)); err != nil {
				return err
			}
		}
		if err := f.writeTo(filepath.Join(top, f.Path)); err != nil {
			return err
		}
	}
	return nil
}

func (f plainFile) writeTo(path string) error {
	// There may be a copied symbolic link; writing through it would reach this machine.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = to.Write(f.Content)
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	return unix.Chmod(path, f.Mode)
}

func (f copiedFile) copyTo(path string) error {
	from, err := os.Open(f.From)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, io.LimitReader(from, hostCopyLimit))
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	return unix.Chmod(path, f.Mode)
}

// twinDirs makes the directory path below mask and its parents, each with the mode and, as far as
// that is allowed, the owner of the one below base: in a merged directory the topmost counts.
func twinDirs(mask, base, path string) error {
	made := mask
	real := base
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		made, real = filepath.Join(made, name), filepath.Join(real, name)
		if _, err := os.Lstat(made); err == nil {
			continue
		}
		var st unix.Stat_t
		if err := unix.Lstat(real, &st); err != nil {
			return &fs.PathError{Op: "stat", Path: real, Err: err}
		}
		if err := makeDir(made, 0o755); err != nil {
			return err
		}
		if os.Geteuid() == 0 {
			if err := os.Lchown(made, int(st.Uid), int(st.Gid)); err != nil {
				return err
			}
		}
		if err := unix.Chmod(made, st.Mode&0o7777|0o700); err != nil {
			return err
		}
	}
	return nil
}

// makeDir makes a directory with exactly that mode; one that exists is an error only if it is
// something else.
func makeDir(path string, mode uint32) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		info, statErr := os.Lstat(path)
		if statErr != nil || !info.IsDir() {
			return err
		}
	}
	return unix.Chmod(path, mode)
}
