package rootfs

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"aquarium/runtime/userns"
)

// Catalogue is the set of root filesystems that a user can launch from. It holds no state but
// where to look, so what List and Find return is what is there now. It is safe for concurrent use.
type Catalogue struct {
	dataDir string
	dirs    []string
	hidden  []string
	inUse   func() ([]string, error)
	find    func() (userns.Map, error) // subordinate ids; may be nil

	makesNothing bool
}

// Open returns the catalogue below dataDir, plus directories named on the command line. It touches
// nothing: neither dataDir nor the directories need to exist.
func Open(dataDir string, dirs ...string) *Catalogue {
	c := &Catalogue{dataDir: absolute(dataDir)}
	for _, dir := range dirs {
		if dir == "" {
			continue // "" would mean the working directory, which nobody asked for
		}
		if dir = absolute(dir); !slices.Contains(c.dirs, dir) {
			c.dirs = append(c.dirs, dir)
		}
	}
	return c
}

// Hide keeps further directories of this machine, such as the one that holds the running state,
// out of the `host` root filesystem. The data directory is always hidden. Call it before use.
func (c *Catalogue) Hide(paths ...string) {
	for _, path := range paths {
		c.hidden = append(c.hidden, absolute(path))
	}
}

// AskInUse says whom to ask for the directories that the roots of sandboxes are made of. Until it is
// called nothing is removed that a sandbox could be made of. Call it before use.
func (c *Catalogue) AskInUse(inUse func() ([]string, error)) { c.inUse = inUse }

// DataDir is the directory that stored root filesystems and layers are below.
func (c *Catalogue) DataDir() string { return c.dataDir }

// List returns every root filesystem: `host`, then the stored ones, then the listed directories,
// each sorted by name. What cannot be used is in the list with its Problem. The error is about
// the store as a whole; the rest of the list is returned with it.
func (c *Catalogue) List() ([]Rootfs, error) {
	list := []Rootfs{c.host()}
	names, err := c.storedNames()
	for _, name := range names {
		list = append(list, Rootfs{Name: name, Kind: Stored, Path: c.storedPath(name)})
	}
	for _, dir := range c.dirs {
		if dir != "/" {
			list = append(list, Rootfs{Name: dir, Kind: Directory, Path: dir})
		}
	}
	c.examine(list)
	slices.SortFunc(list, func(a, b Rootfs) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return list, err
}

// examiners is how many entries are looked at side by side: the work is mostly waiting for disks.
const examiners = 8

func (c *Catalogue) examine(list []Rootfs) {
	next := make(chan *Rootfs)
	var workers sync.WaitGroup
	for range min(examiners, len(list)) {
		workers.Go(func() {
			for r := range next {
				c.fill(r)
			}
		})
	}
	for i := range list {
		next <- &list[i]
	}
	close(next)
	workers.Wait()
}

// fill looks at one entry's tree or document and completes the entry.
func (c *Catalogue) fill(r *Rootfs) {
	if r.Kind == Host {
		return
	}
	if r.Kind == Stored {
		if err := CheckName(r.Name); err != nil {
			r.Problem = "its " + err.Error()
			return
		}
		d, err := readDocument(filepath.Join(r.Path, documentName))
		if err == nil {
			c.describe(r, d)
			return
		}
		if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
			r.Problem = fail("", "", err).Cause.Error()
			return
		}
	}
	v := judge(r.Path)
	r.Problem, r.NeedsCommand, r.Defaults.Command = v.problem, v.needsCommand, v.shell
}

// Find returns the root filesystem that ref means: a name of the catalogue, or, where ref is "."
// or ".." or has a slash in it, a directory. That one exists, but cannot start a sandbox, is no
// error here: see its Problem.
func (c *Catalogue) Find(ref string) (Rootfs, error) {
	switch {
	case ref == "":
		return Rootfs{}, fail("find rootfs", `""`, errors.New("the name is empty"))
	case strings.ContainsRune(ref, 0):
		return Rootfs{}, fail("find rootfs", quote(ref), errors.New("a NUL byte is in it"))
	case ref == "." || ref == ".." || strings.Contains(ref, "/"):
		return c.findDirectory(ref)
	case ref == HostName:
		return c.host(), nil
	}
	return c.findStored(ref)
}

func (c *Catalogue) findDirectory(ref string) (Rootfs, error) {
	path := absolute(ref)
	if path == "/" {
		// A view of "/" with nothing hidden is never what somebody asks for by accident.
		return c.host(), nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Rootfs{}, fail("open rootfs", quote(path), err)
	case info.Mode().IsRegular():
		return Rootfs{}, fail("open rootfs", quote(path), unix.ENOTDIR).
			withHint("to make a root filesystem of an archive: aquarium rootfs import NAME %s", Visible(ref))
	case !info.IsDir():
		return Rootfs{}, fail("open rootfs", quote(path), unix.ENOTDIR)
	}
	r := Rootfs{Name: path, Path: path, Kind: Directory}
	c.fill(&r)
	return r, nil
}

func (c *Catalogue) findStored(name string) (Rootfs, error) {
	if err := CheckName(name); err != nil {
		return Rootfs{}, err
	}
	path := c.storedPath(name)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && !info.IsDir() {
		return Rootfs{}, c.unknown(name)
	}
	if err != nil {
		return Rootfs{}, fail("find rootfs", quote(name), err)
	}
	r := Rootfs{Name: name, Path: path, Kind: Stored}
	c.fill(&r)
	return r, nil
}

func (c *Catalogue) unknown(name string) error {
	err := fail("find rootfs", quote(name), errors.New("no such root filesystem"))
	if info, statErr := os.Stat(name); statErr == nil && info.IsDir() {
		return err.withHint("for the directory, write ./%s", name)
	}
	return err.withHint("aquarium rootfs ls lists those there are; a directory is written with a slash")
}

// storedNames are the entries below DATA/rootfs that are, or lead to, directories.
func (c *Catalogue) storedNames() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(c.dataDir, "rootfs"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fail("list", quote(c.dataDir), err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() || entry.Type()&os.ModeSymlink != 0 {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func (c *Catalogue) storedPath(name string) string {
	return filepath.Join(c.dataDir, "rootfs", name)
}

// absolute cleans a path and makes it absolute. Without a working directory it stays relative,
// and opening it gives the error.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path)
}
