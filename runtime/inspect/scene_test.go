package inspect

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func itoa(n int) string { return strconv.Itoa(n) }

// play is what the child does: it makes a scene, says so, and waits for the
// end of its standard input.
func play(scene string) {
	said, err := scenes[scene](os.Getenv("CHILD_DIR"))
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("ready", said)
	io.Copy(io.Discard, os.Stdin)
}

var scenes = map[string]func(dir string) (said string, err error){
	"quiet":     func(string) (string, error) { return "", nil },
	"names":     playNames,
	"mounts":    playMounts,
	"processes": playProcesses,
	"network":   playNetwork,
	"files":     playFiles,
	"hang":      playHang,
}

// playNames sets names, and makes an object of every IPC kind.
func playNames(string) (string, error) {
	if err := unix.Sethostname([]byte("reef")); err != nil {
		return "", err
	}
	if err := unix.Setdomainname([]byte("sea")); err != nil {
		return "", err
	}
	const create = 0o1000 // IPC_CREAT
	shm, err := unix.SysvShmGet(0x1234, 8192, create|0o640)
	if err != nil {
		return "", err
	}
	if _, err := unix.SysvShmAttach(shm, 0, 0); err != nil {
		return "", err
	}
	if _, _, errno := unix.Syscall(unix.SYS_SEMGET, 0x77, 3, create|0o600); errno != 0 {
		return "", errno
	}
	queue, _, errno := unix.Syscall(unix.SYS_MSGGET, 0x55, create|0o644, 0)
	if errno != 0 {
		return "", errno
	}
	message := struct {
		kind int64
		text [5]byte
	}{1, [5]byte([]byte("hello"))}
	if _, _, errno := unix.Syscall6(unix.SYS_MSGSND, queue, uintptr(unsafe.Pointer(&message)), 5, 0, 0, 0); errno != 0 {
		return "", errno
	}
	name, _ := unix.BytePtrFromString("shoal")
	posix, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)), unix.O_CREAT|unix.O_RDWR, 0o600, 0, 0, 0)
	if errno != 0 {
		return "", errno
	}
	if _, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, posix, uintptr(unsafe.Pointer(&message.text)), 5, 0, 0, 0); errno != 0 {
		return "", errno
	}
	return "", nil
}

// privateProc gives the namespaces a /proc of their own.
func privateProc() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Mount("proc", "/proc", "proc", 0, "")
}

// playMounts mounts a file system twice on one place, one with a blank and a
// line end in its name, a bind, and one of each propagation.
func playMounts(dir string) (string, error) {
	if err := privateProc(); err != nil {
		return "", err
	}
	mount := func(source, target, kind string, flags uintptr, data string) error {
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		return unix.Mount(source, target, kind, flags, data)
	}
	over, odd := filepath.Join(dir, "over"), filepath.Join(dir, "odd \n name")
	shared, bound := filepath.Join(dir, "shared"), filepath.Join(dir, "bound")
	for _, step := range []func() error{
		func() error { return mount("below", over, "tmpfs", unix.MS_NOSUID, "size=4k") },
		func() error { return mount("above", over, "tmpfs", unix.MS_RDONLY, "size=8k") },
		func() error { return mount("odd", odd, "tmpfs", 0, "") },
		func() error { return mount("shared", shared, "tmpfs", 0, "") },
		func() error { return unix.Mount("", shared, "", unix.MS_SHARED, "") },
		func() error { return mount(shared, bound, "", unix.MS_BIND, "") },
		func() error { return unix.Mount("", bound, "", unix.MS_SLAVE, "") },
	} {
		if err := step(); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// playProcesses leaves a zombie, a process with a hostile name, and one in a
// pid namespace further down; it ignores one signal and catches another.
func playProcesses(dir string) (string, error) {
	if err := privateProc(); err != nil {
		return "", err
	}
	signal.Ignore(syscall.SIGUSR1)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR2)
	started := func(command *exec.Cmd, scene string) (int, error) {
		input, output, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		command.Env = append(os.Environ(), childVariable+"="+scene)
		command.Stdin, command.Stdout = os.Stdin, output
		command.Path = "/proc/self/exe"
		if err := command.Start(); err != nil {
			return 0, err
		}
		output.Close()
		_, err = input.Read(make([]byte, 64)) // it is ready, or has ended
		if err == io.EOF {
			err = nil
		}
		return command.Process.Pid, err
	}
	hostile, err := started(&exec.Cmd{Args: []string{"/bin/\x1b[31mred", "a b", ")\n1 (x"}}, "quiet")
	if err != nil {
		return "", err
	}
	nested, err := started(&exec.Cmd{Args: []string{"nested"}, SysProcAttr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}}, "quiet")
	if err != nil {
		return "", err
	}
	zombie := &exec.Cmd{Path: "/proc/self/exe", Args: []string{"zombie"}, Env: []string{childVariable + "=none"}}
	if err := zombie.Start(); err != nil {
		return "", err
	}
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, zombie.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		return "", err
	}
	return fmt.Sprint(hostile, nested, zombie.Process.Pid), nil
}

