package launch

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/spec"
	"aquarium/runtime/userns"
)

var update = flag.Bool("update", false, "write the golden plans anew")

// root and ordinary are the two callers that plans differ by.
var (
	root     = spec.Caller{Privileged: true}
	ordinary = spec.Caller{UID: 1000, GID: 1000, NoIDs: "/etc/subuid gives fish no range"}
	auto     = spec.Caller{Privileged: true, IDs: userns.Map{
		UIDs: []userns.IDMap{{Inside: 0, Outside: 1879048192, Count: 65536}}, GIDs: []userns.IDMap{{Inside: 0, Outside: 1879113728, Count: 65536}}, Foreign: true,
	}}
	ranges = spec.Caller{UID: 1000, GID: 1001, IDs: userns.Map{
		UIDs:      []userns.IDMap{{Inside: 0, Outside: 1000, Count: 1}, {Inside: 1, Outside: 100000, Count: 65536}},
		GIDs:      []userns.IDMap{{Inside: 0, Outside: 1001, Count: 1}, {Inside: 1, Outside: 200000, Count: 1000}, {Inside: 1001, Outside: 300000, Count: 1000}},
		UIDHelper: "/usr/bin/newuidmap", GIDHelper: "/usr/bin/newgidmap",
	}}
)

// layered is a root filesystem with a layer of the sandbox's own.
var layered = spec.Root{Path: "/srv/debian", Mountpoint: "/var/lib/aquarium/sandboxes/ID/root", Overlays: []spec.Overlay{{
	Dest: "/", Lower: []string{"/srv/debian"},
	Upper: "/var/lib/aquarium/sandboxes/ID/upper0", Work: "/var/lib/aquarium/sandboxes/ID/work0",
}}}

// written is one that the sandbox writes itself.
var written = spec.Root{Path: "/srv/debian", Mountpoint: layered.Mountpoint}

// layers is one of several layers, and one directory over another.
var layers = spec.Root{Path: "/srv/app", Mountpoint: layered.Mountpoint, Overlays: []spec.Overlay{
	{Dest: "/", Lower: []string{"/srv/a,b", "/srv/c:d"}, Upper: "/u0", Work: "/w0"},
	{Dest: "/usr", Lower: []string{"/usr"}, Upper: "/u1", Work: "/w1"},
}}

// tall is one of more layers than the options of mount(2) hold.
var tall = spec.Root{Path: "/srv/tall", Mountpoint: layered.Mountpoint, Overlays: []spec.Overlay{{
	Dest: "/", Lower: manyLayers(18), Upper: layered.Overlays[0].Upper, Work: layered.Overlays[0].Work,
}}}

// manyLayers are directories with long names.
func manyLayers(n int) []string {
	var dirs []string
	for i := range n {
		dirs = append(dirs, fmt.Sprintf("/srv/%s/%d", strings.Repeat("long", 57), i))
	}
	return dirs
}

// copied is a copy, where no overlay can be mounted.
var copied = spec.Root{Path: "/home/fish/.local/share/aquarium/sandboxes/ID/copy", Mountpoint: "/home/fish/.local/share/aquarium/sandboxes/ID/root",
	Copied:    []spec.Overlay{{Dest: "/", Lower: []string{"/srv/debian"}, Upper: "/home/fish/.local/share/aquarium/sandboxes/ID/copy"}},
	CopiedWhy: "mount: wrong fs type",
}

// hostLayers is the host's own root, with what is mounted below it.
var hostLayers = spec.Root{Path: "/", Mountpoint: layered.Mountpoint, Overlays: []spec.Overlay{
	{Dest: "/", Lower: []string{"/var/lib/aquarium/host/mask", "/"}, Upper: "/u0", Work: "/w0"},
	{Dest: "/usr", Lower: []string{"/usr"}, Upper: "/u1", Work: "/w1"},
}}

