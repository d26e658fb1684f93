package inspect

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Cgroup is a process's place in one hierarchy; see cgroups(7).
type Cgroup struct {
	Version     int      `json:"version"` // 1 or 2
	Path        string   `json:"path"`    // in the hierarchy, as the host sees it
	Directory   string   `json:"directory,omitempty"`
	Controllers []string `json:"controllers"`
	// Shared tells that this process is in the same group: its limits and its
	// use are not the sandbox's alone.
	Shared bool `json:"shared"`
	// Values are files of the group that say what it may use and uses, by
	// name: "memory.max", "pids.current", …; single numbers in them only.
	Values map[string]string `json:"values"`

	line string // of /proc/PID/cgroup
}

// cgroupFiles are the files that are read, by controller. Those of both
// versions are here: each group has only its own.
var cgroupFiles = map[string][]string{
	"memory": {"memory.max", "memory.high", "memory.current", "memory.peak", "memory.swap.max", "memory.swap.current", "memory.events",
		"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.failcnt", "memory.oom_control"},
	"cpu":     {"cpu.max", "cpu.weight", "cpu.stat", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares"},
	"cpuacct": {"cpuacct.usage"},
	"cpuset":  {"cpuset.cpus", "cpuset.mems", "cpuset.cpus.effective"},
	"pids":    {"pids.max", "pids.current", "pids.peak", "pids.events"},
	"io":      {"io.max", "io.stat"},
	"blkio":   {"blkio.throttle.io_service_bytes"},
	"freezer": {"freezer.state"},
}

// everyCgroup2 are the files that a group of version 2 has without any controller.
var everyCgroup2 = []string{"cpu.stat", "cgroup.freeze", "cgroup.events", "memory.pressure", "cpu.pressure", "io.pressure"}

// hierarchy is where the host has a cgroup filesystem mounted.
type hierarchy struct {
	version   int
	directory string
	root      string // which of its groups the directory is
	options   string // of version 1: its controllers
}

// cgroupRoots finds the host's cgroup mounts: a sandbox's own could be
// anything.
func cgroupRoots() []hierarchy {
	infos, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup", "cgroup2"))
	if err != nil {
		return nil
	}
	var all []hierarchy
	for _, info := range infos {
		h := hierarchy{version: 1, directory: info.Mountpoint, root: info.Root, options: info.VFSOptions}
		if info.FSType == "cgroup2" {
			h.version = 2
		}
		all = append(all, h)
	}
	return all
}

// readCgroups reads the groups that /proc/PID/cgroup names: one line each,
// NUMBER:CONTROLLERS:PATH, where version 2 has number 0 and no controllers.
func readCgroups(mounted []hierarchy, text string) []Cgroup {
	var all []Cgroup
	lines(text, func(line string) {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			return
		}
		g := Cgroup{line: line, Version: 1, Path: parts[2], Controllers: strings.Split(parts[1], ","), Values: map[string]string{}}
		if parts[0] == "0" && parts[1] == "" {
			g.Version, g.Controllers = 2, []string{}
		}
		for _, h := range mounted {
			if h.version == g.Version && (g.Version == 2 || hasOption(h.options, g.Controllers[0])) {
				g.read(h)
				break
			}
		}
		all = append(all, g)
	})
	return all
}

func hasOption(options, wanted string) bool {
	for _, option := range strings.Split(options, ",") {
		if option == wanted {
			return true
		}
	}
	return false
}

// read reads the group's files in the hierarchy's mount.
func (g *Cgroup) read(h hierarchy) {
	below, ok := strings.CutPrefix(g.Path, strings.TrimSuffix(h.root, "/"))
	if !ok || strings.HasPrefix(g.Path, "/..") { // above of what is mounted here
		return
	}
	g.Directory = filepath.Join(h.directory, below)
	dir, err := unix.Open(g.Directory, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(dir)
	wanted := []string{}
	if g.Version == 2 {
		content, _, _ := readAt(dir, "cgroup.controllers", mostText)
		g.Controllers = append(g.Controllers, strings.Fields(string(content))...)
		wanted = append(wanted, everyCgroup2...)
	}
	for _, controller := range g.Controllers {
		wanted = append(wanted, cgroupFiles[controller]...)
	}
	for _, name := range wanted {
		if content, _, err := readAt(dir, name, mostText); err == nil {
			g.Values[name] = strings.TrimSpace(string(content))
		}
	}
}

// Usage is what matters most about a process's cgroups, whatever their
// version; -1 is unlimited or unknown.
type Usage struct {
	Memory, MemoryLimit int64 // bytes
	Tasks, TasksLimit   int64
	CPU                 int64   // microseconds used so far
	CPULimit            float64 // processors

	MemoryPeak int64 // bytes
	OOMKills   int64 // processes that were killed because there was no memory left
}

// Usage sums up the groups. What a group of the process's own says goes before
// what one does that is shared with the host.
func (l *Limits) Usage() Usage {
	u := Usage{-1, -1, -1, -1, -1, -1, -1, 0}
	for _, shared := range []bool{true, false} {
		for _, g := range l.Cgroups {
			if g.Shared == shared {
				g.add(&u)
			}
		}
	}
	return u
}

// noLimit is what memory.limit_in_bytes is without one: the largest multiple
// of a page, and more than any machine has.
const noLimit = 1 << 60

func (g Cgroup) add(u *Usage) {
	number := func(to *int64, names ...string) {
		for _, name := range names {
			if n, err := strconv.ParseInt(g.Values[name], 10, 64); err == nil && n < noLimit {
				*to = n
			}
		}
	}
	number(&u.Memory, "memory.current", "memory.usage_in_bytes")
	number(&u.MemoryLimit, "memory.max", "memory.limit_in_bytes")
	number(&u.MemoryPeak, "memory.peak", "memory.max_usage_in_bytes")
	number(&u.Tasks, "pids.current")
	number(&u.TasksLimit, "pids.max")
	for _, events := range []string{"memory.events", "memory.oom_control"} {
		if kills, ok := field(g.Values[events], "oom_kill"); ok {
			u.OOMKills = kills
		}
	}
	if nanos, err := strconv.ParseInt(g.Values["cpuacct.usage"], 10, 64); err == nil {
		u.CPU = nanos / 1000
	} else if usec, ok := field(g.Values["cpu.stat"], "usage_usec"); ok {
		u.CPU = usec
	}
	quota, period := g.Values["cpu.cfs_quota_us"], g.Values["cpu.cfs_period_us"]
	if max := strings.Fields(g.Values["cpu.max"]); len(max) == 2 {
		quota, period = max[0], max[1]
	}
	q, err := strconv.ParseFloat(quota, 64)
	p, errPeriod := strconv.ParseFloat(period, 64)
	if err == nil && errPeriod == nil && q > 0 && p > 0 {
		u.CPULimit = q / p
	}
}

// field reads a number out of a file with lines "NAME NUMBER".
func field(text, name string) (number int64, ok bool) {
	lines(text, func(line string) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			n, err := strconv.ParseInt(value, 10, 64)
			number, ok = n, err == nil
		}
	})
	return number, ok
}
