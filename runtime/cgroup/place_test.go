package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// machine is a fabricated tree of cgroup filesystems, with what /proc says of it.
type machine struct {
	t           *testing.T
	dir         string
	own, mounts string
}

func newMachine(t *testing.T) *machine { return &machine{t: t, dir: t.TempDir()} }

// file writes a file, and makes the directories above.
func (m *machine) file(name, content string) {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// one mounts a hierarchy of version 1, with this process in a group.
func (m *machine) one(controllers, group string) {
	m.file(controllers+group+"/cgroup.procs", "")
	m.mount(controllers, "cgroup", "rw,xattr,"+controllers+",release_agent=/x")
	m.own += "7:" + controllers + ":" + group + "\n"
}

// two mounts the hierarchy of version 2 at a directory, with this process in a
// group.
func (m *machine) two(at, group string) {
	m.mount(at, "cgroup2", "rw,nsdelegate")
	m.own += "0::" + group + "\n"
}

func (m *machine) mount(at, kind, options string) {
	m.mounts += "31 23 0:28 / " + filepath.Join(m.dir, at) + " rw,relatime shared:9 - " + kind + " " + kind + " " + options + "\n"
}

// group writes the files of a group of version 2.
func (m *machine) group(name, controllers, given, procs string) {
	m.file(name+"/cgroup.controllers", controllers+"\n")
	m.file(name+"/"+subtreeControl, given+"\n")
	m.file(name+"/cgroup.procs", procs)
	m.file(name+"/cgroup.events", "populated 1\nfrozen 0\n")
}

// seal makes a group somebody else's.
func (m *machine) seal(name string) {
	m.t.Helper()
	if os.Geteuid() == 0 {
		m.t.Skip("root may write everywhere") // CI runs it as an ordinary user too
	}
	path := filepath.Join(m.dir, name)
	if err := os.Chmod(path, 0o555); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { os.Chmod(path, 0o755) })
}

// place returns the groups with Base below the tree.
func (m *machine) place(root bool, l Limits, pids int64) (Groups, Limits, error) {
	groups, set, err := parseHost(m.own, m.mounts, root).Place("ID", l, pids)
	for i := range groups {
		groups[i].Base, _ = strings.CutPrefix(groups[i].Base, m.dir)
		groups[i].Own, _ = strings.CutPrefix(groups[i].Own, m.dir)
	}
	return groups, set, err
}

func TestPlace(t *testing.T) {
	all := Limits{Memory: 64 << 20, CPU: 50_000, Pids: 10}
	v1 := func(base string, settings []Setting, controllers ...string) Group {
		hierarchy := strings.Split(base, "/")[1]
		return Group{Version: V1, Base: base, Own: base, Hierarchy: hierarchy, ID: "ID", Controllers: controllers, Settings: settings}
	}
	const scope = "/user.slice/scope"
	for _, test := range []struct {
		name  string
		build func(*machine)
		root  bool
		asked Limits
		pids  int64
		want  Groups
		set   Limits
	}{
		{"version 1", func(m *machine) {
			m.one("cpu,cpuacct", "/")
			m.one("memory", "/")
			m.one("freezer", "/")
			m.one("pids", "/")
			m.one("blkio", "/")
			m.two("unified", "/")
			m.group("unified", "hugetlb", "", "1\n")
		}, true, all, 4096, Groups{
			v1("/cpu,cpuacct", []Setting{{File: "cpu.cfs_period_us", Value: "100000"}, {File: "cpu.cfs_quota_us", Value: "50000"}}, "cpu", "cpuacct"),
			v1("/memory", []Setting{{File: "memory.limit_in_bytes", Value: "67108864"}, {File: "memory.memsw.limit_in_bytes", Value: "67108864", Optional: true}}, "memory"),
			v1("/pids", []Setting{{File: "pids.max", Value: "10"}}, "pids"),
			v1("/freezer", nil, "freezer"),
		}, all},
		{"version 1, nothing asked", func(m *machine) {
			m.one("cpu", "/")
			m.one("freezer", "/")
			m.one("pids", "/")
		}, true, Limits{}, 4096, Groups{
			v1("/pids", []Setting{{File: "pids.max", Value: "4096"}}, "pids"),
			v1("/freezer", nil, "freezer"),
		}, Limits{Pids: 4096}},
		{"version 1, delegated", func(m *machine) {
			m.one("pids", "/mine")
		}, false, Limits{}, 4096, Groups{v1("/pids/mine", []Setting{{File: "pids.max", Value: "4096"}}, "pids")}, Limits{Pids: 4096}},
		{"version 2", func(m *machine) {
			m.two("", "/init.scope")
			m.group("", "cpuset cpu io memory pids", "memory pids", "1\n")
			os.Remove(filepath.Join(m.dir, "cgroup.events")) // it is the topmost
		}, true, all, 4096, Groups{{Version: V2, Base: "", ID: "ID", Controllers: []string{"cpu", "memory", "pids"}, Settings: all.settings(V2, all.controllers())}}, all},
		{"version 2, delegated", func(m *machine) {
			m.two("", scope)
			m.group(scope, "cpu memory pids", "", "12\n34\n")
		}, false, all, 4096, Groups{{Version: V2, Base: scope, ID: "ID", Controllers: []string{"cpu", "memory", "pids"}, Evacuate: true, Settings: all.settings(V2, all.controllers())}}, all},
		{"version 2, delegated, evacuated before", func(m *machine) {
			m.two("", scope+"/aquarium/outside")
			m.group(scope, "cpu memory pids", "cpu memory pids", "")
		}, false, Limits{Pids: 7}, 0, Groups{{Version: V2, Base: scope, ID: "ID", Controllers: []string{"memory", "pids"}, Settings: []Setting{{File: "pids.max", Value: "7"}}}}, Limits{Pids: 7}},
		{"version 2, delegated, nothing asked", func(m *machine) {
			m.two("", scope)
			m.group(scope, "cpu memory pids", "", "12\n34\n")
		}, false, Limits{}, 4096, Groups{{Version: V2, Base: scope, ID: "ID", Controllers: []string{}}}, Limits{}},
		{"nothing mounted", func(*machine) {}, true, Limits{}, 4096, nil, Limits{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			test.build(m)
			got, set, err := m.place(test.root, test.asked, test.pids)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("placed\n%+v, want\n%+v", got, test.want)
			}
			if set != test.set {
				t.Errorf("limits are %+v, want %+v", set, test.set)
			}
		})
	}
}

