package tui

import (
	"os"
	"testing"

	"aquarium/runtime/supervisor"
)

// p pauses, and lets run on; without control groups it says why it cannot.
func TestPauseKey(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.shell(t, "pausing", busybox(t))
	u := h.attaches(t, 100, 24)
	u.types("\x1dd")
	u.sees("Enter attach", "p pause")
	u.types("p")
	if os.Geteuid() != 0 {
		u.sees("no control group to freeze", "Way out: ")
		return
	}
	u.sees("pausing is paused", "‖ pausing")
	if sb := h.only(t); sb.Status != supervisor.Paused {
		t.Errorf("it is %s, want paused", sb.Status)
	}
	u.types("e")
	u.sees("exec in pausing: it is paused", "aquarium unpause pausing")
	u.types("\x1b")
	u.seesNo("exec in pausing")
	u.types("\r")
	u.sees("attached: Ctrl-]")
	u.types("echo typed $((1+1)) blind\r\x1dd") // it waits in the terminal
	u.sees("p unpause")
	u.types("p")
	u.sees("pausing runs on", "● pausing", "typed 2 blind")
}
