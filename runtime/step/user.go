package step

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// User takes on the identity that the program runs with. Names are looked up
// in the sandbox's own /etc/passwd and /etc/group, so the step comes after
// the root switch.
type User struct {
	Spec string `json:"spec"` // "user", "uid", "user:group", "uid:gid"; "" is 0:0
	// Ungrouped keeps the supplementary groups: in a user namespace with a
	// single mapped id setgroups(2) is denied.
	Ungrouped bool `json:"ungrouped,omitempty"`
	// Exactly takes Spec, two numbers, and Groups for all there is to say: the
	// sandbox's files tell the home directory only.
	Exactly bool  `json:"exactly,omitempty"`
	Groups  []int `json:"groups,omitempty"`
	// Terminal gives the terminal to the user, who could not open it by name
	// (/dev/pts/0) otherwise; without it, pipes.
	Terminal bool `json:"terminal,omitempty"`
}

// Identity is a user as the kernel and the environment know it.
type Identity struct {
	UID, GID int
	Groups   []int // supplementary, GID among them
	Home     string
}

// Calls implements Op. Numbers that only the sandbox's own files tell are
// written as uid, gid and groups.
func (u *User) Calls() []Call {
	user, group, grouped := strings.Cut(u.Spec, ":")
	if user == "" {
		user = "0"
	}
	uid, gid := idOr(user, "uid"), raw("gid")
	if grouped {
		gid = idOr(group, "gid")
	}
	calls := []Call{
		call("setresuid", uid, uid, uid),
		call("open", "/etc/passwd", raw("O_RDONLY|O_NONBLOCK")).when("the entry of " + user),
		call("open", "/etc/group", raw("O_RDONLY|O_NONBLOCK")),
	}
	switch {
	case user == "0":
	case u.Terminal:
		calls = append(calls, give(0, uid))
	default:
		calls = append(calls, give(1, uid).when("and 0 and 2, where they are pipes: /dev/stdout can be opened"))
	}
	if !u.Ungrouped {
		calls = append(calls, call("setgroups", raw("n"), raw("groups")))
	}
	return append(calls, call("setresgid", gid, gid, gid))
}

// idOr is a number as it stands, and the fallback for a name.
func idOr(s string, fallback raw) raw {
	if _, numeric := parseID(s); numeric {
		return raw(s)
	}
	return fallback
}

func give(fd int, uid any) Call { return call("fchown", fd, uid, -1) }

// Changes implements Op: which user it is, Do finds out.
func (u *User) Changes() []observe.Change { return nil }

// Do implements Op.
func (u *User) Do(w *World) error {
	id, err := LookupUser("/", u.Spec)
	if u.Exactly {
		id.Groups = u.Groups
	}
	if err != nil {
		errno := syscall.ENOENT
		if errors.Is(err, kernel.ErrLeased) {
			errno = syscall.EWOULDBLOCK
		}
		return &CallError{Call: "look up user " + strconv.Quote(u.Spec) + " in /etc/passwd", Errno: errno, Detail: err.Error()}
	}
	w.home = id.Home
	if id.UID != 0 {
		if err := u.giveDescriptors(id.UID); err != nil {
			return err
		}
	}
	if !u.Ungrouped {
		if err := setgroups(id.Groups); err != nil {
			return failed(call("setgroups", len(id.Groups), raw("{"+strings.ReplaceAll(strings.Trim(fmt.Sprint(id.Groups), "[]"), " ", ", ")+"}")), err)
		}
	}
	// Raw calls change this thread only, which is the one that will exec.
	if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESGID, uintptr(id.GID), uintptr(id.GID), uintptr(id.GID)); e != 0 {
		return failed(call("setresgid", id.GID, id.GID, id.GID), e)
	}
	if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, uintptr(id.UID), uintptr(id.UID), uintptr(id.UID)); e != 0 {
		return failed(call("setresuid", id.UID, id.UID, id.UID), e)
	}
	w.changed = append(w.changed, u.become(id)...)
	return nil
}

// giveDescriptors makes the terminal the user's, or the pipes: who may use a
// descriptor may not yet open what it leads to by name.
func (u *User) giveDescriptors(uid int) error {
	for fd := 0; fd <= 2; fd++ {
		var stat syscall.Stat_t
		if syscall.Fstat(fd, &stat) != nil {
			continue
		}
		pipe := stat.Mode&syscall.S_IFMT == syscall.S_IFIFO
		terminal := u.Terminal && fd == 0 && stat.Rdev != uint64(nullDevice.number()) // until there is one, it is /dev/null
		if !pipe && !terminal {
			continue
		}
		// That the user namespace has no such number, setresuid tells better.
		if err := syscall.Fchown(fd, uid, -1); err != nil && err != syscall.EINVAL {
			return failed(give(fd, uid), err)
		}
	}
	return nil
}

