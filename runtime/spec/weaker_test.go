package spec

import (
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestWeaker(t *testing.T) {
	t.Parallel()
	layered := Root{Path: "/srv/debian", Mountpoint: "/m", Overlays: []Overlay{{Dest: "/", Lower: []string{"/srv/debian"}}}}
	written := Root{Path: "/srv/debian", Mountpoint: "/m"}
	for _, c := range []struct {
		name string
		o    Options
		root Root
		want []string
	}{
		{"default", Options{}, layered, nil},
		{"fewer capabilities", Options{CapDrop: []string{"ALL"}}, layered, nil},
		{"usual capability", Options{CapAdd: []string{"KILL"}}, layered, nil},
		{"chroot", Options{RootSwitch: Chroot}, layered, []string{"chroot"}},
		{"share", Options{Share: []string{"net", "uts"}}, layered, []string{"share uts", "share net"}},
		{"share what root has anyway", Options{Share: []string{"user", "time"}}, layered, nil},
		{"capabilities", Options{CapAdd: []string{"SYS_ADMIN", "NET_ADMIN"}}, layered, []string{"cap net_admin", "cap sys_admin"}},
		{"all capabilities", Options{CapAdd: []string{"ALL"}}, layered, []string{"cap all"}},
		{"all but one of the usual", Options{CapAdd: []string{"ALL"}, CapDrop: []string{"KILL"}}, layered, []string{"cap all"}},
		{"seccomp", Options{Unconfined: true}, layered, []string{"no seccomp"}},
		{"writable", Options{Writable: true}, written, []string{"writable rootfs"}},
		{"not layered, but read-only", Options{ReadOnly: true}, written, nil},
		{"volume", Options{Volumes: []string{"/srv:/srv", "/procure:/p", "/etc/../home:/h:ro", "/dev/null:/etc/motd"}}, layered, nil},
		{"volumes of the host's kernel", Options{Volumes: []string{"/proc:/hp", "/sys/:/hs", "/dev:/hd", "//:/h", "/proc/../sys/fs/cgroup:/c"}}, layered,
			[]string{"host's /proc", "host's /sys", "host's /dev", "host's /", "host's /sys/fs/cgroup"}},
		{"the same to be read", Options{Volumes: []string{"/proc:/hp:ro", "/dev:/hd:ro", "/:/h:ro", "/sys:/hs:ro", "/sys/fs/cgroup:/c:ro"}}, layered,
			[]string{"unmasked /hs/devices/virtual/powercap and 1 more", "host's /proc read-only", "host's / read-only"}},
		{"the host's /proc, in the host's mount namespace", Options{RootSwitch: Chroot, Share: []string{"mnt"}, Writable: true, Volumes: []string{"/proc:/hp"}}, written,
			[]string{"chroot", "share mnt", "writable rootfs"}},
		{"all of it", Options{RootSwitch: Chroot, Share: []string{"mnt"}, Writable: true, Unconfined: true, CapAdd: []string{"BPF"}}, written,
			[]string{"chroot", "share mnt", "cap bpf", "no seccomp", "writable rootfs"}},
	} {
		if c.o.RootSwitch == "" {
			c.o.RootSwitch = PivotRoot
		}
		for _, caller := range []Caller{{Privileged: true}, {UID: 1000, GID: 1000}} {
			config, err := New(c.o, c.root, caller)
			if err != nil {
				t.Fatal(err)
			}
			if got := Weaker(config); !slices.Equal(got, c.want) {
				t.Errorf("%s, privileged %v: weaker by %q, want %q", c.name, caller.Privileged, got, c.want)
			}
		}
	}
}

// TestWeakerOfSomebodyElsesBundle: a configuration may say nothing at all.
func TestWeakerOfSomebodyElsesBundle(t *testing.T) {
	t.Parallel()
	got := Weaker(&specs.Spec{Process: &specs.Process{}, Root: &specs.Root{Path: "/srv"}})
	want := []string{"share uts", "share pid", "share mnt", "share net", "share ipc", "share cgroup", "cap all", "no seccomp", "new privileges", "writable rootfs"}
	if !slices.Equal(got, want) {
		t.Errorf("weaker by %q, want %q", got, want)
	}
	if got := Weaker(&specs.Spec{}); len(got) == 0 {
		t.Error("an empty configuration holds nobody")
	}
}

// bundled is a default configuration as a bundle of somebody's says it, with
// what change makes of it.
func bundled(t *testing.T, change func(*specs.Spec)) *specs.Spec {
	t.Helper()
	config, err := New(Options{RootSwitch: PivotRoot, ReadOnly: true}, Root{Path: "/srv/debian"}, Caller{Privileged: true})
	if err != nil {
		t.Fatal(err)
	}
	config.Annotations = map[string]string{AnnotationBundle: "/srv/bundle", AnnotationRootSwitch: string(PivotRoot), AnnotationSeccomp: SeccompBundle}
	config.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActErrno}
	change(config)
	return config
}

