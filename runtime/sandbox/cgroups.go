package sandbox

import (
	"errors"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/ledger"
	"aquarium/runtime/spec"
)

// placeGroups decides on a sandbox's control groups, and notes them in its
// configuration. An ordinary user whose own group is not delegated has none,
// which is an error only where limits were asked for.
func placeGroups(id string, o spec.Options, config *specs.Spec) (cgroup.Groups, error) {
	host, err := cgroup.Find(caller().Privileged)
	if err != nil {
		return nil, err
	}
	limits, pidsDefault := o.Limits()
	groups, limits, err := host.Place(id, limits, pidsDefault)
	if err != nil {
		return nil, err
	}
	return groups, spec.SetGroups(config, groups, limits)
}

// freezerWay is how a sandbox that has no control groups gets some.
func freezerWay() string {
	host, err := cgroup.Find(caller().Privileged)
	if err != nil {
		return ""
	}
	var missing *cgroup.Unavailable
	if errors.As(host.Obstacle(), &missing) {
		return missing.Way
	}
	return "launch it again"
}

// limit places the control groups of a sandbox, and writes them down before
// they are made.
func (s *Store) limit(id string, o spec.Options, config *specs.Spec) error {
	groups, err := placeGroups(id, o, config)
	if err != nil {
		return err
	}
	return s.willHave(id, groups)
}

// willHave writes down control groups that are about to be made.
func (s *Store) willHave(id string, groups cgroup.Groups) error {
	if len(groups) == 0 {
		return nil
	}
	l, err := ledger.Open(s.run(id))
	if err != nil {
		return err
	}
	defer l.Close()
	entries := make([]ledger.Entry, len(groups))
	for i, g := range groups {
		entries[i] = ledger.Entry{Kind: ledger.Cgroup, Name: g.Directory()}
	}
	return l.WillAll(entries...)
}
