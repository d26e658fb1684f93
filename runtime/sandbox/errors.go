package sandbox

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"aquarium/runtime/wire"
)

// Error is one line, what was done and why it failed, with a way out where
// there is one.
type Error struct {
	What string
	Err  error
	Way  string
}

func (e *Error) Error() string { return e.What + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Hint is the way out, "" where none is known.
func (e *Error) Hint() string { return e.Way }

// LaunchError is a launch that the kernel, or the rootfs, refused. Nothing of
// the sandbox is left.
type LaunchError struct {
	Name   string
	Report wire.StartedReport
}

func (e *LaunchError) Error() string { return "launch " + e.Name + ": " + e.Report.Error }

// Unwrap gives the errno of the refused call.
func (e *LaunchError) Unwrap() error {
	if e.Report.Errno == 0 {
		return nil
	}
	return syscall.Errno(e.Report.Errno)
}

// ExitCode is 127 for a program that does not exist, 126 for one that cannot
// be executed, 125 for everything else.
func (e *LaunchError) ExitCode() int { return e.Report.Code }

// Hint names the knob that forbids the refused call, or what to look at.
func (e *LaunchError) Hint() string {
	r := e.Report
	number := syscall.Errno(r.Errno)
	switch {
	case strings.HasPrefix(r.Call, "clone(") && number == syscall.ENOSPC:
		return "a limit on namespaces is reached: raise one of the sysctls user.max_*_namespaces"
	case strings.HasPrefix(r.Call, "clone(") && number == syscall.EPERM:
		return cloneHint()
	case strings.HasPrefix(r.Call, `mount("proc"`) && number == syscall.EPERM:
		return "the outer /proc has mounts on top of it, so the kernel shows no new one in a user namespace: run as root, or with --no-proc"
	case strings.HasPrefix(r.Call, `mount("overlay"`) && number == syscall.EINVAL:
		return "overlay refuses an upper directory that is itself on overlay: set AQUARIUM_HOME to a directory on another filesystem"
	case strings.HasPrefix(r.Call, "openat2(") && number == syscall.ELOOP:
		return "a mount point must be a real directory: replace the symlink in the rootfs"
	case strings.HasPrefix(r.Call, "execve(") && number == syscall.ENOEXEC:
		return "the program is for another architecture, or a script without #!"
	case strings.HasPrefix(r.Call, "execve(") && number == syscall.ENOENT && !strings.Contains(r.Error, "not found in PATH"):
		return "the file, its ELF interpreter or its #! line's program is missing in the rootfs"
	}
	return ""
}

// knobs are the sysctls that forbid user namespaces, with the value that does.
var knobs = []struct{ sysctl, forbids, allow string }{
	{"kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"},
	{"kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
	{"user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"},
}

func cloneHint() string {
	for _, knob := range knobs {
		value, err := os.ReadFile("/proc/sys/" + knob.sysctl)
		if err == nil && strings.TrimSpace(string(value)) == knob.forbids {
			return fmt.Sprintf("this machine forbids it: as root, run `%s`", knob.allow)
		}
	}
	return "new namespaces need CAP_SYS_ADMIN or an unprivileged user namespace: run as root, or outside of a container that forbids it"
}
