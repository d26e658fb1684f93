package sandbox

import (
	"path/filepath"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/launch"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
)

// newPlan is launch.NewPlan, with what makes the sandbox weaker on this machine.
func newPlan(config *specs.Spec) (step.Plan, error) {
	plan, err := launch.NewPlan(config)
	if err == nil {
		plan.Weaker = weaker(config)
	}
	return plan, err
}

// weaker is spec.Weaker of a configuration whose mounts are called what their
// sources are once symbolic links have been followed, as the kernel will.
func weaker(config *specs.Spec) []string {
	followed := *config
	followed.Mounts = slices.Clone(config.Mounts)
	for i, m := range followed.Mounts {
		if !filepath.IsAbs(m.Source) {
			continue // of a filesystem that has no source
		}
		if real, err := filepath.EvalSymlinks(m.Source); err == nil {
			followed.Mounts[i].Source = real
		}
	}
	return spec.Weaker(&followed)
}
