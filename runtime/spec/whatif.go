package spec

import (
	"slices"
	"strings"
)

// checkWhatIf refuses a launch in which steps may be left out that is not
// stepped, or that holds less than a default one: what an option gives away
// could be the way out of what a step that is left out leaves open. See
// step.Plan.Unskippable.
func (o Options) checkWhatIf() error {
	if !o.WhatIf {
		return nil
	}
	if !o.Stepped {
		return &Refusal{"what-if: steps are left out only in a stepped launch", "add --step"}
	}
	if o.UserNS == UserNSAuto {
		return &Refusal{"what-if: the ids of a user namespace are written into /proc, which is read-only in the outer mount namespace", "leave --what-if or --userns auto out"}
	}
	if given := o.gives(); given != "" {
		return &Refusal{"what-if: a launch that may go wrong has nothing of the host's, and no more rights than the usual: " + given + " gives some", "leave --what-if or " + given + " out"}
	}
	return nil
}

// gives is the flag, in words of the command line, by which a sandbox has
// something of the host's or more rights than the usual; "" for none.
func (o Options) gives() string {
	var more []string
	if keep, err := o.Capabilities(); err == nil { // Check tells of an error
		more = slices.DeleteFunc(keep, func(name string) bool { return slices.Contains(DefaultCapabilities, name) })
	}
	switch {
	case o.RootSwitch == Chroot:
		return "--root-switch chroot"
	case len(o.Share) > 0:
		return "--share " + strings.Join(o.Share, ",")
	case o.Network == HostNetwork || o.Network == BridgeNetwork:
		return "--network " + string(o.Network)
	case len(more) > 0:
		return "--cap-add"
	case o.Unconfined:
		return "--security-opt seccomp=unconfined"
	case o.Writable:
		return "--writable"
	case len(o.Volumes) > 0:
		return "--volume"
	}
	return ""
}