// become is what the identity changes, in numbers.
func (u *User) become(id Identity) []observe.Change {
	changes := []observe.Change{
		{Kind: "user", After: strconv.Itoa(id.UID)},
		{Kind: "group", After: strconv.Itoa(id.GID)},
	}
	if !u.Ungrouped {
		changes = append(changes, observe.Change{Kind: "groups", After: strings.Trim(fmt.Sprint(id.Groups), "[]")})
	}
	return changes
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

// LookupUser finds what "user", "uid", "user:group" or "uid:gid" means in the
// tree at root; "" is 0:0. The tree is not trusted: a number stands for itself,
// whatever the matter is with its files.
func LookupUser(root, spec string) (Identity, error) {
	user, group, grouped := strings.Cut(spec, ":")
	if user == "" {
		user = "0"
	}
	id, name, err := lookupUser(root, user)
	if err != nil {
		return id, err
	}
	if grouped {
		id.GID, err = lookupGroup(root, group)
		id.Groups = []int{id.GID}
		return id, err
	}
	id.Groups, err = groupsOf(root, name, id.GID)
	if _, numeric := parseID(user); numeric {
		return id, nil
	}
	return id, err
}

// lookupUser finds a user by name or number; a number needs no entry, and an
// entry with such a name is not it.
func lookupUser(root, user string) (id Identity, name string, err error) {
	number, numeric := parseID(user)
	found := false
	err = entries(root, "/etc/passwd", 7, func(f []string) bool {
		uid, ok := parseID(f[2])
		gid, ok2 := parseID(f[3])
		if !ok || !ok2 || numeric && uid != number || !numeric && f[0] != user {
			return true
		}
		id, name, found = Identity{UID: uid, GID: gid, Home: f[5]}, f[0], true
		return false
	})
	switch {
	case found:
		return id, name, nil
	case err != nil && !numeric && !errors.Is(err, os.ErrNotExist):
		return id, "", err
	case numeric: // whatever is the matter with the file
		home := "/"
		if number == 0 {
			home = "/root"
		}
		return Identity{UID: number, Home: home}, "", nil
	}
	return id, "", errors.New("no such user in the sandbox")
}

func lookupGroup(root, group string) (gid int, err error) {
	if number, ok := parseID(group); ok {
		return number, nil
	}
	found := false
	err = entries(root, "/etc/group", 3, func(f []string) bool {
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
func groupsOf(root, name string, gid int) ([]int, error) {
	groups := []int{gid}
	if name == "" {
		return groups, nil
	}
	err := entries(root, "/etc/group", 4, func(f []string) bool {
		number, ok := parseID(f[2])
		if ok && number != gid && slices.Contains(strings.Split(f[3], ","), name) {
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
// at least that many, until it returns false; see passwd(5) and group(5). A
// line with a NUL byte is no entry: none of it could be a C string.
func entries(root, file string, fields int, each func([]string) bool) error {
	f, err := openRegular(root, file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxDatabase))
	for lines.Scan() {
		line := lines.Text()
		if split := strings.Split(line, ":"); strings.IndexByte(line, 0) < 0 && len(split) >= fields && !each(split) {
			return nil
		}
	}
	if err := lines.Err(); !errors.Is(err, bufio.ErrTooLong) {
		return err
	}
	return fmt.Errorf("%s has a line of more than %d bytes", file, bufio.MaxScanTokenSize)
}

// openRegular opens a regular file of an untrusted tree. Symlinks stay inside
// the tree. What it is, is looked at before it is opened: a FIFO would have us
// wait for a writer, a terminal become ours and then hang up. An empty one is
// not opened at all: so look files of /proc that wait when they are read, such
// as kmsg. One that somebody holds a lease on is refused: kernel.ErrLeased.
func openRegular(root, file string) (*os.File, error) {
	dir, err := syscall.Open(root, kernel.O_PATH|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: root, Err: err}
	}
	defer syscall.Close(dir)
	found, err := kernel.Openat2(dir, strings.TrimPrefix(file, "/"), kernel.O_PATH, 0, kernel.InRoot)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: file, Err: err}
	}
	defer syscall.Close(found)
	var stat syscall.Stat_t
	if err := syscall.Fstat(found, &stat); err != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, fmt.Errorf("%s is not a regular file", file)
	}
	if stat.Size == 0 {
		return nil, &os.PathError{Op: "open", Path: file, Err: fmt.Errorf("it is empty: %w", os.ErrNotExist)}
	}
	fd, err := kernel.OpenFound(found)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: file, Err: err}
	}
	return os.NewFile(uintptr(fd), file), nil
}
