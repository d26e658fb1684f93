package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Remove deletes a stored root filesystem, and those of its layers that no other one needs. users
// says which sandboxes use it; while there are any, it is refused with their names. Layers that are
// being used by an import at the same time stay until Prune.
func (c *Catalogue) Remove(name string, users func(Rootfs) ([]string, error)) error {
	if name == HostName {
		return fail("remove", quote(name), errors.New("it is built in"))
	}
	if strings.Contains(name, "/") {
		return fail("remove", quote(name), errors.New("it is a directory of yours, not a stored root filesystem"))
	}
	r, err := c.findForRemoval(name)
	if err != nil {
		return err
	}
	inUse, err := users(r)
	if err != nil {
		return fail("remove", quote(name), err)
	}
	if len(inUse) > 0 {
		for i := range inUse {
			inUse[i] = Visible(inUse[i])
		}
		return fail("remove", quote(name), errText("in use by %s", strings.Join(inUse, ", "))).
			withHint("remove the sandboxes first: aquarium rm %s", strings.Join(inUse, " "))
	}
	d, documentErr := readDocument(filepath.Join(r.Path, documentName))
	if err := c.removeEntry(r); err != nil {
		return err
	}
	if documentErr != nil {
		return nil // a plain tree
	}
	_, err = c.removeLayers(d.Layers)
	return err
}

// findForRemoval also finds what cannot be used: a bad name that lies in the store, a dangling link.
func (c *Catalogue) findForRemoval(name string) (Rootfs, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, 0) {
		return Rootfs{}, fail("remove", quote(name), errors.New("no such root filesystem"))
	}
	r := Rootfs{Name: name, Path: c.storedPath(name), Kind: Stored}
	if _, err := os.Lstat(r.Path); errors.Is(err, fs.ErrNotExist) {
		return r, c.unknown(name)
	} else if err != nil {
		return r, fail("remove", quote(name), err)
	}
	return r, nil
}

// removeEntry takes an entry out of the catalogue by one rename and then deletes it.
func (c *Catalogue) removeEntry(r Rootfs) error {
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(r.Path); err == nil {
		if below := append(mounts.below(real), mounts.below(r.Path)...); len(below) > 0 || slices.Contains(mounts, real) {
			return fail("remove", quote(r.Name), errText("%s is mounted there", Visible(slices.Concat(below, []string{real})[0]))).
				withHint("unmount it first: what is mounted would be deleted too")
		}
	}
	work, err := c.workDir("removed")
	if err != nil {
		return err
	}
	defer work.discard()
	err = os.Rename(r.Path, filepath.Join(work.path, "entry"))
	if errors.Is(err, fs.ErrNotExist) {
		return c.unknown(r.Name) // another command was faster
	}
	if err != nil {
		return fail("remove", quote(r.Name), err)
	}
	return nil
}

// removeLayers deletes those of the layers that no document names and no sandbox is made of, and
// returns how many bytes of content that freed. While somebody makes a root filesystem, or launches
// from one, nothing is deleted.
func (c *Catalogue) removeLayers(digests []string) (freed int64, err error) {
	hold, err := lockFile(filepath.Join(c.dataDir, "layers.lock"), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return 0, nil
	}
	if err != nil {
		return 0, fail("lock", quote(c.dataDir), err)
	}
	defer hold.Close()
	needed, err := c.LayerUses()
	if err != nil {
		return 0, err
	}
	used, err := c.usedDirs()
	if err != nil {
		return 0, err
	}
	for _, digest := range digests {
		if needed[digest] > 0 || used[c.shortPath(digest)] || used[c.layerTree(digest)] {
			continue
		}
		l, _ := c.Layer(digest)
		work, err := c.removeLayer(digest)
		if err != nil {
			return freed, err
		}
		freed += l.Bytes
		defer work.discard() // that takes its time: others need not wait
	}
	hold.Close()
	return freed, nil
}

// RemoveUnneeded deletes those of the layers that are in the store and that no root filesystem has,
// such as what a canceled import had finished. While somebody makes a root filesystem nothing is
// deleted.
func (c *Catalogue) RemoveUnneeded(digests []string) error {
	digests = slices.DeleteFunc(slices.Clone(digests), func(digest string) bool {
		_, known := c.Layer(digest)
		return !known
	})
	if len(digests) == 0 {
		return nil
	}
	_, err := c.removeLayers(digests)
	return err
}

