package spec

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// By these calls a program makes namespaces and mounts, which the default
// filter leaves to CAP_SYS_ADMIN (clone only with the flags that make some)...
var namespaceCalls = []string{
	"clone", "clone3", "unshare", "setns", "mount", "umount2", "mount_setattr", "move_mount", "open_tree",
	"fsopen", "fspick", "fsconfig", "fsmount",
}

// ...and reaches keys, which no namespace divides, and the filter leaves to
// nobody.
var keyCalls = []string{"add_key", "keyctl", "request_key"}

// weakerFilter tells what a sandbox's system call filter lacks. A bundle's own
// is weaker if it lets the calls above through that ours would not.
func weakerFilter(s *specs.Spec) []string {
	name, filtered := s.Annotations[AnnotationSeccomp]
	bundled := name == SeccompBundle && s.Linux != nil && s.Linux.Seccomp != nil
	if !filtered || bundled && refusesNothing(s.Linux.Seccomp) {
		return []string{"no seccomp"}
	}
	if !bundled {
		return nil
	}
	calls := keyCalls
	if p := s.Process; p == nil || p.Capabilities == nil || !slices.Contains(p.Capabilities.Bounding, "CAP_SYS_ADMIN") {
		calls = slices.Concat(namespaceCalls, keyCalls)
	}
	if slices.ContainsFunc(calls, func(call string) bool { return letsThrough(s.Linux.Seccomp, call) }) {
		return []string{"its own seccomp filter"}
	}
	return nil
}

func refusesNothing(profile *specs.LinuxSeccomp) bool {
	return allows(profile.DefaultAction) &&
		!slices.ContainsFunc(profile.Syscalls, func(rule specs.LinuxSyscall) bool { return !allows(rule.Action) })
}

func allows(action specs.LinuxSeccompAction) bool {
	return action == specs.ActAllow || action == specs.ActLog
}

// letsThrough tells whether a call is not always refused. For clone it is
// enough that the profile looks at its flags.
func letsThrough(profile *specs.LinuxSeccomp, call string) bool {
	through, looked := allows(profile.DefaultAction), false
	for _, rule := range profile.Syscalls {
		switch allowed := allows(rule.Action); {
		case !slices.Contains(rule.Names, call):
		case len(rule.Args) == 0:
			return allowed
		case call == "clone":
			looked = looked || allowed != allows(profile.DefaultAction)
		case allowed:
			through = true
		}
	}
	return through && !looked
}
