// Command minimal is the measure of a launch: the shortest Go program that
// starts itself again in new namespaces and does there what a default launch
// does, with no plan, supervisor, record or terminal.
//
//	minimal ROOTFS STATE PROGRAM
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"unsafe"
)

func main() {
	if os.Args[0] == "child" {
		child(os.Args[1], os.Args[2], os.Args[3])
	}
	state, err := os.MkdirTemp(os.Args[2], "minimal")
	check(err)
	for _, dir := range []string{"root", "upper", "work"} {
		check(os.Mkdir(filepath.Join(state, dir), 0o755))
	}
	c := exec.Cmd{Path: "/proc/self/exe", Args: []string{"child", os.Args[1], state, os.Args[3]}, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL,
		Cloneflags: syscall.CLONE_NEWUTS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWCGROUP}
	check(c.Run())
	check(os.RemoveAll(state))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func mount(source, target, kind string, flags uintptr, data string) {
	check(syscall.Mount(source, target, kind, flags, data))
}

const safe = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC

func child(rootfs, state, program string) {
	root := state + "/root"
	mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	mount("overlay", root, "overlay", 0, "lowerdir="+rootfs+",upperdir="+state+"/upper,workdir="+state+"/work")
	for _, dir := range []string{"proc", "dev", "sys"} {
		os.Mkdir(root+"/"+dir, 0o755)
	}
	mount("proc", root+"/proc", "proc", safe, "")
	devices(root)
	mount("sysfs", root+"/sys", "sysfs", safe|syscall.MS_RDONLY, "")
	hide(root)
	check(syscall.Sethostname([]byte("minimal")))
	loopback()
	check(syscall.Chdir(root))
	check(syscall.PivotRoot(".", "."))
	check(syscall.Unmount(".", syscall.MNT_DETACH))
	check(syscall.Chdir("/"))
	for number := uintptr(0); number < 41; number++ {
		const kept = 0xa80425fb // Docker's 14
		if kept&(1<<number) == 0 {
			syscall.RawSyscall(syscall.SYS_PRCTL, 24, number, 0)
		}
	}
	syscall.RawSyscall6(syscall.SYS_PRCTL, 38, 1, 0, 0, 0, 0)
	check(syscall.Exec(program, []string{program}, []string{"PATH=/bin"}))
}

func devices(root string) {
	mount("tmpfs", root+"/dev", "tmpfs", syscall.MS_NOSUID|syscall.MS_STRICTATIME, "mode=755,size=65536k")
	for _, dir := range []string{"pts", "shm", "mqueue"} {
		check(os.Mkdir(root+"/dev/"+dir, 0o755))
	}
	mount("devpts", root+"/dev/pts", "devpts", syscall.MS_NOSUID|syscall.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5")
	mount("shm", root+"/dev/shm", "tmpfs", safe, "mode=1777,size=65536k")
	mount("mqueue", root+"/dev/mqueue", "mqueue", safe, "")
	for name, number := range map[string]int{"null": 0x103, "zero": 0x105, "full": 0x107, "random": 0x108, "urandom": 0x109, "tty": 0x500} {
		check(syscall.Mknod(root+"/dev/"+name, syscall.S_IFCHR|0o666, number))
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx"} {
		check(os.Symlink(target, root+"/dev/"+name))
	}
}

func hide(root string) {
	for _, path := range []string{"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"} {
		info, err := os.Lstat(root + path)
		switch {
		case err != nil:
		case info.IsDir():
			mount("tmpfs", root+path, "tmpfs", safe|syscall.MS_RDONLY, "size=0")
		default:
			mount("/dev/null", root+path, "", syscall.MS_BIND, "")
		}
	}
	for _, path := range []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"} {
		if _, err := os.Lstat(root + path); err == nil {
			mount(root+path, root+path, "", syscall.MS_BIND|syscall.MS_REC, "")
			mount("", root+path, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY|safe, "")
		}
	}
}

func loopback() {
	sock, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	check(err)
	var request struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(sock), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		check(errno)
	}
	syscall.Close(sock)
}
