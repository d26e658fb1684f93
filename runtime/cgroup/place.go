package cgroup

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Place decides on the groups of a sandbox, and says which limits they set. A
// limit that was asked for and cannot be set is an *Unavailable. Where none
// was for processes, it is pidsDefault, if it can be; 0 leaves it so. No groups
// and no error: the sandbox is in the group of its supervisor.
func (h Host) Place(id string, asked Limits, pidsDefault int64) (Groups, Limits, error) {
	set := asked
	if set.Pids == 0 {
		set.Pids = pidsDefault
	}
	var groups Groups
	var missing error
	for _, one := range h.hierarchies {
		g, err := h.group(one, set, asked.controllers())
		if err != nil {
			missing = err
		}
		if g.Base != "" {
			g.ID, g.Settings = id, set.settings(g.Version, g.Controllers)
			groups = append(groups, g)
		}
	}
	for _, controller := range asked.controllers() {
		if !groups.control(controller) {
			return nil, Limits{}, unavailable(controller, missing)
		}
	}
	if !groups.control(pids) {
		set.Pids = 0
	}
	slices.SortStableFunc(groups, func(a, b Group) int { return cmp.Compare(a.order(), b.order()) })
	return groups, set, nil
}

// group is the sandbox's in one hierarchy; without a Base there is none. The
// error says why a limit that was asked for cannot be set in it.
func (h Host) group(one hierarchy, set Limits, asked []string) (Group, error) {
	if one.version == V2 && h.frozenBy1() {
		return Group{}, nil // a hybrid: the controllers are in hierarchies of version 1
	}
	base, err := h.base(one)
	if err != nil {
		return Group{}, err
	}
	g := Group{Version: one.version, Base: base, Controllers: one.wanted(set)}
	switch {
	case one.version == V2:
		err = g.handDown(asked, h.controllersWay())
	case len(g.Controllers) == 0:
		return Group{}, nil
	case one.own == "":
		return Group{}, &Unavailable{Why: "the control group that this process is in does not show in " + one.directory, Way: "run it outside of this container"}
	default:
		g.Own, g.Hierarchy = one.own, one.name
	}
	return g, err
}

// Obstacle is why a sandbox would have no control groups at all, an
// *Unavailable; nil where it would.
func (h Host) Obstacle() error {
	var missing error
	for _, one := range h.hierarchies {
		g, err := h.group(one, Limits{}, nil)
		if g.Base != "" {
			return nil
		}
		if err != nil {
			missing = err
		}
	}
	return unavailable(memory, missing)
}

// control tells whether one of the groups has a controller.
func (gs Groups) control(controller string) bool {
	return slices.ContainsFunc(gs, func(g Group) bool { return g.Has(controller) })
}

// order puts the group that can be frozen last: groups are undone backwards,
// and processes that are frozen do not die.
func (g Group) order() int { return slices.Index(g.Controllers, freezer) }

// controllers are those that the limits need.
func (l Limits) controllers() []string {
	var needed []string
	for _, limit := range []struct {
		value      int64
		controller string
	}{{l.CPU, cpu}, {l.Memory, memory}, {l.Pids, pids}} {
		if limit.value > 0 {
			needed = append(needed, limit.controller)
		}
	}
	return needed
}

