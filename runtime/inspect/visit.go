package inspect

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"aquarium/runtime/enter"
)

// visit makes system calls in the process's namespaces of the given kinds.
// Who has no rights there tries again as who owns the first of them: a
// namespace's owner has all rights in it, see user_namespaces(7). Add is
// called for each attempt; joined tells that the user namespace was joined.
func (t *Target) visit(add func(*enter.Visit), kinds ...string) (joined bool, err error) {
	namespaces, err := t.foreign(kinds)
	if err != nil {
		return false, err
	}
	defer func() {
		for _, n := range namespaces {
			n.File.Close()
		}
	}()
	v := &enter.Visit{Namespaces: namespaces}
	add(v)
	err = v.Run()
	if len(namespaces) == 0 || !errors.Is(err, unix.EPERM) {
		return false, err
	}
	fd, refused := unix.IoctlRetInt(int(namespaces[0].File.Fd()), unix.NS_GET_USERNS)
	if refused != nil {
		return false, err
	}
	user := os.NewFile(uintptr(fd), "user namespace")
	defer user.Close()
	v = &enter.Visit{Namespaces: append([]enter.Namespace{{Kind: kindOf("user"), File: user}}, namespaces...)}
	add(v)
	return true, v.Run()
}

// foreign opens the process's namespaces of these kinds, but for those that
// this process is in itself.
func (t *Target) foreign(kinds []string) ([]enter.Namespace, error) {
	var all []enter.Namespace
	for _, kind := range kinds {
		file, err := t.OpenNamespace(kind)
		if err != nil {
			return all, err
		}
		number, err := inode(int(file.Fd()))
		own, errOwn := ownNamespace(kind)
		if err != nil || errOwn != nil || number == own {
			file.Close()
			if err := errors.Join(err, errOwn); err != nil {
				return all, err
			}
			continue
		}
		all = append(all, enter.Namespace{Kind: kindOf(kind), File: file})
	}
	return all, nil
}

func kindOf(name string) enter.Kind {
	for _, kind := range enter.Kinds() {
		if kind.Name == name {
			return kind
		}
	}
	return enter.Kind{Name: name}
}

// isHost tells whether the process is in the same namespace as this one.
func (t *Target) isHost(kind string) bool {
	link, err := t.link("ns/" + kind)
	if err != nil {
		return false
	}
	own, err := linkAt(unix.AT_FDCWD, "/proc/self/ns/"+kind)
	return err == nil && own == link
}
