package step

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// User takes on the identity that the program runs with. Names are looked up
// in the sandbox's own /etc/passwd and /etc/group, so the step comes after
// the root switch.
type User struct {
	Spec string `json:"spec"` // "user", "uid", "user:group", "uid:gid"; "" is 0:0
	// Ungrouped keeps the supplementary groups: in a user namespace with a
	// single mapped id setgroups(2) is denied.
	Ungrouped bool `json:"ungrouped,omitempty"`
}

// identity is a user as the kernel and the environment know it.
type identity struct {
	uid, gid int
	groups   []int
	home     string
}

// Calls implements Op.
func (u *User) Calls() []string {
	who := u.Spec
	if who == "" {
		who = "0:0"
	}
	user, group, _ := strings.Cut(who, ":")
	if group == "" {
		group = "gid of " + user
	}
	calls := []string{
		call("setresuid", raw(user), raw(user), raw(user)),
		call("setresgid", raw(group), raw(group), raw(group)),
	}
	if !u.Ungrouped {
		calls = append(calls, "setgroups(groups of "+user+")")
	}
	return calls
}

// Do implements Op.
func (u *User) Do(w *World) error {
	id, err := u.resolve()
	if err != nil {
		return &CallError{Call: "look up user " + strconv.Quote(u.Spec) + " in /etc/passwd", Errno: syscall.ENOENT, Detail: err.Error()}
	}
	w.home = id.home
	if err := ownStdio(w, id); err != nil {
		return err
	}
	if !u.Ungrouped {
		if err := setgroups(id.groups); err != nil {
			return failed(call("setgroups", len(id.groups), raw(fmt.Sprint(id.groups))), err)
		}
	}
	// Raw calls change this thread only, which is the one that will exec.
	if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESGID, uintptr(id.gid), uintptr(id.gid), uintptr(id.gid)); e != 0 {
		return failed(call("setresgid", id.gid, id.gid, id.gid), e)
	}
	if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, uintptr(id.uid), uintptr(id.uid), uintptr(id.uid)); e != 0 {
		return failed(call("setresuid", id.uid, id.uid, id.uid), e)
	}
	return nil
}

// ownStdio gives the terminal to the user, so that it can open /dev/tty's
// twin /dev/pts/0 and be written to by name.
func ownStdio(w *World, id identity) error {
	if w.console == -1 || id.uid == 0 {
		return nil
	}
	return failed(call("fchown", 0, id.uid, -1), syscall.Fchown(0, id.uid, -1))
}

func setgroups(groups []int) error {
	list := make([]uint32, len(groups)+1) // one more, so that the pointer is valid for none
	for i, g := range groups {
		list[i] = uint32(g)
	}
	_, _, e := syscall.RawSyscall(syscall.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(&list[0])), 0)
	if e != 0 {
		return e
	}
	return nil
}

func (u *User) resolve() (identity, error) {
	user, group, grouped := strings.Cut(u.Spec, ":")
	if user == "" {
		user = "0"
	}
	id, name, err := lookupUser(user)
	if err != nil {
		return id, err
	}
	if id.groups, err = groupsOf(name, id.gid); err != nil {
		return id, err
	}
	if grouped {
		id.groups = nil
		id.gid, err = lookupGroup(group)
	}
	return id, err
}

// lookupUser finds a user by name or number; a number needs no entry.
func lookupUser(user string) (id identity, name string, err error) {
	number, numeric := parseID(user)
	found := false
	err = entries("/etc/passwd", 7, func(f []string) bool {
		uid, ok := parseID(f[2])
		gid, ok2 := parseID(f[3])
		if !ok || !ok2 || (f[0] != user && !(numeric && uid == number)) {
			return true
		}
		id, name, found = identity{uid: uid, gid: gid, home: f[5]}, f[0], true
		return false
	})
	switch {
	case found:
		return id, name, nil
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return id, "", err
	case numeric:
		home := "/"
		if number == 0 {
			home = "/root"
		}
		return identity{uid: number, home: home}, "", nil
	}
	return id, "", errors.New("no such user in the sandbox")
}

func lookupGroup(group string) (gid int, err error) {
	if number, ok := parseID(group); ok {
		return number, nil
	}
	found := false
	err = entries("/etc/group", 3, func(f []string) bool {
		number, ok := parseID(f[2])
		if f[0] == group && ok {
			gid, found = number, true
		}
		return !found
	})
	if err == nil && !found {
		err = fmt.Errorf("no group %q in the sandbox", group)
	}
	return gid, err
}

// groupsOf returns the supplementary groups of a user, its own among them.
func groupsOf(name string, gid int) ([]int, error) {
	groups := []int{gid}
	if name == "" {
		return groups, nil
	}
	err := entries("/etc/group", 4, func(f []string) bool {
		number, ok := parseID(f[2])
		if ok && number != gid && contains(strings.Split(f[3], ","), name) {
			groups = append(groups, number)
		}
		return len(groups) < maxGroups
	})
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return groups, err
}

// Bounds on what a hostile rootfs can make init read.
const (
	maxGroups     = 1024
	maxDatabase   = 4 << 20 // bytes of /etc/passwd or /etc/group
	maxIdentifier = 1<<32 - 2
)

func parseID(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return int(n), err == nil && n <= maxIdentifier
}

// entries calls each with the colon-separated fields of every line that has
// at least that many, until it returns false; see passwd(5) and group(5).
func entries(file string, fields int, each func([]string) bool) error {
	// O_NONBLOCK: a FIFO of that name must not make init wait for a writer.
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", file)
	}
	lines := bufio.NewScanner(io.LimitReader(f, maxDatabase))
	for lines.Scan() {
		if split := strings.Split(lines.Text(), ":"); len(split) >= fields && !each(split) {
			return nil
		}
	}
	return lines.Err()
}
