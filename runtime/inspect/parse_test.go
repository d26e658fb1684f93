package inspect

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseStatTakesAnyName(t *testing.T) {
	t.Parallel()
	const rest = " S 7 1 1 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 3 0 12345 4096 77 18446744073709551615"
	for _, name := range []string{"sh", "a) R 1 (b", "", "x\ny", ")", "("} {
		st, err := parseStat("42 (" + name + ")" + rest)
		want := stat{42, name, 'S', 7, 4194560, 2 * time.Second, 3, 12345, 77}
		if err != nil || st != want {
			t.Errorf("%q: %+v, %v; want %+v", name, st, err, want)
		}
	}
}

func TestNameFromCgroup(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("0123456789abcdef", 4)
	for text, want := range map[string]string{
		"0::/system.slice/docker-" + id + ".scope":             "docker 0123456789ab",
		"12:memory:/docker/" + id + "\n0::/":                   "docker 0123456789ab",
		"0::/user.slice/libpod-" + id + ".scope/container":     "podman 0123456789ab",
		"0::/system.slice/nginx.service":                       "nginx.service",
		"0::/kubepods/pod1/cri-containerd-" + id + ".scope":    "containerd 0123456789ab",
		"0::/user.slice/user@1000.service/app.slice/app.scope": "",
		"0::/": "",
		"":     "",
	} {
		if got := nameFromCgroup(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParseOverlay(t *testing.T) {
	t.Parallel()
	for options, want := range map[string][]layer{
		"rw,lowerdir=/a:/b,upperdir=/u,workdir=/w": {{"upper", "/u"}, {"lower", "/a"}, {"lower 2", "/b"}},
		`ro,lowerdir=/a\:b:/c\,d::/e`:              {{"lower", "/a:b"}, {"lower 2", "/c,d"}, {"lower 3", "/e"}},
		"lowerdir+=/x,lowerdir+=/y,datadir+=/z":    {{"lower", "/x"}, {"lower 2", "/y"}, {"lower 3", "/z"}},
		"rw":                                       nil,
	} {
		if got := parseOverlay(options); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", options, got, want)
		}
	}
}

// TestCgroups reads groups of both versions from directories that look like
// cgroup file systems.
func TestCgroups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := dir + "/" + name
		if err := os.MkdirAll(path[:strings.LastIndexByte(path, '/')], 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{
		"two/a/cgroup.controllers": "cpu memory pids\n", "two/a/memory.max": "1048576\n", "two/a/memory.current": "4096\n", "two/a/memory.peak": "8192\n", "two/a/memory.events": "oom 3\noom_kill 2\n",
		"two/a/cpu.max": "150000 100000\n", "two/a/cpu.stat": "usage_usec 2500000\nuser_usec 1\n", "two/a/pids.max": "max\n", "two/a/pids.current": "3\n",
		"mem/b/memory.limit_in_bytes": "9223372036854771712\n", "mem/b/memory.usage_in_bytes": "8192\n", "mem/b/memory.max_usage_in_bytes": "9000\n", "mem/b/memory.oom_control": "under_oom 0\noom_kill 1\n",
		"cpu/b/cpu.cfs_quota_us": "50000\n", "cpu/b/cpu.cfs_period_us": "100000\n", "cpu/b/cpuacct.usage": "7000000\n",
		"pid/b/pids.max": "64\n", "pid/b/pids.current": "2\n",
	} {
		write(name, content)
	}
	for _, test := range []struct {
		name, text string
		mounted    []hierarchy
		want       Usage
	}{
		{"version 2", "0::/a\n", []hierarchy{{2, dir + "/two", "/", "rw"}}, Usage{4096, 1048576, 3, -1, 2500000, 1.5, 8192, 2}},
		{"version 2, a part of it mounted", "0::/over/a\n", []hierarchy{{2, dir + "/two", "/over", "rw"}}, Usage{4096, 1048576, 3, -1, 2500000, 1.5, 8192, 2}},
		{"version 1", "3:memory:/b\n2:cpu,cpuacct:/b\n1:pids:/b\n0::/\n",
			[]hierarchy{{1, dir + "/mem", "/", "rw,memory"}, {1, dir + "/cpu", "/", "rw,cpu,cpuacct"}, {1, dir + "/pid", "/", "rw,pids"}},
			Usage{8192, -1, 2, 64, 7000, 0.5, 9000, 1}},
		{"nothing mounted", "0::/a\n", nil, Usage{-1, -1, -1, -1, -1, -1, -1, 0}},
		{"above what is mounted", "0::/../a\n", []hierarchy{{2, dir + "/two", "/", "rw"}}, Usage{-1, -1, -1, -1, -1, -1, -1, 0}},
	} {
		l := Limits{Cgroups: readCgroups(test.mounted, test.text)}
		if got := l.Usage(); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// A hybrid machine counts in a group of version 2 what all of its processes
// use, and in the sandbox's own what the sandbox does.
func TestOwnGroupGoesBeforeShared(t *testing.T) {
	t.Parallel()
	own := Cgroup{Version: 1, Values: map[string]string{"cpuacct.usage": "7000000"}}
	shared := Cgroup{Version: 2, Shared: true, Values: map[string]string{"cpu.stat": "usage_usec 1000000000"}}
	for _, groups := range [][]Cgroup{{own, shared}, {shared, own}} {
		if got := (&Limits{Cgroups: groups}).Usage().CPU; got != 7000 {
			t.Errorf("it used %d µs, want 7000", got)
		}
	}
}

func TestSignalNames(t *testing.T) {
	t.Parallel()
	if got := signalNames(1<<0 | 1<<14 | 1<<63); !slices.Equal(got, []string{"SIGHUP", "SIGTERM", "SIG64"}) {
		t.Errorf("%q", got)
	}
}

// Fuzz targets: whatever the text, a parser ends, within its bounds, without
// a panic.

func FuzzStat(f *testing.F) {
	f.Add("42 (sh) S 7 1 1 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 3 0 12345 4096 77 1")
	f.Fuzz(func(t *testing.T, text string) { parseStat(text) })
}

func FuzzStatus(f *testing.F) {
	f.Add("Name:\tx\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t0 1\nNSpid:\t7\t1\nSigIgn:\t00000001\nSeccomp:\t2\n")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseStatus(text); err == nil && len(s.pids) == 0 {
			t.Error("a process without a number")
		}
	})
}

func FuzzMounts(f *testing.F) {
	f.Add([]byte("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if view, err := parseMounts(t.Context(), content); err == nil {
			if got := mountTree(view.List); len(got) > len(view.List) {
				t.Errorf("%d mounts became %d", len(view.List), len(got))
			}
		}
	})
}

func FuzzIDMap(f *testing.F) {
	f.Add("         0       1001          1\n", 1001)
	f.Fuzz(func(t *testing.T, text string, id int) {
		if m, err := parseIDMap(text); err == nil {
			m.inside(id)
		}
	})
}

func FuzzResources(f *testing.F) {
	f.Add("Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 4096                 files     \n")
	f.Fuzz(func(t *testing.T, text string) { parseResources(text) })
}

func FuzzCgroups(f *testing.F) {
	f.Add("12:memory:/docker/x\n0::/a\n")
	f.Fuzz(func(t *testing.T, text string) {
		nameFromCgroup(text)
		readCgroups([]hierarchy{{1, "/nonexistent", "/", "memory"}, {2, "/nonexistent", "/", "rw"}}, text)
	})
}

func FuzzOverlay(f *testing.F) {
	f.Add(`lowerdir=/a\:b:/c,upperdir=/u`)
	f.Fuzz(func(t *testing.T, text string) { parseOverlay(text) })
}

func FuzzObjects(f *testing.F) {
	f.Add("shm", "key shmid perms size cpid lpid nattch uid gid\n 4660 1 640 8192 77 0 1 0 0\n")
	f.Fuzz(func(t *testing.T, kind, text string) { new(IPC).parseObjects(kind, text) })
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte("sh\x00-c\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if arguments := splitCommand(content); len(arguments) > 0 {
			nameFromCommand(arguments)
		}
	})
}

