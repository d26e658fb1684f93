// Package cgroup is a sandbox's control groups: where the machine lets them be
// made, what limits they set, what is used in them, and their end. Both
// versions of the kernel's interface are known, and machines that have both;
// see cgroups(7) and the kernel's admin-guide/cgroup-v1 and cgroup-v2.
//
// A Host finds the place, Groups are what a launch makes there. Making them,
// and putting init into them, are steps of the plan (package step).
//
// The package imports only the standard library and package kernel, so that
// supervisors can use it; package reexec says why.
package cgroup

import (
	"slices"
	"strconv"
	"strings"
)

// Version is that of the kernel's interface.
type Version int

// In version 1 each hierarchy has controllers of its own, and a sandbox a group
// in each. In version 2 there is one hierarchy for all.
const (
	V1 Version = 1
	V2 Version = 2
)

// Parent is the group that holds those of all sandboxes, by its name below Base.
const Parent = "aquarium"

// Outside is the group, beside those of the sandboxes, to which a delegated
// group's own processes move: in version 2, a group that hands controllers to
// its children has no processes itself.
const Outside = "outside"

// Group is one control group of a sandbox.
type Group struct {
	Version     Version   `json:"version"`
	Base        string    `json:"base"`                // directory of the group that Parent lies in: it is there already
	ID          string    `json:"id"`                  // the sandbox's
	Own         string    `json:"own,omitempty"`       // directory of the supervisor's group, in version 1
	Hierarchy   string    `json:"hierarchy,omitempty"` // of version 1, by all of its controllers: "cpu,cpuacct"
	Controllers []string  `json:"controllers"`         // that it is used for; of version 2, those to hand down to it
	Settings    []Setting `json:"settings,omitempty"`
	// Evacuate: Base is of version 2 and has processes, which have to move
	// to Outside before it can hand down controllers.
	Evacuate bool `json:"evacuate,omitempty"`
}

// Setting is a file of a group and what is written to it.
type Setting struct {
	File     string `json:"file"`
	Value    string `json:"value"`
	Optional bool   `json:"optional,omitempty"` // not every kernel has it
}

// Above is the directory of the group that holds the sandboxes'.
func (g Group) Above() string { return g.Base + "/" + Parent }

// Directory is the group's.
func (g Group) Directory() string { return g.Above() + "/" + g.ID }

// Outside is the directory of the group that the processes of Base move to.
func (g Group) Outside() string { return g.Above() + "/" + Outside }

// Has tells whether the group is used for a controller.
func (g Group) Has(controller string) bool { return slices.Contains(g.Controllers, controller) }

// Groups are all control groups of one sandbox.
type Groups []Group

// Of returns the group that has a controller. Every group of version 2 counts
// processor time and can be frozen.
func (gs Groups) Of(controller string) (Group, bool) {
	for _, g := range gs {
		if g.Has(controller) || g.Version == V2 && (controller == freezer || controller == cpuacct) {
			return g, true
		}
	}
	return Group{}, false
}

// Controllers that sandboxes use. cpuacct and freezer are of version 1 only.
const (
	cpu     = "cpu"
	cpuacct = "cpuacct"
	freezer = "freezer"
	memory  = "memory"
	pids    = "pids"
)

// Limits is what a sandbox may use at most; 0 is no limit.
type Limits struct {
	Memory int64 // bytes, swap included
	CPU    int64 // microseconds of processor time in each Period
	Pids   int64 // processes and threads
}

// Period is the time in which Limits.CPU may be used, in microseconds: the
// kernel's default.
const Period = 100_000

// settings are the limits as a group's files take them.
func (l Limits) settings(v Version, controllers []string) []Setting {
	var all []Setting
	has := func(controller string, limit int64) bool {
		return limit > 0 && slices.Contains(controllers, controller)
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	if has(memory, l.Memory) && v == V1 {
		// Memory and swap together may not be less than memory: that comes first.
		all = append(all, Setting{File: "memory.limit_in_bytes", Value: number(l.Memory)},
			Setting{File: "memory.memsw.limit_in_bytes", Value: number(l.Memory), Optional: true})
	}
	if has(memory, l.Memory) && v == V2 {
		all = append(all, Setting{File: "memory.max", Value: number(l.Memory)},
			Setting{File: "memory.swap.max", Value: "0", Optional: true})
	}
	if has(cpu, l.CPU) && v == V1 {
		all = append(all, Setting{File: "cpu.cfs_period_us", Value: number(Period)}, Setting{File: "cpu.cfs_quota_us", Value: number(l.CPU)})
	}
	if has(cpu, l.CPU) && v == V2 {
		all = append(all, Setting{File: "cpu.max", Value: number(l.CPU) + " " + number(Period)})
	}
	if has(pids, l.Pids) {
		all = append(all, Setting{File: "pids.max", Value: number(l.Pids)})
	}
	return all
}

// Enable is what makes a group of version 2 hand its controllers down:
// "+cpu +memory", written to cgroup.subtree_control.
func (g Group) Enable() string {
	if len(g.Controllers) == 0 {
		return ""
	}
	return "+" + strings.Join(g.Controllers, " +")
}
