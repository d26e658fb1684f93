package sandbox

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"syscall"

	"aquarium/runtime/step"
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

// Hint is the way out, that of the cause where there is no better one; ""
// where none is known.
func (e *Error) Hint() string {
	var cause interface{ Hint() string }
	if e.Way == "" && errors.As(e.Err, &cause) {
		return cause.Hint()
	}
	return e.Way
}

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

// Trace is the launch as far as it came; ok is false for a program that was to
// run in a sandbox already there.
func (e *LaunchError) Trace() (t step.Trace, ok bool) {
	ok = len(e.Report.Trace) > 0 && json.Unmarshal(e.Report.Trace, &t) == nil
	return t, ok
}

// Hint names the knob that forbids the refused call, or what to look at, and
// where the launch can be seen.
func (e *LaunchError) Hint() string {
	if e.Report.Aborted {
		return ""
	}
	way := way(e.Report)
	if len(e.Report.Trace) == 0 {
		return way
	}
	look := "`aquarium trace " + e.Name + "` shows the launch step by step"
	if way == "" {
		return look
	}
	return way + "; " + look
}

// way is a way out, where there is one; what was wrong, the error says itself.
func way(r wire.StartedReport) string {
	number := syscall.Errno(r.Errno)
	switch {
	case strings.HasPrefix(r.Error, "out of memory"):
		return "give it more --memory"
	case strings.HasPrefix(r.Call, "clone(") && number == syscall.ENOSPC:
		return limitWay(r.Detail)
	case strings.HasPrefix(r.Call, "clone(") && number == syscall.EPERM:
		return cloneWay(r.Detail)
	case strings.HasPrefix(r.Call, `mount("proc"`) && number == syscall.EPERM:
		return "run as root, or with --no-proc"
	case strings.HasPrefix(r.Call, `mount("overlay"`) && number == syscall.EINVAL:
		return "set AQUARIUM_HOME to a directory on another filesystem"
	case strings.HasPrefix(r.Call, "mount_setattr(tree") && number == syscall.EINVAL:
		return "take a root filesystem, or a volume, on ext4, xfs, btrfs or tmpfs, or leave --userns auto out"
	case strings.HasPrefix(r.Call, "keyctl(") && number == syscall.EDQUOT:
		return "as root, run `sysctl kernel.keys.maxkeys=10000`, or leave out --security-opt seccomp=unconfined"
	case strings.HasPrefix(r.Call, "openat2(") && number == syscall.ELOOP:
		return "a mount point must be a real directory: replace the symlink in the rootfs"
	}
	return ""
}

// knobs are the sysctls that step.Clone names as the reason, and what allows
// user namespaces again.
var knobs = []struct{ sysctl, allow string }{
	{"kernel.unprivileged_userns_clone", "1"},
	{"kernel.apparmor_restrict_unprivileged_userns", "0"},
	{"user.max_user_namespaces", "10000"},
}

func cloneWay(detail string) string {
	for _, knob := range knobs {
		if strings.HasPrefix(detail, knob.sysctl) {
			return "as root, run `sysctl " + knob.sysctl + "=" + knob.allow + "`"
		}
	}
	return "run as root, or outside of a container that forbids new namespaces"
}

// limitWay raises the limits of namespaces(7) that step.Clone says are reached;
// where it cannot tell they are those of an outer user namespace.
func limitWay(detail string) string {
	var raised []string
	for _, reached := range strings.Split(detail, ", ") {
		name, value, _ := strings.Cut(reached, " is ")
		limit, err := strconv.Atoi(value)
		if err != nil || !strings.HasPrefix(name, "user.max_") {
			return "launch it outside of the user namespace that this runs in"
		}
		raised = append(raised, name+"="+strconv.Itoa(max(10000, 2*limit)))
	}
	return "as root, run `sysctl " + strings.Join(raised, " ") + "`"
}