// TestGoldenPlans compares plans with testdata/NAME.golden. Nothing is
// launched, and nothing of the machine is asked.
//
//	go test ./runtime/launch -run Golden -update
func TestGoldenPlans(t *testing.T) {
	t.Parallel()
	for _, plan := range []struct {
		name    string
		options spec.Options
		root    spec.Root
		caller  spec.Caller
	}{
		{"default", spec.Options{}, layered, root},
		{"ordinary-user", spec.Options{}, layered, ordinary},
		{"ordinary-user-ranges", spec.Options{User: "fish"}, layered, ranges},
		{"auto", spec.Options{UserNS: spec.UserNSAuto, Volumes: []string{"/home/a b:/data", "/etc/hosts:/etc/hosts:ro"}}, layered, auto},
		{"auto-writable", spec.Options{UserNS: spec.UserNSAuto, Writable: true, RootSwitch: spec.Chroot}, written, auto},
		{"auto-host", spec.Options{UserNS: spec.UserNSAuto, ReadOnly: true}, hostLayers, auto},
		{"copied", spec.Options{}, copied, ordinary},
		{"terminal", spec.Options{TTY: true, Cols: 120, Rows: 40}, layered, root},
		{"terminal-user", spec.Options{TTY: true, User: "fish"}, layered, root},
		{"chroot", spec.Options{RootSwitch: spec.Chroot}, layered, root},
		{"writable", spec.Options{Writable: true}, written, root},
		{"layers", spec.Options{}, layers, root},
		{"tall", spec.Options{}, tall, root},
		{"read-only", spec.Options{ReadOnly: true, NoProc: true}, layered, root},
		{"volumes", spec.Options{Volumes: []string{"/home/a b:/data", "/etc/hosts:/etc/hosts:ro"}}, layered, root},
		{"identity", spec.Options{User: "1000:100", Workdir: "/work", Env: []string{"A=b"}, Hostname: "reef"}, layered, root},
		{"capabilities", spec.Options{CapDrop: []string{"ALL"}, CapAdd: []string{"NET_RAW"}}, layered, root},
		{"share-net", spec.Options{Share: []string{"net", "uts", "ipc"}}, layered, root},
		{"share-pid-ordinary", spec.Options{Share: []string{"pid", "net"}}, layered, ordinary},
		{"bridge", spec.Options{Network: spec.BridgeNetwork}, layered, root},
		{"reaper", spec.Options{Init: true, TTY: true}, layered, root},
		{"what-if", spec.Options{Stepped: true, WhatIf: true}, layered, root},
		{"share-mnt", spec.Options{Share: []string{"mnt"}, RootSwitch: spec.Chroot, Writable: true, TTY: true}, written, root},
	} {
		t.Run(plan.name, func(t *testing.T) {
			t.Parallel()
			compare(t, filepath.Join("testdata", plan.name+".golden"), planText(t, plan.options, plan.root, plan.caller))
		})
	}
}

func planText(t *testing.T, o spec.Options, r spec.Root, c spec.Caller) string {
	t.Helper()
	plan, err := NewPlan(configOf(t, o, r, c))
	if err != nil {
		t.Fatal(err)
	}
	return plan.Text()
}

func configOf(t *testing.T, o spec.Options, r spec.Root, c spec.Caller) *specs.Spec {
	t.Helper()
	o.Name, o.Rootfs, o.Command = "web", "debian", []string{"sh", "-c", `echo "hello"`}
	if o.RootSwitch == "" {
		o.RootSwitch = spec.PivotRoot
	}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	config, err := spec.New(o, r, c)
	if err != nil {
		t.Fatal(err)
	}
	if o.Network == spec.BridgeNetwork {
		config.Annotations[spec.AnnotationNetwork] = `{"bridge":"aq-0","link":"v0.2","address":"10.101.0.2/24","gateway":"10.101.0.1/24"}`
	}
	return config
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the plan is not %s any more (-update writes it anew):\n%s", file, got)
	}
}
