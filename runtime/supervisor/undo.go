package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/kernel"
	"aquarium/runtime/ledger"
	"aquarium/runtime/network"
	"aquarium/runtime/userns"
)

// Belongings is what a sandbox has outside its own namespaces, and the
// directory whose ledger lists it. What is undone is found in the ledger, and
// here, should that be damaged; but only these places are touched, whatever is
// written there.
type Belongings struct {
	ID     string
	IDs    userns.Map // of its user namespace
	Groups cgroup.Groups
	Run    string // running directory
	Bundle string
	Names  string // directory of the symlinks that hold names
	Leases string // directory of the addresses on the bridge
}

// Release undoes what a stopped sandbox no longer needs, all but its bundle
// and its name, and says what it did. On error the running directory stays,
// and with it the list of the rest.
func (b Belongings) Release() (did []string, err error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	did, err = b.undo(b.undoers(true))
	if err != nil {
		return did, err
	}
	return b.remove(did, b.Run, removeRun)
}

// Erase undoes everything of a sandbox, and says what it did. The name goes
// before what it names: once the rest is gone another sandbox may take it.
func (b Belongings) Erase(name string) (did []string, err error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	did, err = b.undo(b.undoers(false))
	if err != nil {
		return did, err
	}
	freed, err := b.freeName(name)
	did = appendWords(did, freed)
	if err != nil && !errors.Is(err, ledger.ErrNotOurs) { // it may have no name yet
		return did, err
	}
	if did, err = b.remove(did, b.Bundle, b.removeTree); err != nil {
		return did, err
	}
	return b.remove(did, b.Run, removeRun)
}

// check refuses an id that leads anywhere but to directories of the sandbox's:
// all that they hold is about to be removed.
func (b Belongings) check() error {
	_, run := kernel.Split(b.Run)
	_, bundle := kernel.Split(b.Bundle)
	if b.ID == "" || b.ID == "." || b.ID == ".." || run != b.ID || bundle != b.ID {
		return fmt.Errorf("%q is no sandbox's id", b.ID)
	}
	return nil
}

// undo undoes what the ledger lists, after what needs no ledger.
func (b Belongings) undo(by map[ledger.Kind]ledger.Undoer) (did []string, err error) {
	for _, g := range b.Groups {
		said, err := b.removeGroup(g.Directory())
		if err != nil && !errors.Is(err, ledger.ErrNotOurs) {
			return did, err
		}
		did = appendWords(did, said)
	}
	l, err := ledger.OpenExisting(b.Run)
	if errors.Is(err, fs.ErrNotExist) {
		return did, nil // nothing was made yet, or the running directory is gone, which nothing outlives
	}
	if err != nil {
		return did, err
	}
	defer l.Close()
	if damaged, _ := l.Damaged(); damaged { // Undo reads it too
		said, err := b.disconnect(b.ID)
		if did = appendWords(did, said); err != nil {
			return did, err
		}
		did = append(did, "passed over what is damaged in its ledger")
	}
	listed, err := l.Undo(by)
	return append(did, listed...), err
}

// appendWords adds what was done, if anything was.
func appendWords(did []string, said string) []string {
	if said == "" {
		return did
	}
	return append(did, said)
}

// undoers are how each kind of entry is undone. A stopped sandbox keeps its
// bundle and its name: those show themselves from then on.
func (b Belongings) undoers(stopped bool) map[ledger.Kind]ledger.Undoer {
	by := map[ledger.Kind]ledger.Undoer{
		ledger.Dir:     b.removeBundle,
		ledger.Name:    b.freeName,
		ledger.Mount:   b.unmount,
		ledger.Address: b.disconnect,
		ledger.Cgroup:  b.removeGroup,
	}
	if stopped {
		keep := func(string) (string, error) { return "", nil }
		by[ledger.Dir], by[ledger.Name] = keep, keep
	}
	return by
}

func (b Belongings) removeBundle(path string) (string, error) {
	if path != b.Bundle {
		return "", ledger.ErrNotOurs
	}
	did, err := b.remove(nil, b.Bundle, b.removeTree)
	return strings.Join(did, ""), err
}

// freeName deletes the symlink that holds a name, if it holds it for this
// sandbox.
func (b Belongings) freeName(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
		return "", ledger.ErrNotOurs
	}
	link := b.Names + "/" + name
	if id, err := os.Readlink(link); err != nil || id != b.ID {
		return "", nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return "freed its name", nil
}

// unmount detaches what is mounted on a directory right below one of the
// sandbox's own. Deeper ones are reached through directories that the sandbox
// may have written, and are never mount points of the host's.
func (b Belongings) unmount(path string) (string, error) {
	dir, base := kernel.Split(path)
	if base == "" || base == "." || base == ".." || dir != b.Bundle && dir != b.Run || path != dir+"/"+base {
		return "", ledger.ErrNotOurs
	}
	const noFollow = 8 // UMOUNT_NOFOLLOW, see umount(2)
	switch err := syscall.Unmount(path, syscall.MNT_DETACH|noFollow); err {
	case nil:
		return "unmounted " + path, nil
	case syscall.EINVAL, syscall.ENOENT: // not a mount point, or not there
		return "", nil
	default:
		return "", err
	}
}

// disconnect gives back the address on the bridge, and removes the links that
// came with it. The entry has the sandbox's id: the address itself is found by
// it.
func (b Belongings) disconnect(id string) (string, error) {
	if id != b.ID {
		return "", ledger.ErrNotOurs
	}
	had, err := network.Release(b.Leases, id)
	if !had {
		return "", err
	}
	return "took it off the bridge", err
}

// removeGroup ends what still runs in a control group of the sandbox's, and
// removes it.
func (b Belongings) removeGroup(directory string) (string, error) {
	if _, err := os.Lstat(directory); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if _, id := kernel.Split(directory); id != b.ID || !cgroup.IsOurs(directory) {
		return "", ledger.ErrNotOurs
	}
	if err := cgroup.Remove(directory); err != nil {
		return "", err
	}
	return "removed its control groups", nil
}

// remove deletes a directory, and adds to did that it was there.
func (b Belongings) remove(did []string, path string, remove func(string) error) ([]string, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return did, nil
	}
	if err := remove(path); err != nil {
		return did, err
	}
	if len(entries) > 0 { // an empty one is what another's removal has not come to yet
		did = append(did, "removed "+path)
	}
	return did, nil
}

// removeRun deletes a running directory, the state last: until then whoever
// looks sees whose it is.
func removeRun(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its supervisor was faster
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != StateFile {
			if err := os.RemoveAll(dir + "/" + entry.Name()); err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(dir)
}