// A limit that cannot be set is refused, with the way out.
func TestPlaceRefuses(t *testing.T) {
	for _, test := range []struct {
		name      string
		build     func(*machine)
		root      bool
		asked     Limits
		says, way string
	}{
		{"nothing mounted", func(*machine) {}, true, Limits{Memory: 1}, "limit memory: no hierarchy with the memory controller is mounted", "mount -t cgroup2"},
		{"not delegated", func(m *machine) {
			m.two("", "/user.slice/session-3.scope")
			m.group("/user.slice/session-3.scope", "memory pids", "", "12\n")
			m.seal("/user.slice/session-3.scope")
		}, false, Limits{Pids: 5}, "limit the number of processes: the control group", "systemd-run --user --scope -p Delegate=yes"},
		{"version 1, not delegated", func(m *machine) {
			m.one("pids", "/")
			m.seal("pids")
		}, false, Limits{Pids: 5}, "is not this user's", "as root"},
		{"controller not handed down", func(m *machine) {
			m.two("", "/scope")
			m.group("/scope", "memory pids", "memory pids", "")
		}, false, Limits{CPU: 5}, "limit processor time: ", "Delegate=cpu memory pids"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			test.build(m)
			groups, _, err := m.place(test.root, test.asked, 4096)
			var refused *Unavailable
			if !errors.As(err, &refused) || groups != nil {
				t.Fatalf("placed %v, %v", groups, err)
			}
			if !strings.Contains(refused.Error(), test.says) || !strings.Contains(refused.Hint(), test.way) {
				t.Errorf("refused with %q, hint %q", refused, refused.Hint())
			}
		})
	}
}

// What /proc says is the kernel's, but inside of containers it is odd at times.
func FuzzParseHost(f *testing.F) {
	f.Add("0::/\n7:pids:/a\n", "31 23 0:28 /a /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n")
	f.Add("0::/../x\n", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 none rw\n31 - cgroup2")
	f.Add("::\n:\n", "1 - cgroup x pids\n 1 2 3 4 5 - cgroup x memory,cpu")
	f.Fuzz(func(t *testing.T, own, mounts string) {
		for _, h := range parseHost(own, mounts, false).hierarchies {
			if h.version != V1 && h.version != V2 {
				t.Errorf("a hierarchy of version %d", h.version)
			}
			if h.own != "" && !strings.HasPrefix(h.own, h.directory) {
				t.Errorf("own group %q is not below %q", h.own, h.directory)
			}
		}
	})
}