// option sets the options of the mount on a directory.
func option(s *specs.Spec, destination string, options ...string) {
	i := slices.IndexFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination == destination })
	s.Mounts[i].Options = options
}

func TestWeakerMountsOfABundle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*specs.Spec)
		want   []string
	}{
		{"like ours", func(*specs.Spec) {}, nil},
		{"nothing masked", func(s *specs.Spec) { s.Linux.MaskedPaths = nil }, []string{"unmasked /proc/acpi and 11 more"}},
		{"one not masked", func(s *specs.Spec) {
			s.Linux.MaskedPaths = slices.DeleteFunc(slices.Clone(s.Linux.MaskedPaths), func(p string) bool { return p == "/proc/keys" })
		}, []string{"unmasked /proc/keys"}},
		{"masked with what is around it", func(s *specs.Spec) { s.Linux.MaskedPaths = []string{"/proc/", "/sys/firmware", "/sys/devices"} }, nil},
		{"nothing read-only", func(s *specs.Spec) { s.Linux.ReadonlyPaths = nil }, []string{"writable /proc/bus and 4 more"}},
		{"masked, not read-only", func(s *specs.Spec) {
			s.Linux.MaskedPaths = append(slices.Clone(s.Linux.MaskedPaths), readonlyPaths...)
			s.Linux.ReadonlyPaths = nil
		}, nil},
		{"a read-only /proc", func(s *specs.Spec) { s.Linux.ReadonlyPaths = nil; option(s, "/proc", "ro") }, nil},
		{"no /proc and no /sys", func(s *specs.Spec) { s.Mounts, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil, nil }, nil},
		{"a second /proc", func(s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/p", Type: "proc", Source: "proc"})
		}, []string{"unmasked /p/acpi and 9 more", "writable /p/bus and 4 more"}},
		{"writable /sys", func(s *specs.Spec) { option(s, "/sys", "nosuid") }, []string{"writable /sys"}},
		{"a read-only /sys of the host's", func(s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/sys", Type: "none", Source: "/sys", Options: []string{"rbind", "ro"}})
		}, nil},
		{"the host's /sys", func(s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/sys", Type: "none", Source: "/sys", Options: []string{"rbind"}})
		}, []string{"host's /sys"}},
		{"its control groups", func(s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/c", Type: "bind", Source: "/sys/fs/cgroup/pids/aquarium/id", Options: []string{"bind", "ro"}})
		}, nil},
		{"its control groups, writable", func(s *specs.Spec) {
			group := specs.Mount{Destination: "/c", Type: "bind", Source: "/sys/fs/cgroup/pids/aquarium/id", Options: []string{"bind"}}
			s.Mounts = append(s.Mounts, group, group)
			s.Annotations[AnnotationGroups] = `[{"base": "/sys/fs/cgroup/pids", "id": "id"}]`
		}, []string{"writable cgroups"}},
	} {
		if got := Weaker(bundled(t, c.change)); !slices.Equal(got, c.want) {
			t.Errorf("%s: weaker by %q, want %q", c.name, got, c.want)
		}
	}
}

