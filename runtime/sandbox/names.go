package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"

	"aquarium/runtime/spec"
)

// A made-up name is a colour and a fish: easy to say, easy to type.
var (
	colours = []string{"amber", "azure", "black", "blue", "bronze", "coral", "copper", "crimson", "golden", "green", "indigo", "ivory", "jade", "lilac", "olive", "opal", "orange", "pearl", "pink", "red", "ruby", "silver", "teal", "violet", "white", "yellow"}
	fish    = []string{"angel", "barb", "betta", "bream", "carp", "chub", "clown", "cod", "dace", "danio", "discus", "dory", "eel", "goby", "guppy", "koi", "loach", "molly", "moray", "oscar", "perch", "pike", "platy", "ray", "roach", "rudd", "shark", "sole", "tang", "tench", "tetra", "trout", "tuna", "wrasse"}
)

// reserve takes a name for the sandbox id, made up when name is "". A name is
// held by a symlink, which only one can create.
func (s *Store) reserve(name, id string) (string, error) {
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
