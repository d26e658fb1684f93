package launch

import (
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
)

// hasGroups tells whether the sandbox has control groups of its own.
func hasGroups(s *specs.Spec) bool { return s.Annotations[spec.AnnotationGroups] != "" }

// groups makes the sandbox's control groups, in which init then begins.
func groups(made cgroup.Groups, clone *step.Clone) step.Step {
	for _, g := range made {
		g.Settings = nil // they concern the step that makes them
		clone.Groups = append(clone.Groups, g)
	}
	return step.Step{Actor: step.Supervisor, Man: "cgroups(7)", Op: &step.Cgroup{Groups: made},
		Why: "Control groups of the sandbox's own, in which init begins: what all of its processes use together is counted there, limited, and can be frozen."}
}

// cgroupNamespace comes after init is in the groups, not with the clone: they
// become the roots of what a new namespace shows.
func (b *builder) cgroupNamespace() {
	if hasGroups(b.spec) && spec.Has(b.spec, "cgroup") {
		b.add("cgroup", "cgroup_namespaces(7)", "Show the sandbox its own control groups as the topmost, and none of the host's.",
			&step.Unshare{Flags: syscall.CLONE_NEWCGROUP})
	}
}
