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

// mountGroups shows the sandbox its control groups, not to be written. In
// version 1 each hierarchy is a filesystem of its own, below a directory.
func (b *builder) mountGroups(at *step.Mount) error {
	made, err := spec.Groups(b.spec)
	if err != nil {
		return err
	}
	var hierarchies []string
	for _, g := range made {
		if g.Version == cgroup.V1 {
			hierarchies = append(hierarchies, g.Hierarchy)
		}
	}
	const why = "Show the sandbox its control groups, where programs look for their limits, not to be written."
	if len(hierarchies) == 0 {
		at.Source, at.Type = "cgroup2", "cgroup2"
		b.add("mnt", "cgroups(7)", why, at)
		return nil
	}
	b.add("mnt", "cgroups(7)", why, &step.Hierarchies{Root: at.Root, Target: at.Target, Flags: at.Flags, Names: hierarchies})
	return nil
}
