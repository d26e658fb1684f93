package launch

import (
	"path/filepath"
	"testing"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/spec"
)

// Limits of 64 MiB, one and a half processors and 100 processes, on a machine
// with hierarchies of version 1, on one of version 2, and in a group of version
// 2 that was delegated to an ordinary user and has processes of its own.
var limited = []struct {
	name   string
	caller spec.Caller
	groups cgroup.Groups
}{
	{"limits-version-1", root, cgroup.Groups{
		{Version: cgroup.V1, Base: "/sys/fs/cgroup/cpu,cpuacct", Own: "/sys/fs/cgroup/cpu,cpuacct/user", Hierarchy: "cpu,cpuacct", ID: "ID", Controllers: []string{"cpu", "cpuacct"},
			Settings: []cgroup.Setting{{File: "cpu.cfs_period_us", Value: "100000"}, {File: "cpu.cfs_quota_us", Value: "150000"}}},
		{Version: cgroup.V1, Base: "/sys/fs/cgroup/memory", Own: "/sys/fs/cgroup/memory/user", Hierarchy: "memory", ID: "ID", Controllers: []string{"memory"},
			Settings: []cgroup.Setting{{File: "memory.limit_in_bytes", Value: "67108864"}, {File: "memory.memsw.limit_in_bytes", Value: "67108864", Optional: true}}},
		{Version: cgroup.V1, Base: "/sys/fs/cgroup/pids", Own: "/sys/fs/cgroup/pids/user", Hierarchy: "pids", ID: "ID", Controllers: []string{"pids"}, Settings: []cgroup.Setting{{File: "pids.max", Value: "100"}}},
		{Version: cgroup.V1, Base: "/sys/fs/cgroup/freezer", Own: "/sys/fs/cgroup/freezer/user", Hierarchy: "freezer", ID: "ID", Controllers: []string{"freezer"}},
	}},
	{"limits-version-2", root, cgroup.Groups{all("/sys/fs/cgroup", false)}},
	{"limits-delegated", ordinary, cgroup.Groups{all("/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope", true)}},
}

func all(base string, evacuate bool) cgroup.Group {
	return cgroup.Group{Version: cgroup.V2, Base: base, ID: "ID", Controllers: []string{"cpu", "memory", "pids"}, Evacuate: evacuate,
		Settings: []cgroup.Setting{{File: "memory.max", Value: "67108864"}, {File: "memory.swap.max", Value: "0", Optional: true},
			{File: "cpu.max", Value: "150000 100000"}, {File: "pids.max", Value: "100"}}}
}

func TestGoldenPlansWithLimits(t *testing.T) {
	t.Parallel()
	for _, plan := range limited {
		t.Run(plan.name, func(t *testing.T) {
			t.Parallel()
			o := spec.Options{Memory: 64 << 20, CPUs: 1.5, Pids: 100}
			limits, _ := o.Limits()
			config := configOf(t, o, layered, plan.caller)
			if err := spec.SetGroups(config, plan.groups, limits); err != nil {
				t.Fatal(err)
			}
			made, err := NewPlan(config)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join("testdata", plan.name+".golden"), made.Text())
		})
	}
}
