package kernel

import "syscall"

// procMagic is PROC_SUPER_MAGIC of statfs(2), and procRoot the number of its
// topmost directory.
const (
	procMagic = 0x9fa0
	procRoot  = 1
)

// OpenProc opens /proc itself, by path only. It must be a procfs: another
// filesystem there, or one of its files bound over /proc, could turn what is
// written to a process's attributes to something else (CVE-2025-52881).
func OpenProc() (int, error) {
	fd, err := syscall.Open("/proc", O_PATH|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	var fs syscall.Statfs_t
	var stat syscall.Stat_t
	if err = syscall.Fstatfs(fd, &fs); err == nil {
		err = syscall.Fstat(fd, &stat)
	}
	if err == nil && (int64(fs.Type) != procMagic || stat.Ino != procRoot) {
		err = syscall.EXDEV
	}
	if err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

// WriteProc writes a file of /proc, such as "self/oom_score_adj". It must be
// procfs's own, not one that is mounted over it: EXDEV otherwise.
func WriteProc(name, content string) error {
	proc, err := OpenProc()
	if err != nil {
		return err
	}
	defer syscall.Close(proc)
	fd, err := Openat2(proc, name, syscall.O_WRONLY, 0, RESOLVE_BENEATH|RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	_, err = syscall.Write(fd, []byte(content))
	return err
}
