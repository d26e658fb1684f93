package bundle

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/kernel"
	"aquarium/runtime/seccomp"
	"aquarium/runtime/spec"
)

// check looks at the values of the fields that are supported.
func check(s *specs.Spec) error {
	if !strings.HasPrefix(s.Version, "1.") {
		return refusal("ociVersion", fmt.Sprintf("%.20q is not a version 1 of the specification", s.Version))
	}
	if s.Root == nil || s.Root.Path == "" {
		return refusal("root.path", "it is missing")
	}
	if strings.ContainsRune(s.Root.Path, 0) {
		return refusal("root.path", "it holds a NUL byte")
	}
	if s.Linux == nil {
		s.Linux = new(specs.Linux)
	}
	for _, each := range []func(*specs.Spec) error{checkNamespaces, checkProcess, checkUser, checkCapabilities, checkRlimits, checkMounts, checkTerminal, checkPaths, checkResources, checkSysctl} {
		if err := each(s); err != nil {
			return err
		}
	}
	if s.Linux.Seccomp != nil {
		if _, err := seccomp.Compile(s.Linux.Seccomp); err != nil {
			return seccompRefusal(err)
		}
	}
	return nil
}

func seccompRefusal(err error) error {
	var unsupported *seccomp.Unsupported
	if errors.As(err, &unsupported) {
		return refusal("linux.seccomp."+unsupported.Field, unsupported.Why)
	}
	return refusal("linux.seccomp", err.Error())
}

// kinds are the namespaces that can be made.
var kinds = []specs.LinuxNamespaceType{
	specs.PIDNamespace, specs.NetworkNamespace, specs.MountNamespace, specs.IPCNamespace, specs.UTSNamespace, specs.UserNamespace, specs.CgroupNamespace,
}

func checkNamespaces(s *specs.Spec) error {
	seen := make(map[specs.LinuxNamespaceType]bool)
	for i, n := range s.Linux.Namespaces {
		field := fmt.Sprintf("linux.namespaces[%d]", i)
		switch {
		case n.Path != "":
			return refusal(field+".path", "a sandbox joins no namespace that there is already; `aquarium enter` runs a program in one")
		case !slices.Contains(kinds, n.Type):
			return refusal(field+".type", fmt.Sprintf("%.20q is not supported", n.Type))
		case seen[n.Type]:
			return refusal(field+".type", fmt.Sprintf("there are two of %s", n.Type))
		}
		seen[n.Type] = true
	}
	if !seen[specs.MountNamespace] {
		return refusal("linux.namespaces", "without a mount namespace the root cannot be switched")
	}
	if s.Hostname != "" && !seen[specs.UTSNamespace] {
		return refusal("hostname", "without a UTS namespace it would be the host's that is changed")
	}
	mapped := len(s.Linux.UIDMappings) > 0 || len(s.Linux.GIDMappings) > 0
	if mapped && !seen[specs.UserNamespace] {
		return refusal("linux.uidMappings", "there is no user namespace to map ids in")
	}
	return checkMappings(s.Linux.UIDMappings, s.Linux.GIDMappings)
}

func checkMappings(lists ...[]specs.LinuxIDMapping) error {
	for i, list := range lists {
		for j, m := range list {
			if m.Size == 0 || uint64(m.ContainerID)+uint64(m.Size) > math.MaxUint32 || uint64(m.HostID)+uint64(m.Size) > math.MaxUint32 {
				return refusal(fmt.Sprintf("linux.%cidMappings[%d]", "ug"[i], j), "its range of ids cannot be")
			}
		}
	}
	return nil
}

func checkProcess(s *specs.Spec) error {
	p := s.Process
	if p == nil || len(p.Args) == 0 {
		return refusal("process.args", "they are missing: there is nothing to run")
	}
	for i, arg := range p.Args {
		if strings.ContainsRune(arg, 0) || i == 0 && arg == "" {
			return refusal(fmt.Sprintf("process.args[%d]", i), "it is no C string that names anything")
		}
	}
	for i, entry := range p.Env {
		if name, _, ok := strings.Cut(entry, "="); !ok || name == "" || strings.ContainsRune(entry, 0) {
			return refusal(fmt.Sprintf("process.env[%d]", i), "it is not NAME=value")
		}
	}
	if !filepath.IsAbs(p.Cwd) || strings.ContainsRune(p.Cwd, 0) {
		return refusal("process.cwd", "it is not an absolute path")
	}
	if p.OOMScoreAdj != nil && (*p.OOMScoreAdj < -1000 || *p.OOMScoreAdj > 1000) {
		return refusal("process.oomScoreAdj", "it is not between -1000 and 1000")
	}
	const mostCells = 1 << 16
	if size := p.ConsoleSize; size != nil && (size.Width >= mostCells || size.Height >= mostCells) {
		return refusal("process.consoleSize", "a terminal has less than 65536 columns and rows")
	}
	if len(s.Hostname) > 64 || strings.ContainsFunc(s.Hostname, func(r rune) bool { return r < ' ' }) {
		return refusal("hostname", "the kernel takes at most 64 bytes, see sethostname(2)")
	}
	return nil
}

func checkTerminal(s *specs.Spec) error {
	if s.Process.Terminal && !hasMount(s, "/dev/pts", "devpts") {
		return refusal("process.terminal", "there is no devpts on /dev/pts to make one in")
	}
	return nil
}

