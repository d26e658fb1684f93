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

// inGroups adds to the clone what makes the control groups and puts init into
// them. In version 2 it begins its life there. In version 1 it is put there
// while it starts, and still waits for the plan: moving a process takes the
// kernel some milliseconds.
func inGroups(groups cgroup.Groups, clone step.Step) []step.Step {
	if len(groups) == 0 {
		return []step.Step{clone}
	}
	make := step.Step{Actor: step.Supervisor, Man: "cgroups(7)", Op: &step.Cgroup{Groups: groups},
		Why: "Control groups of the sandbox's own: what all of its processes use together is counted there, limited, and can be frozen."}
	var later []string
	op := clone.Op.(*step.Clone)
	for _, g := range groups {
		if g.Version == cgroup.V2 {
			op.Into = g.Directory()
		} else {
			later = append(later, g.Directory())
		}
	}
	steps := []step.Step{make, clone}
	if op.Into == "" {
		steps = []step.Step{clone, make}
	}
	if len(later) > 0 {
		steps = append(steps, step.Step{Actor: step.Supervisor, Man: "cgroups(7)", Op: &step.Join{Directories: later},
			Why: "Put init into the control groups while it waits: nothing of the sandbox ever runs outside of them."})
	}
	return steps
}

// cgroupNamespace comes after init is in the groups, not with the clone: they
// become the roots of what a new namespace shows.
func (b *builder) cgroupNamespace() {
	if hasGroups(b.spec) && spec.Has(b.spec, "cgroup") {
		b.add("cgroup", "cgroup_namespaces(7)", "Show the sandbox its own control groups as the topmost, and none of the host's.",
			&step.Unshare{Flags: syscall.CLONE_NEWCGROUP})
	}
}