// TestWeakerVolumes: who reaches a container engine has the host.
func TestWeakerVolumes(t *testing.T) {
	t.Parallel()
	for source, want := range map[string][]string{
		"/run/docker.sock":                  {"host's /run/docker.sock"},
		"/run/podman":                       {"host's /run/podman"},
		"/run/":                             {"host's /run"},
		"/run/user/1000":                    {"host's /run/user/1000"},
		"/run/user/1000/podman/podman.sock": {"host's /run/user/1000/podman/podman.sock"},
		"/run/user/1000/pulse":              nil,
		"/run/docker.socket":                nil,
		"/srv/run":                          nil,
		"/srv":                              nil,
		"/":                                 {"host's / read-only"},
		"/proc/1":                           {"host's /proc/1 read-only"},
		"/dev":                              nil,
	} {
		config, err := New(Options{RootSwitch: PivotRoot, ReadOnly: true, Volumes: []string{source + ":/mnt:ro"}}, Root{Path: "/srv/debian"}, Caller{Privileged: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := Weaker(config); !slices.Equal(got, want) {
			t.Errorf("with %s read-only it is weaker by %q, want %q", source, got, want)
		}
	}
}

func TestWeakerFilterOfABundle(t *testing.T) {
	t.Parallel()
	rule := func(action specs.LinuxSeccompAction, args []specs.LinuxSeccompArg, names ...string) specs.LinuxSyscall {
		return specs.LinuxSyscall{Names: names, Action: action, Args: args}
	}
	flags := []specs.LinuxSeccompArg{{Op: specs.OpMaskedEqual, Value: 0x7e020000}}
	own, none := []string{"its own seccomp filter"}, []string{"no seccomp"}
	all := slices.Concat(namespaceCalls, keyCalls)
	for _, c := range []struct {
		name  string
		by    specs.LinuxSeccompAction
		rules []specs.LinuxSyscall
		want  []string
	}{
		{"refuses all", specs.ActErrno, nil, nil},
		{"allows what is harmless", specs.ActKillProcess, []specs.LinuxSyscall{rule(specs.ActAllow, nil, "read", "write")}, nil},
		{"looks at flags of clone", specs.ActErrno, []specs.LinuxSyscall{rule(specs.ActAllow, flags, "clone")}, nil},
		{"looks at flags of unshare", specs.ActErrno, []specs.LinuxSyscall{rule(specs.ActAllow, flags, "unshare")}, own},
		{"looks at flags of clone in vain", specs.ActErrno, []specs.LinuxSyscall{rule(specs.ActAllow, flags, "clone"), rule(specs.ActAllow, nil, "clone")}, own},
		{"allows clone", specs.ActErrno, []specs.LinuxSyscall{rule(specs.ActAllow, nil, "clone")}, own},
		{"allows mounts", specs.ActErrno, []specs.LinuxSyscall{rule(specs.ActAllow, nil, "read", "mount")}, own},
		{"logs keys", specs.ActErrno, []specs.LinuxSyscall{rule(specs.ActLog, nil, "keyctl")}, own},
		{"allows all", specs.ActAllow, nil, none},
		{"logs all", specs.ActLog, []specs.LinuxSyscall{rule(specs.ActAllow, nil, "read")}, none},
		{"refuses something", specs.ActAllow, []specs.LinuxSyscall{rule(specs.ActErrno, nil, "reboot")}, own},
		{"refuses all that counts", specs.ActAllow, []specs.LinuxSyscall{rule(specs.ActErrno, nil, all...)}, nil},
		{"but for some flags", specs.ActAllow, []specs.LinuxSyscall{rule(specs.ActErrno, nil, all[1:]...), rule(specs.ActErrno, flags, all[0])}, nil},
		{"but for some mounts", specs.ActAllow, []specs.LinuxSyscall{rule(specs.ActErrno, nil, all[:len(all)-1]...), rule(specs.ActErrno, flags, all[len(all)-1])}, own},
	} {
		got := Weaker(bundled(t, func(s *specs.Spec) {
			s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: c.by, Syscalls: c.rules}
		}))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: weaker by %q, want %q", c.name, got, c.want)
		}
	}
	// With the capability that our own filter allows them with, mounts are no
	// second reason.
	got := Weaker(bundled(t, func(s *specs.Spec) {
		c := s.Process.Capabilities
		c.Bounding = append(slices.Clone(c.Bounding), "CAP_SYS_ADMIN")
		s.Linux.Seccomp.Syscalls = []specs.LinuxSyscall{rule(specs.ActAllow, nil, "mount", "clone")}
	}))
	if want := []string{"cap sys_admin"}; !slices.Equal(got, want) {
		t.Errorf("with CAP_SYS_ADMIN: weaker by %q, want %q", got, want)
	}
}
