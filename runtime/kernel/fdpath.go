package kernel

import "strconv"

// FDPath names an open descriptor as a path, for the system calls that take
// no descriptor (mount, chroot, bind): /proc/self/fd/N, see proc(5).
func FDPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
