package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestFromAnotherPIDNamespace looks at sandboxes from where their supervisors
// have no number: they run, and are left alone.
func TestFromAnotherPIDNamespace(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.run(t, "run", "-d", "--name", "coral", p.bb(), "sleep", "1000")
	p.run(t, "run", "-d", "--name", "gone", p.bb(), "true")
	p.run(t, "logs", "-f", "gone")
	flags := "-pf"
	if os.Geteuid() != 0 {
		flags = "-Urpf"
	}
	look := p.command("ps", "-a")
	elsewhere := exec.Command("unshare", slices.Concat([]string{flags, "--mount-proc", look.Path}, look.Args[1:])...)
	elsewhere.Env = look.Env
	out, err := elsewhere.CombinedOutput()
	here := p.run(t, "ps", "-a")
	for _, list := range []string{string(out), here} {
		for line := range strings.Lines(list) {
			name, _, _ := strings.Cut(line, " ")
			if want := map[string]string{"coral": "running", "gone": "stopped (0)"}[name]; !strings.Contains(line, want) {
				t.Errorf("%q is not %s", line, want)
			}
		}
		if err != nil || !strings.Contains(list, "coral") || !strings.Contains(list, "gone") {
			t.Errorf("%v: %s", err, list)
		}
	}
	if out := p.run(t, "exec", "coral", "echo", "lives"); out != "lives\n" {
		t.Errorf("it says %q", out)
	}
}
