package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// nodes makes and opens device nodes in the directories given.
func nodes(directories []string) []attempt {
	var all []attempt
	for _, dir := range directories {
		for _, node := range []struct {
			kind string
			mode uint32
			dev  int
		}{{"zero", syscall.S_IFCHR, makedev(1, 5)}, {"disk", syscall.S_IFBLK, disk()}} {
			path := filepath.Join(dir, "attacker-"+node.kind)
			all = append(all,
				attempt{"make " + node.kind + " in " + dir, func() error { return syscall.Mknod(path, node.mode|0o666, node.dev) }},
				attempt{"open " + node.kind + " in " + dir, func() error { return readOne(path) }})
		}
	}
	return all
}

// devices tries to get at devices: by nodes in the directories given, and by
// those that are there.
func devices(directories []string) {
	all := nodes(directories)
	for _, path := range []string{"/dev/null", "/dev/zero", "/proc/kcore", "/proc/timer_list"} {
		all = append(all,
			attempt{"chmod " + path, func() error { return syscall.Chmod(path, 0o600) }},
			attempt{"chown " + path, func() error { return syscall.Chown(path, 1, 1) }},
			attempt{"setxattr " + path, func() error { return syscall.Setxattr(path, "trusted.attacker", []byte("x"), 0) }})
	}
	all = append(all,
		attempt{"open the rootfs's own zero", func() error { return readOne("/zero") }},
		attempt{"use zero", func() error { return readOne("/dev/zero") }},
		attempt{"use null", func() error { return os.WriteFile("/dev/null", []byte("x"), 0) }},
		attempt{"open mem", func() error { return readOne("/dev/mem") }})
	fmt.Print(results(all))
}

func makedev(major, minor int) int { return major<<8 | minor&0xff | minor&^0xff<<12 }

// disk is this machine's first block device.
func disk() int {
	content, err := os.ReadFile("/proc/partitions")
	must(err)
	for line := range strings.Lines(string(content)) {
		var major, minor int
		if n, _ := fmt.Sscan(line, &major, &minor); n == 2 {
			return makedev(major, minor)
		}
	}
	return makedev(8, 0)
}

// readOne opens a file and reads a byte; ENODATA for an empty one.
func readOne(path string) error {
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	n, err := syscall.Read(fd, make([]byte, 1))
	if err == nil && n == 0 {
		return syscall.ENODATA
	}
	return err
}
