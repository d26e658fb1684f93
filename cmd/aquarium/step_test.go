package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"aquarium/runtime/observe"
)

// countSteps is how many steps the launch of a shell on a terminal has, and
// which of them starts init.
func (p place) countSteps(t *testing.T) (count, clone int) {
	t.Helper()
	plan := p.run(t, "run", "--dry-run", "-t", p.bb(), "sh")
	for step := range strings.SplitSeq(plan, "\n\n") {
		count++
		if fields := strings.Fields(step); clone == 0 && strings.HasPrefix(fields[2], "clone") {
			clone = count
		}
	}
	return count, clone
}

// created is the process of the sandbox that waits, 0 before its clone.
func (p place) created(t *testing.T) int {
	t.Helper()
	var list []struct {
		Status string
		PID    int
	}
	if err := json.Unmarshal([]byte(p.run(t, "ps", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Status != "created" {
		t.Fatalf("the sandboxes are %+v, want one that is created", list)
	}
	return list[0].PID
}

// has fails the test when a text was not among the last halt's output.
func (u *user) has(text string) {
	u.t.Helper()
	all := u.received()
	if last := all[strings.LastIndex(all, "=== web: "):]; !strings.Contains(last, text) {
		u.t.Errorf("%q was not shown:\n%s", text, last)
	}
}

// TestStepInATerminal goes through a whole launch at the keyboard, and asks the
// kernel after every step whether the world is as the screen says.
func TestStepInATerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	count, clone := p.countSteps(t)
	u := p.sit(t, "run", "--step", "--rm", "--name", "web", p.bb(), "sh")
	mounts := 0
	for i := 1; i <= count; i++ {
		u.sees(fmt.Sprintf(`step %d of %d: Enter does it`, i, count))
		if pid := p.created(t); pid != 0 {
			state, err := observe.Read(pid)
			if err != nil {
				t.Fatal(err)
			}
			mounts = len(state.Mounts)
			u.has(fmt.Sprintf("mounts      %d (m lists them)\r\n", mounts))
			u.has(fmt.Sprintf("root        %s   cwd %s\r\n", state.Root, state.Cwd))
			u.has(fmt.Sprintf("pid %d NEW", state.Namespaces["pid"]))
		} else if i > clone {
			t.Errorf("before step %d there is no init", i)
		}
		u.types("\r")
	}
	if mounts == 0 {
		t.Error("init never had a mount")
	}
	u.sees(`the program runs as process \d+`)
	u.sees(`/ #`)
	u.types("stty size; cat /proc/1/comm; exit 5\r")
	u.sees(`24 80\s+sh`)
	if code := u.leaves(); code != 5 {
		t.Errorf("the exit status is %d, want 5", code)
	}
}

func TestAbortAndLeaveInATerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	u := p.sit(t, "run", "--step", "--name", "web", p.bb(), "sh")
	u.sees(`step 1 of`)
	u.types("7\r")
	u.sees(`step 7 of`)
	u.types("\x03")
	u.sees("web waits before step 7: `aquarium step web` goes on")
	if code := u.leaves(); code != 130 {
		t.Errorf("the exit status is %d, want 130", code)
	}
	if p.created(t) == 0 {
		t.Error("there is no init")
	}
	u = p.sit(t, "step", "web")
	u.sees(`step 7 of`)
	u.types("a\r")
	u.sees(`launch web: aborted before step 7`)
	if code := u.leaves(); code != exitError {
		t.Errorf("the exit status is %d, want %d", code, exitError)
	}
	if err := p.checkEmpty(); err != nil {
		t.Error(err)
	}
}
