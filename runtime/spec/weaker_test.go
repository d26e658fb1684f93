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
