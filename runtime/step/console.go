package step

import (
	"syscall"
	"unsafe"

	"aquarium/runtime/kernel"
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
func (c *Console) Calls() []string {
	return []string{
		call("open", c.Root+c.Ptmx, raw("O_RDWR|O_NOCTTY")),
		call("ioctl", raw("master"), raw("TIOCSPTLCK"), raw("&(int){0}")),
		call("ioctl", raw("master"), raw("TIOCGPTPEER"), raw("O_RDWR|O_NOCTTY")),
		call("ioctl", raw("master"), raw("TIOCSWINSZ"), raw(call("&(struct winsize)", c.Rows, c.Cols))),
		c.bind("slave").render(syscall.MS_BIND),
		call("ioctl", raw("slave"), raw("TIOCSCTTY"), 0),
		"dup3(slave, 0, 0); dup3(slave, 1, 0); dup3(slave, 2, 0)",
		"sendmsg(supervisor, {SCM_RIGHTS, master}, 0)",
	}
}

func (c *Console) bind(source string) *Mount {
	return &Mount{Source: source, Target: "/dev/console", Flags: syscall.MS_BIND, Root: c.Root, Create: kernel.File}
}

// Do implements Op.
func (c *Console) Do(w *World) error {
	calls := c.Calls()
	master, slave, err := OpenTerminal(c.Root, c.Ptmx)
	if err != nil {
		return err
	}
	w.console = master
	defer syscall.Close(slave)
	if err := SetSize(master, c.Cols, c.Rows); err != nil {
		return failed(calls[3], err)
	}
	if c.Bind {
		if err := c.bind(kernel.FDPath(slave)).Do(w); err != nil {
			return err
		}
	}
	if err := kernel.Ioctl(slave, syscall.TIOCSCTTY, 0); err != nil {
		return failed(calls[5], err)
	}
	for fd := 0; fd <= 2; fd++ {
		if err := syscall.Dup3(slave, fd, 0); err != nil {
			return failed(calls[6], err)
		}
	}
	return nil
}

// OpenTerminal opens a new pseudo-terminal of the devpts instance whose ptmx
// lies at that path below root, and follows nothing that the tree may have
// put in the way. Both descriptors are close-on-exec.
func OpenTerminal(root, ptmx string) (master, slave int, err error) {
	master, err = openMaster(root, ptmx)
	if err != nil {
		return -1, -1, failed(call("open", root+ptmx, raw("O_RDWR|O_NOCTTY")), err)
	}
	var unlock int32
	if err := kernel.Ioctl(master, tiocsptlck, uintptr(unsafe.Pointer(&unlock))); err != nil {
		syscall.Close(master)
		return -1, -1, failed("ioctl(master, TIOCSPTLCK, &(int){0})", err)
	}
	peer, _, number := syscall.Syscall(syscall.SYS_IOCTL, uintptr(master), tiocgptpeer, syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC)
	if number != 0 {
		syscall.Close(master)
		return -1, -1, failed("ioctl(master, TIOCGPTPEER, O_RDWR|O_NOCTTY)", number)
	}
	return master, int(peer), nil
}

func openMaster(root, ptmx string) (int, error) {
	fd, err := kernel.OpenBeneath(root, ptmx, kernel.NoLinks, kernel.Nothing)
	if err != nil {
		return -1, err
	}
	defer syscall.Close(fd)
	var stat syscall.Statfs_t
	if err := syscall.Fstatfs(fd, &stat); err != nil || stat.Type != devptsMagic && ptmx != "/dev/ptmx" {
		return -1, syscall.ENOTTY // whatever it is, it makes no terminals
	}
	return syscall.Open(kernel.FDPath(fd), syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
}