// usedDirs are the directories that the roots of sandboxes are made of.
func (c *Catalogue) usedDirs() (map[string]bool, error) {
	used := make(map[string]bool)
	if c.inUse == nil {
		return used, nil
	}
	dirs, err := c.inUse()
	for _, dir := range dirs {
		used[dir] = true
	}
	return used, err
}

// removeLayer moves a layer out of the store, into a directory to be discarded.
func (c *Catalogue) removeLayer(digest string) (_ *work, err error) {
	work, err := c.workDir("removed")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			work.discard()
		}
	}()
	// The short name first: a layer does without one, and Prune still finds it.
	if target, err := os.Readlink(c.shortPath(digest)); err == nil && target == shortTarget(digest) {
		if err := os.Remove(c.shortPath(digest)); err != nil {
			return nil, fail("remove the short name of layer", digest, err)
		}
	}
	err = os.Rename(c.layerDir(digest), filepath.Join(work.path, "layer"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fail("remove layer", digest, err)
	}
	return work, nil
}

// LayerUses counts how many stored root filesystems have each layer. A document that cannot be
// read is an error: its layers must not be taken for unneeded.
func (c *Catalogue) LayerUses() (map[string]int, error) {
	names, err := c.storedNames()
	if err != nil {
		return nil, err
	}
	needed := map[string]int{}
	for _, name := range names {
		d, err := readDocument(filepath.Join(c.storedPath(name), documentName))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
			continue
		}
		if err != nil {
			return nil, fail("read the document of", quote(name), err)
		}
		slices.Sort(d.Layers)
		for _, digest := range slices.Compact(d.Layers) {
			needed[digest]++
		}
	}
	return needed, nil
}

// Pruned says what Prune removed.
type Pruned struct {
	Layers      int   `json:"layers"`
	Bytes       int64 `json:"bytes"`       // of the layers' content
	Interrupted int   `json:"interrupted"` // left by imports that were killed, and by pulls that broke
	Views       int   `json:"views"`       // old ones of this machine
}

// launching is longer than a launch takes from asking for a view to being listed as its user.
const launching = time.Minute

// Prune removes layers that no root filesystem needs, what interrupted imports left, and what old views
// of this machine were made of. It waits for nobody: while an import runs, layers stay.
func (c *Catalogue) Prune() (Pruned, error) {
	var p Pruned
	if _, err := os.Lstat(c.dataDir); errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	gate, err := lockFile(filepath.Join(c.dataDir, "tmp.lock"), unix.LOCK_EX)
	if err != nil {
		return p, fail("lock", quote(c.dataDir), err)
	}
	p.Interrupted = c.clearTmp() + c.clearPartials(0)
	gate.Close()
	if p.Views, err = c.clearHost(launching); err != nil {
		return p, err
	}
	before, err := c.storedLayers()
	if err != nil {
		return p, err
	}
	if p.Bytes, err = c.removeLayers(before); err != nil {
		return p, err
	}
	after, err := c.storedLayers()
	p.Layers = len(before) - len(after)
	return p, err
}

func (c *Catalogue) storedLayers() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(c.dataDir, "layers", "sha256"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fail("list", quote(c.dataDir), err)
	}
	var digests []string
	for _, entry := range entries {
		if digest := "sha256:" + entry.Name(); isDigest(digest) {
			digests = append(digests, digest)
		}
	}
	return digests, nil
}

// Usage is what a stored root filesystem takes, in bytes of file content.
type Usage struct {
	Bytes  int64 `json:"bytes"`  // all of it
	Shared int64 `json:"shared"` // the part that other root filesystems have too
	Layers int   `json:"layers"` // 0 for a plain tree
}

// Usage returns what each stored root filesystem made of layers takes. Plain trees are not in it:
// to know their size, all of them would have to be read.
func (c *Catalogue) Usage() (map[string]Usage, error) {
	needed, err := c.LayerUses()
	if err != nil {
		return nil, err
	}
	names, err := c.storedNames()
	if err != nil {
		return nil, err
	}
	usage := map[string]Usage{}
	for _, name := range names {
		d, err := readDocument(filepath.Join(c.storedPath(name), documentName))
		if err != nil {
			continue
		}
		u := Usage{Layers: len(d.Layers)}
		slices.Sort(d.Layers)
		for _, digest := range slices.Compact(d.Layers) {
			l, _ := c.Layer(digest)
			u.Bytes += l.Bytes
			if needed[digest] > 1 {
				u.Shared += l.Bytes
			}
		}
		usage[name] = u
	}
	return usage, nil
}
