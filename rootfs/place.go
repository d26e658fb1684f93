package rootfs

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// makePrivate makes DATA and the named directories below it. They are closed to other users: the
// trees in them hold setuid programs and other people's passwords.
func makePrivate(dataDir string, names ...string) error {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return fail("make the data directory", quote(dataDir), err).
			withHint("set AQUARIUM_HOME to a directory that you can write to")
	}
	for _, name := range names {
		path := filepath.Join(dataDir, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return fail("make the directory", quote(path), err)
		}
	}
	return nil
}

// work is a directory below DATA/tmp in which something is made, to be renamed to its place when it
// is finished. Its lock tells the living from what a killed process left.
type work struct {
	path string
	lock lock
	c    *Catalogue
}

// workDir makes a new work directory and clears what killed processes left of theirs.
func (c *Catalogue) workDir(kind string) (*work, error) {
	if err := makePrivate(c.dataDir, "tmp"); err != nil {
		return nil, err
	}
	// Between the making and the locking of a directory nobody else may look.
	gate, err := lockFile(filepath.Join(c.dataDir, "tmp.lock"), unix.LOCK_EX)
	if err != nil {
		return nil, fail("lock", quote(c.dataDir), err)
	}
	defer gate.Close()
	c.clearTmp()
	path, err := os.MkdirTemp(filepath.Join(c.dataDir, "tmp"), kind+"-")
	if err != nil {
		return nil, fail("make a directory in", quote(c.dataDir), err)
	}
	lock, err := lockDir(path)
	if err != nil {
		return nil, errors.Join(fail("lock", quote(path), err), os.Remove(path))
	}
	return &work{path, lock, c}, nil
}

// Scratch makes a directory on the store's file system, cleared by discard or, after a kill, by the
// next command.
func (c *Catalogue) Scratch(kind string) (path string, discard func(), err error) {
	w, err := c.workDir(kind)
	if err != nil {
		return "", nil, err
	}
	return w.path, w.discard, nil
}

// discard removes what is left in the work directory: all, unless it was renamed to its place.
func (w *work) discard() {
	w.c.remove(w.path)
	w.lock.Close()
}

// Sweep removes what killed commands left half made or half removed, and
// returns how many there were. Where nothing is left it costs two looks.
func (c *Catalogue) Sweep() int {
	cleared := c.clearPartials(leftAlone)
	c.clearHost(leftAlone) // what it cannot remove, Prune says
	if entries, err := os.ReadDir(filepath.Join(c.dataDir, "tmp")); err != nil || len(entries) == 0 {
		return cleared
	}
	gate, err := lockFile(filepath.Join(c.dataDir, "tmp.lock"), unix.LOCK_EX)
	if err != nil {
		return cleared
	}
	defer gate.Close()
	return cleared + c.clearTmp()
}

// clearTmp removes the work directories that nobody holds.
func (c *Catalogue) clearTmp() int {
	cleared := 0
	entries, err := os.ReadDir(filepath.Join(c.dataDir, "tmp"))
	if err != nil {
		return 0
	}
	for _, entry := range entries {
		path := filepath.Join(c.dataDir, "tmp", entry.Name())
		lock, err := lockDir(path)
		if err != nil {
			continue
		}
		if c.remove(path) == nil {
			cleared++
		}
		lock.Close()
	}
	return cleared
}

func lockDir(path string) (lock, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0)
	if err != nil {
		return lock{}, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return lock{}, err
	}
	return lock{f}, nil
}

// lock is a file that is locked until it is closed; see flock(2).
type lock struct{ *os.File }

// Close unlocks first: a child that was forked just now has the file open too,
// until it executes something.
func (l lock) Close() error {
	unix.Flock(int(l.Fd()), unix.LOCK_UN)
	return l.File.Close()
}

// lockFile takes a lock, which ends with its closing or with the process.
func lockFile(path string, how int) (lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return lock{}, err
	}
	for {
		err := unix.Flock(int(f.Fd()), how)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			f.Close()
			return lock{}, os.NewSyscallError("flock", err)
		}
		return lock{f}, nil
	}
}

// holdStore keeps layers from being removed while something is made of them.
func (c *Catalogue) holdStore() (lock, error) {
	if err := makePrivate(c.dataDir); err != nil {
		return lock{}, err
	}
	hold, err := lockFile(filepath.Join(c.dataDir, "layers.lock"), unix.LOCK_SH)
	if err != nil {
		return lock{}, fail("lock", quote(c.dataDir), err)
	}
	return hold, nil
}