func FuzzNamespaceInode(f *testing.F) {
	f.Add("net:[4026531840]")
	f.Fuzz(func(t *testing.T, text string) { namespaceInode(text) })
}

func FuzzNetlink(f *testing.F) {
	attribute := binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, 8), 1)
	f.Add(append(make([]byte, 72), append(attribute, 10, 0, 0, 1)...))
	f.Fuzz(func(t *testing.T, body []byte) {
		parseAddress(body)
		parseRoute(body)
		parseNeighbour(body)
		parseInetSocket(body)
		parseUnixSocket(body)
	})
}

// BenchmarkMountTable is a hostile sandbox's mount table, without the reading.
func BenchmarkMountTable(b *testing.B) {
	var table strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&table, "%d 27 0:52 /d /tmp/m/%d rw,relatime shared:7 - tmpfs t rw,size=4k\n", i+100, i)
	}
	content := []byte(table.String())
	for b.Loop() {
		view, err := parseMounts(b.Context(), content)
		if err != nil || len(mountTree(view.List)) != 100_000 {
			b.Fatalf("%d mounts, %v", len(view.List), err)
		}
	}
}

func TestLongMountLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2*mostMountLine)
	table := "1 0 0:1 / / rw - overlay overlay rw,lowerdir=" + long + "\n" +
		"2 1 0:2 / /" + long + " rw - tmpfs t rw\n" +
		"3 1 0:3 / /b rw master:4 propagate_from:2 - tmpfs t rw\n"
	view, err := parseMounts(t.Context(), []byte(table))
	if err != nil || len(view.List) != 2 || view.Unreadable != 1 {
		t.Fatalf("%d mounts, %d unreadable, %v; want 2 and 1", len(view.List), view.Unreadable, err)
	}
	if got := view.List[1].Propagation; !slices.Equal(got, []string{"slave of group 4", "gets from group 2"}) {
		t.Errorf("propagation is %q", got)
	}
}

// FuzzUsage sums up groups whose files hold anything.
func FuzzUsage(f *testing.F) {
	f.Add("67108864", "oom_kill 2\n", "usage_usec 77\n", "150000 100000", "7")
	f.Add("max", "oom_kill -1", "usage_usec x", "max 100000", "")
	f.Add("-1", "", "", "1 0", "9223372036854775807")
	f.Fuzz(func(t *testing.T, memory, events, stat, quota, nanos string) {
		l := Limits{Cgroups: []Cgroup{{Version: 2, Values: map[string]string{
			"memory.max": memory, "memory.current": memory, "memory.events": events, "cpu.stat": stat, "cpu.max": quota, "cpuacct.usage": nanos, "pids.max": memory}}}}
		u := l.Usage()
		if u.MemoryLimit >= noLimit || u.CPULimit == 0 || u.CPULimit != u.CPULimit {
			t.Errorf("%+v", u)
		}
	})
}
