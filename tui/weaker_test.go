package tui

import (
	"strings"
	"testing"

	"aquarium/runtime/spec"
)

// TestWeakerSandboxes: wherever a sandbox is shown, it is said what it lacks.
func TestWeakerSandboxes(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	h.launch(t, spec.Options{Name: "full", Rootfs: bb, TTY: true, Interactive: true, Cols: 47, Rows: 21})
	h.launch(t, spec.Options{Name: "weak", Rootfs: bb, TTY: true, Interactive: true, RootSwitch: spec.Chroot, Share: []string{"net"}, Unconfined: true, Cols: 47, Rows: 21})
	u := h.open(t, 80, 24, bb)
	u.sees("Sandboxes (2)", "● full", "●!weak", "full ● running ─")
	u.seesNo("not isolation")
	u.types("\tj")
	u.sees("weak ● running, not isolation ─")
	u.types("i")
	u.sees("not isolation chroot, share net, no seccomp")
	u.types("7")
	u.sees("▸7 Users", "not isolation  chroot, share net, no seccomp")
	u.types("z")
	u.sees("weak not isolation: chroot, share net, no seccomp")
	u.types("z")
	u.sees("weak ● running, not isolation ─")
	u.types("0a")
	u.sees("To get out", "weak ●! ─")
	u.types("\x1dd")
	u.sees("Enter attach")
	u.types("a")
	u.sees("weak ● not isolation ─", "─ Ctrl-] d detaches ─")
	u.types("\x1dz")
	u.sees("weak attached, not isolation")
	u.types("\x1dd")
	u.sees("Sandboxes (2)")
	u.types("/not isolation\r")
	u.sees("Sandboxes (1/2)")
	u.types("/\x15\r")
	u.sees("Sandboxes (2)")
	u.resize(120, 40)
	u.sees("weak ● running, not isolation: chroot, share net, no seccomp ─")
}

// TestWeakerPlan: nor is it kept back before.
func TestWeakerPlan(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 80, 24, bb)
	u.sees("Root filesystems (2)")
	u.types("jo")
	u.sees("Launch /", "aquarium run -it")
	u.toField("Root switch")
	u.types(" \x10")
	u.sees("The launch, call by call", "not isolation: chroot")
}

// toField moves to a field of the launch form.
func (u *user) toField(label string) {
	u.t.Helper()
	for before := u.screen(); !strings.Contains(before, "▸ "+label); before = u.screen() {
		u.types("\x1b[B")
		u.waits("the next field", func(screen string) bool { return screen != before })
	}
}
