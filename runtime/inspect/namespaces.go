package inspect

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Kinds are the eight kinds of namespaces, in the order in which they are shown.
var Kinds = [...]string{"uts", "pid", "mnt", "net", "ipc", "user", "cgroup", "time"}

// Namespace is one namespace that a process is in.
type Namespace struct {
	Inode  uint64 `json:"inode"`  // 0 where the kernel has none of this kind
	Shared bool   `json:"shared"` // it is the host's
	// Owner is the user namespace that owns it: who has rights there has them
	// here, see ioctl_ns(2). 0 where it lies outside of what may be known.
	Owner uint64 `json:"owner,omitempty"`
	// Creator is the host's uid that made a user namespace.
	Creator *int `json:"creator,omitempty"`
	// ForChildren is the one that new children get, where it is another: of
	// kinds pid and time, see pid_namespaces(7).
	ForChildren uint64 `json:"forChildren,omitempty"`
	// SharedWith are others that share one which is not the host's: filled in
	// by Matrix.Complete.
	SharedWith []string `json:"sharedWith,omitempty"`
}

// Namespaces are a process's namespaces by kind.
type Namespaces map[string]Namespace

// Namespaces reads which namespaces the process is in. It needs the right to
// trace it; see PTRACE_MODE_READ_FSCREDS in ptrace(2).
func (t *Target) Namespaces() (Namespaces, error) {
	all := make(Namespaces, len(Kinds))
	for _, kind := range Kinds {
		n, err := t.namespace(kind)
		if err != nil {
			return nil, t.failure("read "+kind+" namespace", err)
		}
		all[kind] = n
	}
	return all, nil
}

func (t *Target) namespace(kind string) (Namespace, error) {
	var n Namespace
	own, err := ownNamespace(kind)
	if err != nil || own == 0 {
		return n, err
	}
	file, err := t.OpenNamespace(kind)
	if err != nil {
		return n, err
	}
	defer file.Close()
	if n.Inode, err = inode(int(file.Fd())); err != nil {
		return n, err
	}
	n.Shared = n.Inode == own
	n.Owner = owner(file)
	if kind == "user" {
		n.Creator = creator(file)
	}
	if kind == "pid" || kind == "time" {
		n.ForChildren = t.forChildren(kind, n.Inode)
	}
	return n, nil
}

// ownNamespace is the inode of the host's namespace, 0 where the kernel has
// none of that kind (time namespaces came with Linux 5.6).
func ownNamespace(kind string) (uint64, error) {
	link, err := os.Readlink("/proc/self/ns/" + kind)
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return namespaceInode(link)
}

// namespaceInode reads "net:[4026531840]"; see namespaces(7).
func namespaceInode(link string) (uint64, error) {
	_, number, ok := strings.Cut(link, ":[")
	number, closed := strings.CutSuffix(number, "]")
	if !ok || !closed {
		return 0, errFormat
	}
	return strconv.ParseUint(number, 10, 64)
}

func inode(fd int) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	return st.Ino, nil
}

// owner asks for the owning user namespace; of a user namespace it is the
// parent. The kernel refuses where that is not below one's own.
func owner(file *os.File) uint64 {
	fd, err := unix.IoctlRetInt(int(file.Fd()), unix.NS_GET_USERNS)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	number, err := inode(fd)
	if err != nil {
		return 0
	}
	return number
}

// creator asks for the uid that made a user namespace.
func creator(file *os.File) *int {
	uid, err := unix.IoctlGetUint32(int(file.Fd()), unix.NS_GET_OWNER_UID)
	if err != nil {
		return nil
	}
	number := int(uid)
	return &number
}

// forChildren is the namespace that children get, 0 where it is the same. A
// pid namespace without an init has no name yet.
func (t *Target) forChildren(kind string, own uint64) uint64 {
	link, err := t.link("ns/" + kind + "_for_children")
	if err != nil {
		return 0
	}
	number, err := namespaceInode(link)
	if err != nil || number == own {
		return 0
	}
	return number
}
