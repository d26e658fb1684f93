package sandbox

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/bundle"
	"aquarium/runtime/cgroup"
	"aquarium/runtime/launch"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/userns"
)

// LaunchBundle is Launch for somebody's OCI bundle. Of the options only those
// count that say how it is looked at: a name, a terminal, a command instead of
// the bundle's.
func (s *Store) LaunchBundle(o spec.Options, b *bundle.Bundle) (Sandbox, *supervisor.Conn, error) {
	if err := checkBundleOptions(o); err != nil {
		return Sandbox{}, nil, err
	}
	return s.create(o, func(sb *Sandbox, o spec.Options) (*specs.Spec, error) {
		config, groups, err := s.fromBundle(sb.ID, o, b)
		if err == nil {
			err = s.willHave(sb.ID, groups)
		}
		return config, err
	})
}

// PlanBundle is what LaunchBundle would do, without doing it.
func (s *Store) PlanBundle(o spec.Options, b *bundle.Bundle) (step.Plan, error) {
	if err := checkBundleOptions(o); err != nil {
		return step.Plan{}, err
	}
	if o.Name == "" {
		o.Name = "NAME"
	}
	config, _, err := s.fromBundle("ID", o, b)
	if err != nil {
		return step.Plan{}, err
	}
	return newPlan(config)
}

func checkBundleOptions(o spec.Options) error {
	if o.Name != "" {
		if err := spec.CheckName(o.Name); err != nil {
			return err
		}
	}
	if o.WhatIf {
		return &spec.Refusal{What: "what-if: not with a bundle of somebody's", Way: "leave --what-if out, or launch from a root filesystem"}
	}
	for _, arg := range o.Command {
		if strings.ContainsRune(arg, 0) {
			return &spec.Refusal{What: fmt.Sprintf("argument %.40q: holds a NUL byte", arg), Way: "arguments are C strings"}
		}
	}
	return nil
}

// fromBundle makes the configuration of a sandbox from a bundle's, and decides
// on its control groups.
func (s *Store) fromBundle(id string, o spec.Options, b *bundle.Bundle) (*specs.Spec, cgroup.Groups, error) {
	config, process, linux := *b.Spec, *b.Spec.Process, *b.Spec.Linux
	config.Process, config.Linux = &process, &linux
	process.Terminal = o.TTY
	process.ConsoleSize = &specs.Box{Width: 80, Height: 24}
	if o.Cols > 0 && o.Rows > 0 {
		process.ConsoleSize = &specs.Box{Width: uint(o.Cols), Height: uint(o.Rows)}
	}
	if len(o.Command) > 0 {
		process.Args = o.Command
	}
	if process.Capabilities == nil {
		process.Capabilities = new(specs.LinuxCapabilities) // without a word about them there are none
	}
	config.Annotations = bundleAnnotations(o, b)
	if err := s.bundleIDs(&config); err != nil {
		return nil, nil, err
	}
	groups, err := placeGroups(id, bundleLimits(o, linux.Resources), &config)
	if err != nil {
		return nil, nil, err
	}
	config.Mounts = withGroups(config.Mounts, groups)
	if len(groups) == 0 && slices.ContainsFunc(b.Spec.Mounts, func(m specs.Mount) bool { return m.Type == "cgroup" }) {
		config.Annotations[spec.AnnotationNote] = "there are no control groups of its own to be shown in it: an empty directory stands in for them"
	}
	return &config, groups, nil
}

func bundleAnnotations(o spec.Options, b *bundle.Bundle) map[string]string {
	a := maps.Clone(b.Spec.Annotations)
	if a == nil {
		a = make(map[string]string)
	}
	maps.Copy(a, map[string]string{
		spec.AnnotationName: o.Name, spec.AnnotationRootfs: b.Dir, spec.AnnotationBundle: b.Dir,
		spec.AnnotationRootSwitch: string(spec.PivotRoot),
	})
	for name, set := range map[string]bool{spec.AnnotationRemove: o.Remove, spec.AnnotationStdin: o.Interactive, spec.AnnotationStepped: o.Stepped} {
		if set {
			a[name] = "true"
		}
	}
	if b.Spec.Linux.Seccomp != nil {
		a[spec.AnnotationSeccomp] = spec.SeccompBundle
	}
	return a
}

