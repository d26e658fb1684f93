package spec

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/cgroup"
)

// Everything that New fills in must be in what Encode writes.
func TestEncodeWritesAllThatNewFills(t *testing.T) {
	for _, caller := range []Caller{{Privileged: true}, {UID: 1000, GID: 1000}} {
		o := Options{Name: "n", Rootfs: "/r", Command: []string{"sh", "-c", "x"}, TTY: true, Interactive: true, Remove: true, RootSwitch: Chroot,
			Share: []string{"net"}, Env: []string{"A=1"}, Workdir: "/w", User: "u:g", Volumes: []string{"/a:/b:ro"}, ReadOnly: true, CapAdd: []string{"SYS_ADMIN"}, Ulimits: []string{"nproc=7"}, Scrollback: 7}
		want, err := New(o, Root{Path: "/r", Mountpoint: "/m", Overlays: []Overlay{{"/", []string{"/r"}, "/u", "/w"}}}, caller)
		if err != nil {
			t.Fatal(err)
		}
		groups := cgroup.Groups{{Version: cgroup.V2, Base: "/sys/fs/cgroup", ID: "id", Controllers: []string{"memory"}}}
		if err := SetGroups(want, groups, cgroup.Limits{Memory: 1, CPU: 2, Pids: 3}); err != nil {
			t.Fatal(err)
		}
		document, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got := new(specs.Spec)
		if err := json.Unmarshal(document, got); err != nil {
			t.Fatal(err)
		}
		want.Root, want.Mounts = asBundle(want)
		if want.Root.Path != "/m" || want.Mounts[0].Destination != "/" {
			t.Errorf("for other runtimes the root is %+v and %+v", want.Root, want.Mounts[0])
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Encode wrote\n%s\nwhich is not\n%+v", document, want)
		}
	}
}
