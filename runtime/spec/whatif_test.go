package spec

import "testing"

func TestWhatIfIsAsStrongAsTheDefault(t *testing.T) {
	t.Parallel()
	root := Root{Path: "/srv/debian", Mountpoint: "/m", Overlays: []Overlay{{Dest: "/", Lower: []string{"/srv/debian"}}}}
	for _, c := range []struct {
		name  string
		o     Options
		given string // by which flag the sandbox would hold less; "" for none
	}{
		{"default", Options{}, ""},
		{"fewer rights", Options{CapDrop: []string{"ALL"}, CapAdd: []string{"NET_RAW"}, ReadOnly: true, User: "1000"}, ""},
		{"chroot", Options{RootSwitch: Chroot}, "--root-switch chroot"},
		{"mounts", Options{RootSwitch: Chroot, Writable: true, Share: []string{"mnt"}}, "--root-switch chroot"},
		{"processes", Options{Share: []string{"pid"}}, "--share pid"},
		{"names", Options{Share: []string{"uts", "ipc"}}, "--share uts,ipc"},
		{"control groups", Options{Share: []string{"cgroup"}}, "--share cgroup"},
		{"network", Options{Network: HostNetwork}, "--network host"},
		{"bridge", Options{Network: BridgeNetwork}, "--network bridge"},
		{"mounting", Options{CapAdd: []string{"SYS_ADMIN"}}, "--cap-add"},
		{"tracing", Options{CapAdd: []string{"SYS_PTRACE"}}, "--cap-add"},
		{"modules", Options{CapAdd: []string{"SYS_MODULE"}}, "--cap-add"},
		{"memory and ports", Options{CapAdd: []string{"SYS_RAWIO"}}, "--cap-add"},
		{"handles of files", Options{CapAdd: []string{"DAC_READ_SEARCH"}}, "--cap-add"},
		{"device nodes", Options{CapAdd: []string{"MKNOD"}}, "--cap-add"},
		{"all", Options{CapAdd: []string{"ALL"}}, "--cap-add"},
		{"no filter", Options{Unconfined: true}, "--security-opt seccomp=unconfined"},
		{"written rootfs", Options{Writable: true}, "--writable"},
		{"read-only volume", Options{Volumes: []string{"/srv:/srv:ro"}}, "--volume"},
	} {
		if c.o.RootSwitch == "" {
			c.o.RootSwitch = PivotRoot
		}
		c.o.Stepped = true
		config, err := New(c.o, root, Caller{Privileged: true})
		if err != nil {
			t.Fatal(err)
		}
		if weaker := Weaker(config); len(weaker) > 0 && c.given == "" {
			t.Errorf("%s: it is weaker by %q, and not refused", c.name, weaker)
		}
		if err := c.o.Check(); err != nil {
			t.Errorf("%s, without what-if: %v", c.name, err)
		}
		c.o.WhatIf = true
		err = c.o.Check()
		if c.given == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		want := Refusal{"what-if: a launch that may go wrong has nothing of the host's, and no more rights than the usual: " + c.given + " gives some", "leave --what-if or " + c.given + " out"}
		if refused, ok := err.(*Refusal); !ok || *refused != want {
			t.Errorf("%s: %v, want %v", c.name, err, &want)
		}
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, "what-if: steps are left out only in a stepped launch"},
		{Options{Stepped: true, UserNS: UserNSAuto}, "what-if: the ids of a user namespace are written into /proc, which is read-only in the outer mount namespace"},
	} {
		c.o.RootSwitch, c.o.WhatIf = PivotRoot, true
		if err := c.o.Check(); err == nil || err.Error() != c.want {
			t.Errorf("%+v: %v, want %s", c.o, err, c.want)
		}
	}
}
