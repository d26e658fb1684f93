package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"

	"aquarium/runtime/ledger"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

// A made-up name is a colour and a fish: easy to say, easy to type.
var (
	colours = []string{"amber", "azure", "black", "blue", "bronze", "coral", "copper", "crimson", "golden", "green", "indigo", "ivory", "jade", "lilac", "olive", "opal", "orange", "pearl", "pink", "red", "ruby", "silver", "teal", "violet", "white", "yellow"}
	fish    = []string{"angel", "barb", "betta", "bream", "carp", "chub", "clown", "cod", "dace", "danio", "discus", "dory", "eel", "goby", "guppy", "koi", "loach", "molly", "moray", "oscar", "perch", "pike", "platy", "ray", "roach", "rudd", "shark", "sole", "tang", "tench", "tetra", "trout", "tuna", "wrasse"}
)

// reserve takes a name for the sandbox id, made up when name is "". A name is
// held by a symlink, which only one can create.
func (s *Store) reserve(name, id string) (string, error) {
	err := s.claim(id)
	if err == nil {
		name, err = s.takeAny(name, id)
	}
	if err != nil {
		s.erase(supervisor.State{ID: id})
	}
	return name, err
}

// claim shows that this process is making the sandbox id, and begins its
// ledger. It comes before the name, so that a name whose sandbox is nowhere is
// free for certain. It holds the lock: to a listing that comes in between, a
// directory without a state is what a crash has left.
func (s *Store) claim(id string) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.Mkdir(s.run(id), 0o700); err != nil {
		return &Error{"make running directory", cause(err), ""}
	}
	st := supervisor.State{ID: id, Status: supervisor.Creating, Bundle: s.bundle(id)}
	st.KeepSelf()
	if err := st.Save(s.run(id)); err != nil {
		return &Error{"write running state", cause(err), ""}
	}
	return s.willMake(id, ledger.Entry{Kind: ledger.Dir, Name: s.bundle(id)})
}

// willMake writes down what is about to be made for a sandbox.
func (s *Store) willMake(id string, entry ledger.Entry) error {
	l, err := ledger.Open(s.run(id))
	if err == nil {
		err = l.Will(entry.Kind, entry.Name)
		l.Close()
	}
	return wrap("write ledger", cause(err))
}

// cause is an error without the path, which is nobody's business but ours.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func (s *Store) takeAny(name, id string) (string, error) {
	if name != "" {
		return name, s.take(name, id)
	}
	for attempt := range 1000 {
		name = colours[rand.IntN(len(colours))] + "-" + fish[rand.IntN(len(fish))]
		if attempt >= 10 { // the easy names are getting rare
			name = fmt.Sprintf("%s-%d", name, rand.IntN(10000))
		}
		err := s.take(name, id)
		if !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
	return "", errors.New("make up a name: all tried are taken")
}

// taken is the error of a name that another sandbox has.
type taken struct{}

func (taken) Error() string        { return "the name is taken" }
func (taken) Is(target error) bool { return target == fs.ErrExist }

func (s *Store) take(name, id string) error {
	if err := spec.CheckName(name); err != nil {
		return err
	}
	if err := s.willMake(id, ledger.Entry{Kind: ledger.Name, Name: name}); err != nil {
		return err
	}
	link := s.name(name)
	err := os.Symlink(id, link)
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return wrap("reserve name "+name, err)
	}
	if holder, err := os.Readlink(link); err == nil {
		if _, err := s.load(holder); err == nil {
			return &Error{"create sandbox " + name, taken{}, "choose another --name, or `aquarium rm " + name + "`"}
		}
	}
	return s.retake(name, id)
}

// retake takes over a name whose sandbox no longer exists.
func (s *Store) retake(name, id string) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if holder, err := os.Readlink(s.name(name)); err == nil {
		if _, err := os.Stat(s.run(holder)); err == nil {
			return &Error{"create sandbox " + name, taken{}, "choose another --name"}
		}
		os.Remove(s.name(name))
	}
	return wrap("reserve name "+name, os.Symlink(id, s.name(name)))
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{what, err, ""}
}
