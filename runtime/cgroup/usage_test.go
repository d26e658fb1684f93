package cgroup

import "testing"

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		name         string
		version      Version
		files        map[string]string
		want         Usage
		limit, kills int64
	}{
		{"version 1", V1, map[string]string{
			"memory.stat":           "cache 1\nrss 2\ntotal_cache 5000\ntotal_rss 3000\ntotal_shmem 4000\n",
			"cpuacct.usage":         "1234567\n",
			"memory.limit_in_bytes": "67108864\n",
			"memory.oom_control":    "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
		}, Usage{Memory: 7000, CPU: 1234}, 64 << 20, 2},
		{"version 2", V2, map[string]string{
			"memory.stat":   "anon 3000\nfile 5000\nkernel 9\nshmem 4000\n",
			"cpu.stat":      "usage_usec 77\nuser_usec 70\n",
			"memory.max":    "max\n",
			"memory.events": "low 0\noom 1\noom_kill 1\n",
		}, Usage{Memory: 7000, CPU: 77}, 0, 1},
		{"version 1 without a limit", V1, map[string]string{"memory.limit_in_bytes": "9223372036854771712\n", "memory.stat": "odd"}, Usage{-1, -1}, 0, 0},
		{"nothing there", V2, nil, Usage{-1, -1}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			for name, content := range test.files {
				m.file("aquarium/ID/"+name, content)
			}
			groups := Groups{{Version: test.version, Base: m.dir, ID: "ID", Controllers: []string{memory, cpuacct}}}
			if got := groups.Usage(); got != test.want {
				t.Errorf("it uses %+v, want %+v", got, test.want)
			}
			if got := groups.MemoryLimit(); got != test.limit {
				t.Errorf("its limit is %d, want %d", got, test.limit)
			}
			if got := groups.OOMKills(); got != test.kills {
				t.Errorf("%d of its processes were killed, want %d", got, test.kills)
			}
		})
	}
}

// FuzzUsage reads any files of a group: what is used is known, and not
// negative, or unknown.
func FuzzUsage(f *testing.F) {
	f.Add("cache 1\ntotal_rss 3000\ntotal_shmem 4000\n", "1234567\n", "67108864\n", "oom_kill 2\n", true)
	f.Add("anon 3000\nshmem 4000\n", "usage_usec 77\n", "max\n", "oom_kill 1\n", false)
	f.Add("anon -7\nshmem -1", "usage_usec -3", "-5", "oom_kill -9", false)
	f.Add("anon 9223372036854775807\nshmem 1", "", "9223372036854775807", "oom_kill", false)
	f.Fuzz(func(t *testing.T, stat, cpu, limit, events string, first bool) {
		m := newMachine(t)
		version, cpuFile, limitFile, eventsFile := V2, "cpu.stat", "memory.max", "memory.events"
		if first {
			version, cpuFile, limitFile, eventsFile = V1, "cpuacct.usage", "memory.limit_in_bytes", "memory.oom_control"
		}
		for name, content := range map[string]string{"memory.stat": stat, cpuFile: cpu, limitFile: limit, eventsFile: events} {
			m.file("aquarium/ID/"+name, content)
		}
		groups := Groups{{Version: version, Base: m.dir, ID: "ID", Controllers: []string{memory, cpuacct}}}
		if u := groups.Usage(); u.Memory < -1 || u.CPU < -1 {
			t.Errorf("%q and %q: %+v", stat, cpu, u)
		}
		if limit, kills := groups.MemoryLimit(), groups.OOMKills(); limit < 0 || kills < 0 {
			t.Errorf("%q and %q: %d, %d", limitFile, events, limit, kills)
		}
	})
}
