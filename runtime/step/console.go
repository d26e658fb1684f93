package step

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Requests of ioctl_tty(2) that package syscall lacks.
const (
	tiocgptpeer = 0x5441
	tiocsptlck  = syscall.TIOCSPTLCK
)

// winsize is struct winsize of ioctl_tty(2).
type winsize struct{ rows, cols, xpixel, ypixel uint16 }

const devptsMagic = 0x1cd1 // DEVPTS_SUPER_MAGIC, see statfs(2)

// SetSize sets the window size of the terminal behind fd, in character cells.
func SetSize(fd, cols, rows int) error {
	size := winsize{rows: uint16(rows), cols: uint16(cols)}
	return kernel.Ioctl(fd, syscall.TIOCSWINSZ, uintptr(unsafe.Pointer(&size)))
}

// Console opens a pseudo-terminal in the sandbox's own devpts, hands its
// master to the supervisor, makes the slave the controlling terminal and
// standard input, output and error, and shows it as /dev/console if asked to.
type Console struct {
	Root string `json:"root"`
	Ptmx string `json:"ptmx"` // below Root
	Bind bool   `json:"bind"` // show it as /dev/console
	Cols int    `json:"cols"` // character cells
	Rows int    `json:"rows"`
}

// Calls implements Op.
func (c *Console) Calls() []Call {
	calls := []Call{openPtmx(c.Root, c.Ptmx), unlockPeer, openPeer, c.setSize()}
	if c.Bind {
		shown := c.bind("").bound().calls(c.Root + "/dev/console")
		shown[1] = call("open_tree", raw("slave"), "", raw("OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH")).when(string(copied))
		calls = append(append(append(calls, shown[1:]...), c.bind("").point().making()...), shown[0])
	}
	calls = append(calls, takeTerminal)
	for fd := 0; fd <= 2; fd++ {
		calls = append(calls, dupTerminal(fd))
	}
	return append(calls, call("sendmsg", raw("supervisor"), raw("{SCM_RIGHTS, master}"), 0))
}

// Calls of a Console.
var (
	unlockPeer   = call("ioctl", raw("master"), raw("TIOCSPTLCK"), raw("&(int){0}"))
	openPeer     = call("ioctl", raw("master"), raw("TIOCGPTPEER"), raw("O_RDWR|O_NOCTTY")).when("slave")
	takeTerminal = call("ioctl", raw("slave"), raw("TIOCSCTTY"), 0)
)

func openPtmx(root, ptmx string) Call {
	return call("open", strings.TrimSuffix(root, "/")+ptmx, raw("O_RDWR|O_NOCTTY")).when("master")
}

func dupTerminal(fd int) Call { return call("dup3", raw("slave"), fd, 0) }

func (c *Console) setSize() Call {
	return call("ioctl", raw("master"), raw("TIOCSWINSZ"), raw("&(struct winsize){"+strconv.Itoa(c.Rows)+", "+strconv.Itoa(c.Cols)+"}"))
}

// Changes implements Op.
func (c *Console) Changes() []observe.Change {
	changes := []observe.Change{{Kind: "terminal", After: fmt.Sprintf("descriptors 0, 1 and 2, %d×%d cells", c.Cols, c.Rows)}}
	if c.Bind {
		changes = append(changes, observe.Change{Kind: "mount", Name: "/dev/console", After: "the terminal"})
	}
	return changes
}

func (c *Console) bind(source string) *Mount {
	return &Mount{Source: source, Target: "/dev/console", Flags: syscall.MS_BIND, Root: c.Root, Create: kernel.File}
}

// Do implements Op.
func (c *Console) Do(w *World) error {
	master, slave, err := openTerminal(point{root: c.Root, target: c.Ptmx}, w)
	if err != nil {
		return err
	}
	w.console = master
	defer syscall.Close(slave)
	if err := SetSize(master, c.Cols, c.Rows); err != nil {
		return failed(c.setSize(), err)
	}
	if c.Bind {
		if err := c.bind(kernel.FDPath(slave)).Do(w); err != nil {
			return err
		}
	}
	if err := kernel.Ioctl(slave, syscall.TIOCSCTTY, 0); err != nil {
		return failed(takeTerminal, err)
	}
	for fd := 0; fd <= 2; fd++ {
		if err := syscall.Dup3(slave, fd, 0); err != nil {
			return failed(dupTerminal(fd), err)
		}
	}
	return nil
}

// OpenTerminal opens a new pseudo-terminal of the devpts instance whose ptmx
// lies at that path below root, and follows nothing that the tree may have
// put in the way. Both descriptors are close-on-exec.
func OpenTerminal(root, ptmx string) (master, slave int, err error) {
	return openTerminal(point{root: root, target: ptmx}, nil)
}

func openTerminal(ptmx point, w *World) (master, slave int, err error) {
	master, err = openMaster(ptmx, w)
	if err != nil {
		return -1, -1, failed(openPtmx(ptmx.root, ptmx.target), err)
	}
	var unlock int32
	if err := kernel.Ioctl(master, tiocsptlck, uintptr(unsafe.Pointer(&unlock))); err != nil {
		syscall.Close(master)
		return -1, -1, failed(unlockPeer, err)
	}
	peer, _, number := syscall.Syscall(syscall.SYS_IOCTL, uintptr(master), tiocgptpeer, syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC)
	if number != 0 {
		syscall.Close(master)
		return -1, -1, failed(openPeer, number)
	}
	return master, int(peer), nil
}

func openMaster(ptmx point, w *World) (int, error) {
	fd, err := ptmx.openat(w, kernel.NoLinks)
	if err != nil {
		return -1, err
	}
	defer syscall.Close(fd)
	var stat syscall.Statfs_t
	if err := syscall.Fstatfs(fd, &stat); err != nil || stat.Type != devptsMagic && ptmx.target != "/dev/ptmx" {
		return -1, syscall.ENOTTY // whatever it is, it makes no terminals
	}
	return syscall.Open(kernel.FDPath(fd), syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
}
