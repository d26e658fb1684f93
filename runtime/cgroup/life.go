package cgroup

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"aquarium/runtime/kernel"
)

// Processes are the members of the group that lies in a directory, and of all
// below it.
func Processes(directory string) ([]int, error) {
	list, err := Members(directory)
	if err != nil {
		return nil, err
	}
	for _, child := range children(directory) {
		more, _ := Processes(child) // gone meanwhile: so are its processes
		list = append(list, more...)
	}
	return list, nil
}

// Members are the processes of the group that lies in a directory.
func Members(directory string) ([]int, error) {
	lines, err := words(directory + "/cgroup.procs")
	var list []int
	for _, line := range lines {
		if pid, err := strconv.Atoi(line); err == nil && pid > 0 { // 0 is a process that this pid namespace does not show
			list = append(list, pid)
		}
	}
	return list, err
}

// children are the directories of the groups below.
func children(directory string) []string {
	entries, _ := os.ReadDir(directory) // gone meanwhile: there are none
	var list []string
	for _, entry := range entries {
		if entry.IsDir() {
			list = append(list, directory+"/"+entry.Name())
		}
	}
	return list
}

// patience is how long is waited for what the kernel does by itself: it takes
// milliseconds.
const patience = 10 * time.Second

// ErrBusy is a group that still has processes, although they were killed.
var ErrBusy = errors.New("its processes do not end")

// Remove ends all processes of the group in a directory and deletes it with
// the groups below, and the one above once it is empty. A group that is gone
// is no error.
func Remove(directory string) error {
	err := remove(directory, time.Now().Add(patience))
	if err == nil {
		above, _ := kernel.Split(directory)
		syscall.Rmdir(above) // another sandbox's group keeps it
	}
	return err
}

func remove(directory string, deadline time.Time) error {
	for {
		err := syscall.Rmdir(directory)
		if err == nil || err == syscall.ENOENT {
			return nil
		}
		if err != syscall.EBUSY {
			return &os.PathError{Op: "remove control group", Path: directory, Err: err}
		}
		thaw(directory) // what is frozen by version 1 does not die, nor does what is below
		for _, child := range children(directory) {
			if err := remove(child, deadline); err != nil {
				return err
			}
		}
		if time.Now().After(deadline) {
			return &os.PathError{Op: "remove control group", Path: directory, Err: ErrBusy}
		}
		empty(directory, deadline)
	}
}

// empty kills the members of a group and waits for their end.
func empty(directory string, deadline time.Time) {
	if kernel.Put(directory+"/cgroup.kill", "1") == nil { // version 2, since Linux 5.14
		await(directory, "populated 0", deadline)
		return
	}
	list, _ := Members(directory)
	for _, pid := range list {
		kill(directory, pid, deadline)
	}
	if len(list) == 0 {
		time.Sleep(time.Millisecond) // the last one is on its way out
	}
}

// kill kills a member of a group and waits for its end. Its number may be
// another's by now: it counts only if the process that the descriptor refers
// to is still a member.
func kill(directory string, pid int, deadline time.Time) {
	fd, err := kernel.PidfdOpen(pid)
	if err != nil {
		return // it has ended
	}
	defer syscall.Close(fd)
	if list, err := Members(directory); err != nil || !slices.Contains(list, pid) {
		return
	}
	if kernel.PidfdSendSignal(fd, syscall.SIGKILL) == nil {
		kernel.Poll(fd, kernel.POLLIN, time.Until(deadline))
	}
}

// await waits until a line of cgroup.events reads as given; the kernel says
// when the file changes. It tells whether that came about.
func await(directory, line string, deadline time.Time) bool {
	fd, err := syscall.Open(directory+"/cgroup.events", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	buffer := make([]byte, 256)
	for {
		n, err := syscall.Pread(fd, buffer, 0)
		if err != nil {
			return false
		}
		if bytes.Contains(buffer[:n], []byte(line+"\n")) {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		kernel.Poll(fd, kernel.POLLPRI, time.Until(deadline))
	}
}

// Open opens what a process of one thread writes "0" to to join the groups. In
// version 1 that is the file for threads: a thread is moved at once, a whole
// process after some milliseconds.
func (gs Groups) Open() ([]*os.File, error) {
	var files []*os.File
	for _, g := range gs {
		name := "/cgroup.procs"
		if g.Version == V1 {
			name = "/tasks"
		}
		file, err := os.OpenFile(g.Directory()+name, os.O_WRONLY, 0)
		if err != nil {
			for _, opened := range files {
				opened.Close()
			}
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// Remove removes all groups, backwards; what comes of the one does not keep
// the others.
func (gs Groups) Remove() error {
	var all error
	for _, g := range slices.Backward(gs) {
		all = errors.Join(all, Remove(g.Directory()))
	}
	return all
}

// Kill ends all processes of the sandbox and waits for their end.
func (gs Groups) Kill() {
	if len(gs) > 0 {
		last := gs[len(gs)-1].Directory() // each group holds all of them; this one can be frozen
		thaw(last)
		empty(last, time.Now().Add(patience))
	}
}

// IsOurs tells whether a directory can be a group that a launch has made: a
// sandbox's, in a cgroup filesystem. What is not is never removed.
func IsOurs(directory string) bool {
	above, id := kernel.Split(directory)
	base, parent := kernel.Split(above)
	if parent != Parent || base == "" || len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		return false
	}
	const magic1, magic2 = 0x27e0eb, 0x63677270 // CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC
	var stat syscall.Statfs_t
	err := syscall.Statfs(directory, &stat)
	return err == nil && (stat.Type == magic1 || stat.Type == magic2)
}
