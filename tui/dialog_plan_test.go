package tui

import (
	"strings"
	"testing"

	"aquarium/runtime/spec"
)

// TestPlanIsThatOfDryRun: in the form nothing of it is left out, in whatever
// width.
func TestPlanIsThatOfDryRun(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	plan, err := h.store.Plan(spec.Options{Rootfs: bb, RootSwitch: spec.Chroot})
	if err != nil {
		t.Fatal(err)
	}
	const enough = 10000 // for every line
	dialog := newPlanDialog(theme{}, plan)
	shown := dialog.view(enough, enough)
	for i, want := range strings.Split(strings.TrimSuffix(plan.Text(), "\n"), "\n") {
		if i >= len(shown.rows) || strings.TrimRight(shown.rows[i], " ") != want {
			t.Fatalf("row %d of %d is not %q", i, len(shown.rows), want)
		}
	}
	words := strings.Join(strings.Fields(plan.Text()), "")
	for _, w := range []int{74, 40} {
		if got := strings.Join(strings.Fields(strings.Join(dialog.view(w, enough).rows, "")), ""); got != words {
			t.Errorf("in %d columns the words are not the same:\n%s", w, strings.Join(dialog.view(w, enough).rows, "\n"))
		}
	}
}