// bundleIDs checks that the ids of a bundle can be mapped, and finds who does
// it.
func (s *Store) bundleIDs(config *specs.Spec) error {
	who, has := caller(), spec.Has(config, "user")
	refuse := func(why, way string) error {
		return &spec.Refusal{What: "bundle: linux.namespaces: " + why, Way: way}
	}
	switch {
	case who.Privileged && has:
		return refuse("as root, a user namespace needs owners shifted, which a bundle does not say", "leave out the user namespace, or launch the root filesystem with --userns auto")
	case who.Privileged:
		return nil
	case !has:
		return refuse("an ordinary user needs a user namespace", "run as root, or add one to config.json, as `runc spec --rootless` does")
	}
	ids := spec.IDs(config)
	if len(ids.UIDs) == 0 || len(ids.GIDs) == 0 {
		return refuse("nobody is mapped in the user namespace", "add uidMappings and gidMappings, as `runc spec --rootless` does")
	}
	alone := func(maps []userns.IDMap, own int) bool {
		return len(maps) == 1 && maps[0].Count == 1 && maps[0].Outside == own
	}
	if alone(ids.UIDs, who.UID) && alone(ids.GIDs, who.GID) {
		return nil
	}
	own, err := s.ownIDs()
	if err != nil {
		return refuse("more than one id is mapped: "+err.Error(), "map your own id only, with size 1")
	}
	config.Annotations[spec.AnnotationUIDHelper], config.Annotations[spec.AnnotationGIDHelper] = own.UIDHelper, own.GIDHelper
	return nil
}

// bundleLimits are the limits that a bundle asks for; where it asks for none
// there is none.
func bundleLimits(o spec.Options, r *specs.LinuxResources) spec.Options {
	o.Memory, o.CPUs, o.Pids = 0, 0, spec.NoLimit
	if r == nil {
		return o
	}
	if r.Memory != nil && r.Memory.Limit != nil {
		o.Memory = max(0, *r.Memory.Limit)
	}
	if r.CPU != nil && r.CPU.Quota != nil && *r.CPU.Quota > 0 {
		o.CPUs = float64(*r.CPU.Quota) / float64(*r.CPU.Period)
	}
	if r.Pids != nil && r.Pids.Limit != nil && *r.Pids.Limit > 0 {
		o.Pids = *r.Pids.Limit
	}
	return o
}

// withGroups replaces mounts of type cgroup by the sandbox's own groups: what
// belongs to others is not to be seen.
func withGroups(mounts []specs.Mount, groups cgroup.Groups) []specs.Mount {
	var list []specs.Mount
	for _, m := range mounts {
		if m.Type == "cgroup" {
			list = append(list, showGroups(m, groups)...)
		} else {
			list = append(list, m)
		}
	}
	return list
}

func showGroups(m specs.Mount, groups cgroup.Groups) []specs.Mount {
	options := slices.DeleteFunc(slices.Clone(m.Options), func(word string) bool { return !launch.IsMountFlag(word) })
	show := func(at string, g cgroup.Group) specs.Mount {
		return specs.Mount{Destination: at, Type: "bind", Source: g.Directory(), Options: append([]string{"bind"}, options...)}
	}
	if len(groups) == 1 && groups[0].Version == 2 {
		return []specs.Mount{show(m.Destination, groups[0])}
	}
	shelf := specs.Mount{Destination: m.Destination, Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "nodev", "mode=755", "size=4k"}}
	list := []specs.Mount{shelf}
	for _, g := range groups {
		name := strings.Join(g.Controllers, ",")
		if g.Version == 2 {
			name = "unified"
		}
		list = append(list, show(filepath.Join(m.Destination, name), g))
	}
	if slices.Contains(options, "ro") {
		list = append(list, specs.Mount{Destination: m.Destination, Options: []string{"remount", "ro"}})
	}
	return list
}