// wanted are the controllers of a hierarchy that are of use: to limit, and
// memory and cpuacct to count.
func (h hierarchy) wanted(l Limits) []string {
	all := l.controllers()
	for _, useful := range []string{cpuacct, freezer, memory} {
		if h.version == V1 || useful == memory {
			all = append(all, useful)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if h.version == V1 {
		all = slices.DeleteFunc(all, func(c string) bool { return !slices.Contains(h.controllers, c) })
	}
	return all
}

// frozenBy1 tells whether processes are frozen by version 1: then all is
// limited and counted there too.
func (h Host) frozenBy1() bool {
	return slices.ContainsFunc(h.hierarchies, func(one hierarchy) bool { return slices.Contains(one.controllers, freezer) })
}

// base is the group that the sandboxes' are made below. Root makes them at the
// top, as docker does: limits on the group of whoever starts a sandbox do not
// hold in it. Everyone else makes them below the group that this process is
// in, if that was delegated to the user.
func (h Host) base(one hierarchy) (string, error) {
	if h.root {
		if !writable(one.directory) {
			return "", &Unavailable{Why: one.directory + " cannot be written", Way: "mount it writable, or leave the limit out"}
		}
		return one.directory, nil
	}
	own := strings.TrimSuffix(one.own, "/"+Parent+"/"+Outside)
	files := []string{"", "/cgroup.procs"}
	if one.version == V2 {
		files = append(files, "/"+subtreeControl)
	}
	for _, file := range files {
		if own == "" || !writable(own+file) {
			return "", one.notDelegated(own)
		}
	}
	return own, nil
}

const subtreeControl = "cgroup.subtree_control"

// writable asks with access(2).
func writable(path string) bool {
	const wOK = 2
	return syscall.Access(path, wOK) == nil
}

func (h hierarchy) notDelegated(own string) error {
	if own == "" {
		own = h.directory
	}
	e := &Unavailable{Why: "the control group " + own + " is not this user's", Way: "run it as root"}
	if h.version == V2 {
		e.Way = "run it in a group of its own, `systemd-run --user --scope -p Delegate=yes aquarium …`, or as root"
	}
	return e
}

// handDown finds out which controllers Base hands down to its children, or can
// be made to. Its own processes are moved only for what was asked for.
func (g *Group) handDown(asked []string, way string) error {
	available, err := words(g.Base + "/cgroup.controllers")
	if err != nil {
		g.Controllers = nil
		return &Unavailable{Why: err.Error()}
	}
	g.Controllers = slices.DeleteFunc(g.Controllers, func(c string) bool { return !slices.Contains(available, c) })
	given, err := words(g.Base + "/" + subtreeControl)
	isNew := func(c string) bool { return !slices.Contains(given, c) }
	if err == nil && slices.ContainsFunc(g.Controllers, isNew) && g.hasProcesses() {
		if slices.ContainsFunc(g.Controllers, func(c string) bool { return isNew(c) && slices.Contains(asked, c) }) {
			g.Evacuate = true
		} else {
			g.Controllers = slices.DeleteFunc(g.Controllers, isNew)
		}
	}
	for _, c := range asked {
		if !slices.Contains(available, c) {
			return &Unavailable{Why: "the control group " + g.Base + " has no " + c + " controller", Way: way}
		}
	}
	return nil
}

// controllersWay is how a controller that is missing comes to be there.
func (h Host) controllersWay() string {
	if h.root {
		return "see /proc/cgroups: one that a hierarchy of version 1 has, version 2 has not"
	}
	return delegate
}

// delegate is how systemd is told to give every user the controllers.
const delegate = "as root, put `[Service]` and `Delegate=cpu memory pids` into /etc/systemd/system/user@.service.d/delegate.conf, run `systemctl daemon-reload`, and log in again; or run it as root"

// hasProcesses tells whether Base has some that keep it from handing down
// controllers. The topmost group of all may have any.
func (g Group) hasProcesses() bool {
	if _, err := os.Stat(g.Base + "/cgroup.events"); err != nil {
		return false // only the topmost has no such file
	}
	procs, err := words(g.Base + "/cgroup.procs")
	return err == nil && len(procs) > 0
}

// words are the words of a file.
func words(path string) ([]string, error) {
	content, err := os.ReadFile(path)
	return strings.Fields(string(content)), err
}

// Unavailable is a limit that cannot be set here.
type Unavailable struct {
	Controller string
	Why        string
	Way        string // out, "" where none is known
}

func (e *Unavailable) Error() string { return "limit " + names[e.Controller] + ": " + e.Why }

// Hint is the way out.
func (e *Unavailable) Hint() string { return e.Way }

// names are the controllers by what they limit.
var names = map[string]string{cpu: "processor time", memory: "memory", pids: "the number of processes"}

// unavailable words why a controller is not there.
func unavailable(controller string, cause error) error {
	e := &Unavailable{Why: "no hierarchy with the " + controller + " controller is mounted", Way: "mount -t cgroup2 cgroup2 /sys/fs/cgroup"}
	var known *Unavailable
	if errors.As(cause, &known) {
		*e = *known
	}
	e.Controller = controller
	return e
}
