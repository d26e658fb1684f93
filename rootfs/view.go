package rootfs

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// View says how the root of one sandbox is put together: every overlay is mounted, in order, at
// its Dest below the new root, with an upper and a work directory of the sandbox's own. The
// directories to mount on are there once the earlier overlays are mounted.
//
// The overlays need the mount option userxattr where the mount namespace belongs to a user
// namespace of an ordinary user, and no special option otherwise (kernel: overlayfs.rst). An upper
// directory on overlayfs itself is refused by the kernel.
type View struct {
	Overlays []Overlay
}

// Overlay is one overlay mount without its writable part.
type Overlay struct {
	Dest string // absolute, as the sandbox sees it; "/" first
	// Lower are absolute directories, the topmost first. Many layers make an option string longer
	// than the page that mount(2) takes: give them one by one (fsconfig(2), "lowerdir+").
	Lower []string
}

// View returns how r is put together, for a sandbox that is set up with the privileges of the
// real root or without. For `host` it first builds, if need be, what hides the private parts of
// this machine; that needs a writable data directory.
func (c *Catalogue) View(r Rootfs, privileged bool) (View, error) {
	switch {
	case r.Kind == Host:
		return c.hostView(privileged)
	case r.Problem != "" && !r.NeedsCommand:
		return View{}, fail("use rootfs", quote(r.Name), errors.New(r.Problem))
	}
	lower, err := c.lowerOf(r)
	if err != nil {
		return View{}, err
	}
	if !privileged {
		if err := checkMountsBelow(lower); err != nil {
			return View{}, err
		}
	}
	return View{Overlays: []Overlay{{Dest: "/", Lower: lower}}}, nil
}

// lowerOf returns the directories that an entry consists of, the topmost first.
func (c *Catalogue) lowerOf(r Rootfs) ([]string, error) {
	d, err := c.documentOf(r)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{r.Path}, nil
	}
	if err != nil {
		return nil, err
	}
	return c.lower(d), nil
}

// Plain returns the one directory that a root filesystem is, if it is one: it can be written to
// directly. A stack of layers and `host` cannot.
func (c *Catalogue) Plain(r Rootfs) (dir string, ok bool) {
	if _, err := c.documentOf(r); r.Kind == Host || !errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	return r.Path, true
}

// checkMountsBelow refuses what overlayfs refuses in a user namespace: a directory with something
// mounted below it, because the overlay would show what that mount hides.
func checkMountsBelow(dirs []string) error {
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return fail("use rootfs", quote(dir), err)
		}
		if below := mounts.below(real); len(below) > 0 {
			return fail("use rootfs", quote(dir), errText("%s is mounted inside it", Visible(below[0]))).
				withHint("unmount it, use a copy, or run as root")
		}
	}
	return nil
}
