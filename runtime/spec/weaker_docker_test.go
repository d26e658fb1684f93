package spec_test

import (
	"testing"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/spec"
)

// Docker's own profile, written out in a bundle as Docker does for a container
// without further capabilities, is no weaker than ours.
func TestDockersFilterInABundleIsNotWeaker(t *testing.T) {
	t.Parallel()
	profile := seccomp.DefaultProfile()
	filter := &specs.LinuxSeccomp{DefaultAction: profile.DefaultAction}
	for _, call := range profile.Syscalls {
		if call.Includes != nil && len(call.Includes.Caps) > 0 {
			continue
		}
		filter.Syscalls = append(filter.Syscalls, specs.LinuxSyscall{Names: call.Names, Action: call.Action, Args: call.Args})
	}
	got := spec.Weaker(&specs.Spec{
		Annotations: map[string]string{spec.AnnotationSeccomp: spec.SeccompBundle},
		Root:        &specs.Root{Readonly: true},
		Process:     &specs.Process{NoNewPrivileges: true, Capabilities: &specs.LinuxCapabilities{}},
		Linux: &specs.Linux{Seccomp: filter, Namespaces: []specs.LinuxNamespace{
			{Type: specs.UTSNamespace}, {Type: specs.PIDNamespace}, {Type: specs.MountNamespace}, {Type: specs.NetworkNamespace},
			{Type: specs.IPCNamespace}, {Type: specs.CgroupNamespace},
		}},
	})
	if len(got) > 0 {
		t.Errorf("weaker by %q", got)
	}
}
