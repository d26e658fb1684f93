package tui

import (
	"os"
	"path/filepath"
	"testing"

	"aquarium/runtime/spec"
)

// TestLaunchTab reads the trace of a sandbox that runs, and of the same when
// it has ended.
func TestLaunchTab(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.launch(t, spec.Options{Name: "web", Rootfs: busybox(t), Hostname: "fishbowl", Command: []string{"sh", "-c", "read line"}, TTY: true, Interactive: true})
	u := h.open(t, 120, 40)
	u.sees("web ● running")
	u.types("t")
	u.sees("▸t Launch", "steps done", "MICROS", "clone(", "namespace mnt:")
	u.types("\t\t")
	u.sees("▸web ● running")
	u.types("/")
	u.sees("Filter:")
	u.types("sethostname")
	u.sees("Filter: sethostname", `sethostname("fishbowl", 8)`)
	u.types("\r")
	u.seesNo("Filter: sethostname")
	u.types("\r")
	u.sees("Details", "sethostname(2)", "done by", "init")
	u.types("\x1b")
	u.seesNo("Details")
	u.types("\x1b") // no filter any more
	u.sees("Hide /proc")
	u.types("g")
	u.sees("clone(")
	u.types("\x1b")
	u.sees("▸0 Terminal")
	u.types("a")
	u.sees("To get out")
	u.types("\r")
	u.sees("web ○ stopped", "the keys are Aquarium's")
	u.types("t")
	u.sees("steps done", "clone(")
	u.types("\t")
	u.sees("▸web ○ stopped", "v step through")
	u.types("v")
	u.sees("Replay: web", "Before step 1 of", "Nothing is done yet")
	u.types("\x1b")
	u.sees("▸t Launch", "steps done")
}

// TestLaunchTabFailure sees why a launch failed, and comes back to the form
// that asked for it.
func TestLaunchTabFailure(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	broken := filepath.Join(bb, "bin", "script")
	if err := os.WriteFile(broken, []byte("#!/bin/missing\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	u := h.open(t, 110, 40, bb)
	u.sees("Root filesystems (2)")
	u.types("jo")
	u.sees("Launch /")
	u.types("/bin/script")
	u.sees("▸ Command                    /bin/script")
	u.types("\r")
	u.sees("That did not work", "t the launch, step by step")
	u.types("t")
	u.sees("Replay: ", "FAILED at step", "FAILED with ENOENT", "/bin/missing", "!!")
	u.types("c")
	u.sees("done by", "its ", "because", "/bin/missing", "execve(2)", "microseconds")
	u.types("\x1b")
	u.seesNo("done by")
	u.types("b")
	u.sees("as the steps say", "Changed by step")
	u.types("\x1b")
	u.sees("Launch /", "/bin/script")
}
