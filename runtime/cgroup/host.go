package cgroup

import (
	"os"
	"slices"
	"strings"
)

// Host is where this process may make control groups.
type Host struct {
	hierarchies []hierarchy
	root        bool // this process is root: groups are made at the top
}

// hierarchy is a mounted cgroup filesystem.
type hierarchy struct {
	version     Version
	directory   string   // where it is mounted
	root        string   // which of its groups the directory is
	name        string   // of version 1: all of its controllers, as mount(8) takes them
	controllers []string // of version 1: those that sandboxes use
	own         string   // directory of the group that this process is in, "" where it is not below directory
}

// Find looks for the hierarchies that are mounted, and for this process's
// place in each. root tells whether it is privileged.
func Find(root bool) (Host, error) {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return Host{}, err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return Host{}, err
	}
	return parseHost(string(own), string(mounts), root), nil
}

// parseHost reads /proc/PID/cgroup, see cgroups(7), and /proc/PID/mountinfo,
// see proc_pid_mountinfo(5).
func parseHost(own, mounts string, root bool) Host {
	h := Host{root: root}
	for line := range strings.Lines(mounts) {
		m, ok := parseMount(line)
		if ok && !slices.ContainsFunc(h.hierarchies, m.same) {
			m.own = m.place(own)
			h.hierarchies = append(h.hierarchies, m)
		}
	}
	return h
}

// parseMount reads a line of mountinfo; ok is false where it is no cgroup
// filesystem, or one without a controller that sandboxes use.
func parseMount(line string) (h hierarchy, ok bool) {
	if !strings.Contains(line, " - cgroup") {
		return h, false
	}
	before, after, _ := strings.Cut(line, " - ")
	fields, super := strings.Fields(before), strings.Fields(after)
	const root, point = 3, 4
	if len(fields) <= point || len(super) < 3 {
		return h, false
	}
	h.root, h.directory = unescape(fields[root]), unescape(fields[point])
	switch super[0] {
	case "cgroup2":
		h.version = V2
		return h, true
	case "cgroup":
		h.version = V1
		var all []string
		for option := range strings.SplitSeq(super[2], ",") {
			if !slices.Contains(otherOptions, option) && !strings.Contains(option, "=") {
				all = append(all, option)
			}
			switch option {
			case cpu, cpuacct, freezer, memory, pids:
				h.controllers = append(h.controllers, option)
			}
		}
		h.name = strings.Join(all, ",")
		return h, len(h.controllers) > 0
	}
	return h, false
}

// otherOptions are those of a hierarchy of version 1 that are no controllers;
// see cgroup1_show_options in the kernel.
var otherOptions = []string{"rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods", "none"}

// unescape undoes what the kernel does to blanks and backslashes in paths.
func unescape(s string) string {
	if !strings.ContainsRune(s, '\\') {
		return s
	}
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// same tells whether two mounts are of one hierarchy.
func (h hierarchy) same(other hierarchy) bool {
	return h.version == other.version && slices.Equal(h.controllers, other.controllers)
}

// place is the directory of this process's group in the hierarchy.
func (h hierarchy) place(own string) string {
	for line := range strings.Lines(own) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 {
			continue
		}
		if h.version == V2 && (parts[0] != "0" || parts[1] != "") ||
			h.version == V1 && !slices.Contains(strings.Split(parts[1], ","), h.controllers[0]) {
			continue
		}
		below, ok := strings.CutPrefix(parts[2], strings.TrimSuffix(h.root, "/"))
		if !ok || strings.HasPrefix(below, "/..") || below != "" && below[0] != '/' {
			return ""
		}
		return h.directory + strings.TrimSuffix(below, "/")
	}
	return ""
}
