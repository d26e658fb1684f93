package observe

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"aquarium/runtime/kernel"
)

// Change is one thing that is not as it was before. Before or After is ""
// where it was not there, or is not there any more.
type Change struct {
	Kind   string `json:"kind"`           // "mount", "namespace", "root", "hostname", …
	Name   string `json:"name,omitempty"` // which one, where there are several
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// String words the change in one line.
func (c Change) String() string {
	what := c.Kind
	if c.Name != "" {
		what += " " + c.Name
	}
	switch {
	case c.Before == "" && c.After == "":
		return what
	case c.Before == "":
		return what + ": " + c.After
	case c.After == "":
		return what + ": gone (was " + c.Before + ")"
	}
	return what + ": " + c.After + " (was " + c.Before + ")"
}

// Diff lists what changed from a to b: namespaces, root, directory and names,
// rights, mounts, processes, network. The zero State is that of a process
// which did not exist yet. States may come from a file that anyone has
// written, so it takes no longer than their size asks for.
func Diff(a, b State) []Change {
	var d differ
	for _, kind := range Kinds() {
		d.add("namespace", kind, id(a.Namespaces[kind]), id(b.Namespaces[kind]))
	}
	d.add("root", "", a.Root, b.Root)
	d.add("cwd", "", a.Cwd, b.Cwd)
	d.add("hostname", "", a.Hostname, b.Hostname)
	d.add("program", "", a.Program, b.Program)
	d.user(a.User, b.User)
	if a.Namespaces["mnt"] != b.Namespaces["mnt"] {
		d.mounts(renumber(a.Mounts, b.Mounts), b.Mounts)
	} else {
		d.mounts(a.Mounts, b.Mounts)
	}
	if a.Namespaces["pid"] != b.Namespaces["pid"] {
		d.processes(nil, b.Processes)
	} else {
		d.processes(a.Processes, b.Processes)
	}
	d.set("interface", a.Interfaces, b.Interfaces)
	d.set("address", a.Addresses, b.Addresses)
	return d.changes
}

func id(inode uint64) string {
	if inode == 0 {
		return ""
	}
	return strconv.FormatUint(inode, 10)
}

// differ collects changes.
type differ struct{ changes []Change }

func (d *differ) add(kind, name, before, after string) {
	if before != after {
		d.changes = append(d.changes, Change{kind, name, before, after})
	}
}

func (d *differ) user(a, b User) {
	d.add("user", "", a.UIDs, b.UIDs)
	d.add("group", "", a.GIDs, b.GIDs)
	d.add("groups", "", a.Groups, b.Groups)
	d.add("uid map", "", a.UIDMap, b.UIDMap)
	d.capabilities("effective capabilities", a.Effective, b.Effective)
	d.capabilities("bounding capabilities", a.Bounding, b.Bounding)
	d.add("umask", "", a.Umask, b.Umask)
	d.add("no_new_privs", "", onOff(a.NoNewPrivs), onOff(b.NoNewPrivs))
	d.add("seccomp filter", "", onOff(a.Seccomp), onOff(b.Seccomp))
}

// capabilities names those that are left of a hexadecimal mask, and counts
// those that were there before.
func (d *differ) capabilities(kind, before, after string) {
	if before == after {
		return
	}
	was := ""
	if mask, err := strconv.ParseUint(before, 16, 64); err == nil {
		was = strconv.Itoa(bits.OnesCount64(mask)) + " of them"
	}
	mask, _ := strconv.ParseUint(after, 16, 64)
	left := strings.Join(kernel.CapabilityNames(mask), " ")
	if left == "" {
		left = "none"
	}
	d.add(kind, "", was, left)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return ""
}

// mounts compares by mount ID. An ID that names another filesystem than
// before is another mount.
func (d *differ) mounts(a, b []Mount) {
	before := make(map[int]Mount, len(a))
	for _, m := range a {
		before[m.ID] = m
	}
	for _, m := range b {
		old, known := before[m.ID]
		if known && old.Type == m.Type && old.Source == m.Source {
			delete(before, m.ID)
			d.sameMount(old, m)
			continue
		}
		d.add("mount", m.Point, "", m.What()+" "+m.Options)
	}
	for _, m := range a {
		if old, gone := before[m.ID]; gone {
			d.add("mount", old.Point, old.What(), "")
		}
	}
}

// renumber gives mounts the IDs of their copies in a new mount namespace,
// which has the same mounts in the same order. Those without a copy get none.
func renumber(original, copies []Mount) []Mount {
	type place struct{ point, what string }
	unused := make(map[place][]int, len(copies))
	for _, c := range copies {
		at := place{c.Point, c.What()}
		unused[at] = append(unused[at], c.ID)
	}
	renumbered := slices.Clone(original)
	for i, m := range renumbered {
		renumbered[i].ID = -1 - i
		at := place{m.Point, m.What()}
		if ids := unused[at]; len(ids) > 0 {
			renumbered[i].ID, unused[at] = ids[0], ids[1:]
		}
	}
	return renumbered
}

func (d *differ) sameMount(a, b Mount) {
	d.add("mount point", b.What(), a.Point, b.Point)
	d.add("mount options", b.Point, a.Options, b.Options)
	d.add("propagation", b.Point, a.Propagation, b.Propagation)
}

func (d *differ) processes(a, b []Process) {
	commands := func(list []Process) map[int]string {
		byPID := make(map[int]string, len(list))
		for _, p := range list {
			byPID[p.PID] = p.Command
		}
		return byPID
	}
	name := func(p Process) string { return strconv.Itoa(p.Inside) }
	before, after := commands(a), commands(b)
	for _, p := range b {
		d.add("process", name(p), before[p.PID], p.Command)
	}
	for _, p := range a {
		if _, stays := after[p.PID]; !stays {
			d.add("process", name(p), p.Command, "")
		}
	}
}

func (d *differ) set(kind string, a, b []string) {
	among := func(list []string) map[string]bool {
		names := make(map[string]bool, len(list))
		for _, name := range list {
			names[name] = true
		}
		return names
	}
	before, after := among(a), among(b)
	for _, name := range b {
		if !before[name] {
			d.add(kind, name, "", "there")
		}
	}
	for _, name := range a {
		if !after[name] {
			d.add(kind, name, "there", "")
		}
	}
}

// Summary is changes with those that many mounts share put together: making
// everything private, or moving the root, changes each mount alike.
func Summary(changes []Change) []string {
	count := make(map[string]int)
	for _, c := range changes {
		count[c.group()]++
	}
	said := make(map[string]bool)
	var lines []string
	for _, c := range changes {
		group := c.group()
		n := count[group]
		switch {
		case group == "" || n < minGroup:
			lines = append(lines, c.String())
		case !said[group]:
			lines = append(lines, strconv.Itoa(n)+" "+group+", such as "+c.String())
		}
		said[group] = true
	}
	return lines
}

// minGroup is how many changes are put together at least.
const minGroup = 3

// group names the changes that this one may be counted with, "" for none.
func (c Change) group() string {
	switch {
	case c.Kind == "propagation":
		return "mounts share events otherwise"
	case c.Kind == "mount point":
		return "mounts moved"
	case c.Kind == "mount" && c.After == "":
		return "mounts are gone"
	}
	return ""
}