func checkUser(s *specs.Spec) error {
	u := s.Process.User
	if u.Username != "" && (u.UID != 0 || u.GID != 0 || len(u.AdditionalGids) > 0) {
		return refusal("process.user.username", "there are numbers too: which of them counts?")
	}
	if strings.ContainsRune(u.Username, 0) {
		return refusal("process.user.username", "it holds a NUL byte")
	}
	if u.Umask != nil && *u.Umask > 0o777 {
		return refusal("process.user.umask", "it is more than 0777")
	}
	const nobody = math.MaxUint32 // (uid_t)-1: "leave it as it is"
	if u.UID == nobody || u.GID == nobody || slices.Contains(u.AdditionalGids, nobody) {
		return refusal("process.user", "4294967295 is no id")
	}
	const mostGroups = 65536 // NGROUPS_MAX
	if len(u.AdditionalGids) > mostGroups {
		return refusal("process.user.additionalGids", "there are more than 65536")
	}
	return nil
}

// checkCapabilities refuses sets that execve(2) would not leave as they are;
// see capabilities(7).
func checkCapabilities(s *specs.Spec) error {
	c := s.Process.Capabilities
	if c == nil {
		return nil
	}
	sets := []struct {
		field string
		names []string
	}{{"bounding", c.Bounding}, {"permitted", c.Permitted}, {"effective", c.Effective}, {"inheritable", c.Inheritable}, {"ambient", c.Ambient}}
	for _, set := range sets {
		for i, name := range set.names {
			if _, known := kernel.CapabilityNumber(name); !known {
				return refusal(fmt.Sprintf("process.capabilities.%s[%d]", set.field, i), fmt.Sprintf("%.30q: no such capability", name))
			}
		}
	}
	within := func(field string, inner []string, outer string, all []string) error {
		for _, name := range inner {
			if !slices.Contains(all, name) {
				return refusal("process.capabilities."+field, name+" is not "+outer+", and cannot be had then")
			}
		}
		return nil
	}
	return errors.Join(
		within("effective", c.Effective, "permitted", c.Permitted),
		within("permitted", c.Permitted, "bounding", c.Bounding),
		within("inheritable", c.Inheritable, "bounding", c.Bounding),
		within("ambient", c.Ambient, "permitted", c.Permitted),
	)
}

func checkRlimits(s *specs.Spec) error {
	seen := make(map[string]bool)
	for i, l := range s.Process.Rlimits {
		field := fmt.Sprintf("process.rlimits[%d]", i)
		if _, known := kernel.RlimitNumber(l.Type); !known {
			return refusal(field+".type", fmt.Sprintf("%.30q: no such limit", l.Type))
		}
		if seen[l.Type] {
			return refusal(field+".type", "there are two of "+l.Type)
		}
		if seen[l.Type] = true; l.Soft > l.Hard {
			return refusal(field+".soft", "it is above the hard limit")
		}
	}
	return nil
}

func checkPaths(s *specs.Spec) error {
	for field, list := range map[string][]string{"linux.maskedPaths": s.Linux.MaskedPaths, "linux.readonlyPaths": s.Linux.ReadonlyPaths} {
		for i, path := range list {
			if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
				return refusal(fmt.Sprintf("%s[%d]", field, i), "it is not an absolute path")
			}
		}
	}
	if p := s.Linux.RootfsPropagation; p != "" && p != "private" && p != "rprivate" {
		return refusal("linux.rootfsPropagation", fmt.Sprintf("%.20q: mounts in a sandbox are private", p))
	}
	return nil
}

// checkResources takes limits that control groups of ours can have.
func checkResources(s *specs.Spec) error {
	r := s.Linux.Resources
	if r == nil {
		return nil
	}
	for i, d := range r.Devices {
		everything := !d.Allow && (d.Type == "" || d.Type == "a") && d.Major == nil && d.Minor == nil && (d.Access == "" || d.Access == "rwm")
		if !everything {
			return refusal(fmt.Sprintf("linux.resources.devices[%d]", i), "there is no control group of devices; the usual ones are in /dev, and no others can be opened")
		}
	}
	if c := s.Process.Capabilities; len(r.Devices) > 0 && c != nil && slices.Contains(c.Bounding, "CAP_MKNOD") {
		return refusal("linux.resources.devices", "nothing keeps CAP_MKNOD from making others: leave that out of process.capabilities.bounding")
	}
	if m := r.Memory; m != nil {
		if m.Swap != nil && (m.Limit == nil || *m.Swap != *m.Limit) {
			return refusal("linux.resources.memory.swap", "memory and swap are limited together: it has to be memory.limit")
		}
		if m.Limit != nil && *m.Limit < spec.LeastMemory && *m.Limit != -1 {
			return refusal("linux.resources.memory.limit", "too little to launch with")
		}
	}
	if c := r.CPU; c != nil && (c.Quota != nil || c.Period != nil) {
		if c.Quota == nil || c.Period == nil || *c.Period < 1000 || *c.Period > 1e6 || *c.Quota != -1 && (*c.Quota < 1000 || *c.Quota > math.MaxInt64/cgroup.Period) {
			return refusal("linux.resources.cpu", "quota and period go together, both are 1000 at least, and the period 1000000 at most")
		}
	}
	return nil
}