// playNetwork makes a pair of interfaces, routes, a neighbour, and sockets.
func playNetwork(dir string) (string, error) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return "", err
	}
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "inner", MTU: 1400}, PeerName: "outer"}
	address, err := netlink.ParseAddr("10.99.0.2/24")
	if err != nil {
		return "", err
	}
	for _, step := range []func() error{
		func() error { return netlink.LinkSetUp(lo) },
		// No link-local addresses: they come a moment later, between two looks.
		func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/default/addr_gen_mode", []byte("1"), 0) },
		func() error { return netlink.LinkAdd(veth) },
		func() error { return netlink.AddrAdd(veth, address) },
		func() error { return netlink.LinkSetUp(veth) },
		func() error {
			outer, err := netlink.LinkByName("outer")
			if err != nil {
				return err
			}
			return netlink.LinkSetUp(outer)
		},
		func() error {
			return netlink.RouteAdd(&netlink.Route{LinkIndex: veth.Index, Gw: net.IPv4(10, 99, 0, 1), Priority: 7})
		},
		func() error {
			hardware, _ := net.ParseMAC("02:00:00:00:00:01")
			return netlink.NeighAdd(&netlink.Neigh{LinkIndex: veth.Index, IP: net.IPv4(10, 99, 0, 1), HardwareAddr: hardware, State: netlink.NUD_PERMANENT})
		},
		func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) },
	} {
		if err := step(); err != nil {
			return "", err
		}
	}
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	if _, err := net.Dial("tcp4", tcp.Addr().String()); err != nil {
		return "", err
	}
	if _, err := tcp.Accept(); err != nil {
		return "", err
	}
	if _, err := net.ListenPacket("udp6", "[::1]:5353"); err != nil {
		return "", err
	}
	_, err = net.Listen("unix", "@odd\n0: 00000002 name")
	return tcp.Addr().String(), err
}

// playFiles mounts an overlay in which a file is changed, one is new, and one
// is removed; and has links that would lead out of a root.
func playFiles(dir string) (string, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"low", "up", "work", "root"} {
		if err := os.Mkdir(in(name), 0o755); err != nil {
			return "", err
		}
	}
	for _, name := range []string{"kept", "changed", "removed"} {
		if err := os.WriteFile(in("low/"+name), []byte("below"), 0o600); err != nil {
			return "", err
		}
	}
	if err := os.Mkdir(in("low/proc"), 0o755); err != nil {
		return "", err
	}
	options := "lowerdir=" + in("low") + ",upperdir=" + in("up") + ",workdir=" + in("work")
	if err := unix.Mount("overlay", in("root"), "overlay", 0, options); err != nil {
		if err = unix.Mount("overlay", in("root"), "overlay", 0, options+",userxattr"); err != nil {
			return "", err
		}
	}
	for _, step := range []error{
		os.WriteFile(in("root/changed"), []byte("above"), 0o600),
		os.WriteFile(in("root/new"), []byte("above"), 0o600),
		os.Remove(in("root/removed")),
		os.Symlink("../../../../../../etc/hostname", in("root/out")),
		os.Symlink("/kept", in("root/absolute")),
		os.WriteFile(in("root/\x1b[2J"), nil, 0o644),
		unix.Mkfifo(in("root/pipe"), 0o600),
		unix.Chroot(in("root")),
		os.Chdir("/"),
	} {
		if step != nil {
			return "", step
		}
	}
	return dir, nil
}

// playHang mounts a file system whose server never answers. Its descriptor
// goes with this process, and the kernel then ends what waits.
func playHang(dir string) (string, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", err
	}
	fuse, err := unix.Open("/dev/fuse", unix.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse)
	return dir, unix.Mount("fuse", dir, "fuse", 0, options)
}
