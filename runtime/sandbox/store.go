// Package sandbox is the handle on sandboxes from outside: create and launch
// them, list and find them, talk to their supervisors, stop and remove them.
package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"aquarium/rootfs"
	"aquarium/runtime/ids"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

// Store is the sandboxes and root filesystems of one user.
type Store struct {
	Places
	Catalogue   *rootfs.Catalogue
	Subordinate ids.Source // where sandboxes' user and group ids are looked for

	// Notice, where it is set, is told in a line each what was cleaned up of
	// sandboxes whose keeper was killed. Any goroutine may call it.
	Notice func(string)
	// Booting, where it is set, is called in a launch when all that takes long is
	// done, and before the program may run.
	Booting func()
}

// Open returns the store at the user's places; dirs are listed as root
// filesystems too. What crashes have left of a sandbox is settled when it is
// found or listed, and of all by Sweep.
func Open(dirs ...string) (*Store, error) {
	places, err := FindPlaces()
	if err != nil {
		return nil, err
	}
	if err := places.make(); err != nil {
		return nil, err
	}
	return atPlaces(places, dirs), nil
}

// Look is Open for who only wants to know, by Plan, what a launch would do:
// nothing is made.
func Look(dirs ...string) (*Store, error) {
	places, err := FindPlaces()
	if err != nil {
		return nil, err
	}
	if err := places.check(); err != nil {
		return nil, err
	}
	s := atPlaces(places, dirs)
	s.Catalogue.MakeNothing()
	return s, nil
}

func atPlaces(places Places, dirs []string) *Store {
	s := &Store{Places: places, Catalogue: rootfs.Open(places.Data, dirs...), Subordinate: ids.System()}
	s.Catalogue.Hide(places.Run)
	s.Catalogue.AskInUse(s.lowerDirs)
	s.Catalogue.KeepOwners(s.ownIDs)
	return s
}

// Sandbox is one sandbox as it was when it was read.
type Sandbox struct {
	supervisor.State
	store *Store
}

// List returns all sandboxes, oldest first. One that cannot be read is left
// out of the list, not an error of the whole.
func (s *Store) List() ([]Sandbox, error) {
	ids, err := s.ids()
	if err != nil {
		return nil, &Error{"list sandboxes", err, ""}
	}
	list := make([]Sandbox, 0, len(ids))
	for _, id := range ids {
		if sb, err := s.load(id); err == nil && sb.Name != "" { // it has none before it is described
			list = append(list, sb)
		}
	}
	slices.SortFunc(list, func(a, b Sandbox) int {
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	return list, nil
}

// ids are those of all sandboxes: of those that have a bundle, and of those
// that are being made, or whose making was cut short.
func (s *Store) ids() ([]string, error) {
	var ids []string
	for _, dir := range []string{s.sandboxes(), s.Run} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, entry := range entries {
			if id := entry.Name(); isID(id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// Find returns the sandbox with a name, or with an id that begins like ref.
func (s *Store) Find(ref string) (Sandbox, error) {
	if id, err := os.Readlink(s.name(filepath.Base("/" + ref))); err == nil && spec.CheckName(ref) == nil && isID(id) {
		if sb, err := s.load(id); err == nil {
			sb.Name = ref // it may be so new that its state does not tell
			return sb, nil
		}
	}
	var matches []string
	if isIDPrefix(ref) {
		ids, _ := s.ids()
		for _, id := range ids {
			if strings.HasPrefix(id, ref) {
				matches = append(matches, id)
			}
		}
	}
	switch len(matches) {
	case 1:
		return s.load(matches[0])
	case 0:
		return Sandbox{}, &Error{"find sandbox " + rootfs.Visible(ref), errors.New("no such sandbox"), "`aquarium ps -a` lists them"}
	}
	return Sandbox{}, &Error{"find sandbox " + ref, fmt.Errorf("%d sandboxes have an id that begins so", len(matches)), "give more of the id, or the name"}
}

// isID tells whether something is a sandbox's id, and so no path.
func isID(s string) bool { return isIDPrefix(s) && len(s) == idLength }

func isIDPrefix(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdef") == ""
}

// load reads a sandbox: the running state where there is one, the last one
// from the bundle otherwise.
func (s *Store) load(id string) (Sandbox, error) {
	sb := Sandbox{store: s}
	st, err := readState(s.run(id))
	if err == nil && !st.Alive(s.run(id)) || broken(err) {
		st, err = s.settle(id)
	} else if errors.Is(err, fs.ErrNotExist) {
		st, err = readState(s.bundle(id))
		if errors.Is(err, fs.ErrNotExist) || broken(err) {
			st, err = s.settle(id)
		}
	}
	sb.State = st
	return sb, err
}

// lock serialises changes to the set of sandboxes between processes; see
// flock(2).
func (p Places) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(p.Run, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &Error{"lock state directory", err, "set AQUARIUM_HOME to a directory you may write"}
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, &Error{"lock state directory", err, ""}
	}
	return func() { f.Close() }, nil
}
