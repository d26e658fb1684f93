package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/spec"
)

// TestWeakerBehindALink: a volume shows what its symbolic links lead to.
func TestWeakerBehindALink(t *testing.T) {
	t.Parallel()
	near, far := filepath.Join(t.TempDir(), "near"), filepath.Join(t.TempDir(), "far")
	for link, target := range map[string]string{near: far, far: "/proc/1"} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	config, err := spec.New(spec.Options{RootSwitch: spec.PivotRoot, ReadOnly: true, Volumes: []string{near + ":/mnt"}}, spec.Root{Path: "/srv/debian"}, spec.Caller{Privileged: true})
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(config.Mounts)
	plan, err := newPlan(config)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"host's /proc/1"}
	if got := stateOf("id", "", config).Weaker; !slices.Equal(got, want) || !slices.Equal(plan.Weaker, want) {
		t.Errorf("weaker by %q, in the plan by %q, want %q", got, plan.Weaker, want)
	}
	if !slices.EqualFunc(before, config.Mounts, func(a, b specs.Mount) bool { return a.Source == b.Source }) {
		t.Errorf("the configuration has changed: %v, was %v", config.Mounts, before)
	}
}
