package kernel

import (
	"strconv"
	"strings"
)

// FDPath names an open descriptor as a path, for the system calls that take
// no descriptor (mount, chroot, bind): /proc/self/fd/N, see proc(5).
func FDPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// Split cuts a path at its last slash. (Package path would be initialised
// later than what a re-exec'd process waits for; see package reexec.)
func Split(path string) (dir, base string) {
	path = strings.TrimRight(path, "/")
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return strings.TrimRight(path[:i], "/"), path[i+1:]
}
