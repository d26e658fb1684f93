package tui

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/observe"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// only is the one sandbox of a home, once there is one.
func (h home) only(t *testing.T) sandbox.Sandbox {
	t.Helper()
	var list []sandbox.Sandbox
	waitFor(t, "a sandbox", func() bool {
		list, _ = h.store.List()
		return len(list) == 1
	})
	return list[0]
}

// stepAt is the first step of a sandbox's plan whose call begins so.
func stepAt(t *testing.T, sb sandbox.Sandbox, call string) int {
	t.Helper()
	plan, err := traceOf(t, sb).Plan()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(plan.Steps, func(s step.Step) bool { return strings.HasPrefix(s.Call(), call) })
	if at < 0 {
		t.Fatalf("no step begins with %s", call)
	}
	return at
}

// TestStepThrough leads a whole launch by keys, and compares what is shown
// after each step with what the kernel says; the host stays as it is.
func TestStepThrough(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 200, 150, bb)
	u.sees("Root filesystems (2)")
	u.types("jS")
	u.sees("Plan: ", "Now: before step 1 of", "Nothing is done yet", "none yet")
	sb := h.only(t)
	trace := traceOf(t, sb)
	self, err := observe.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	clone := stepAt(t, sb, "clone")
	for n := range len(trace.Steps) {
		u.sees(fmt.Sprintf("Now: before step %d of %d", n+1, len(trace.Steps)), fmt.Sprintf("=> %2d", n+1))
		waitFor(t, "the state of the sandbox", func() bool {
			sb, err = h.store.Find(sb.ID)
			return err == nil && sb.Status == supervisor.Created && (n <= clone || sb.PID > 0)
		})
		if n > clone {
			now, err := observe.Read(sb.PID)
			if err != nil {
				t.Fatal(err)
			}
			if now.Namespaces["mnt"] == self.Namespaces["mnt"] {
				t.Fatalf("before step %d init has our mount namespace", n+1)
			}
			u.sees(append(stateRows(now, self, sb.Bundle), fmt.Sprintf("Changed by step %d", n))...)
		}
		h.untouched(t, self)
		u.types("n")
	}
	u.sees("Now: the program runs", "Enter attach")
	now, err := observe.Read(sb.PID)
	if err != nil || now.Program != "/bin/sh" {
		t.Errorf("process %d is %q, %v", sb.PID, now.Program, err)
	}
	u.types("b")
	u.sees(fmt.Sprintf("Recorded: before step %d", len(trace.Steps)))
	u.types("nn")
	u.sees("/ #", "To get out")
	u.types("echo $((6*7))\r")
	u.sees("│42")
}

// traceOf asks a supervisor for the trace, which the launch's own connection may
// have before there is a socket for others.
func traceOf(t *testing.T, sb sandbox.Sandbox) (trace step.Trace) {
	t.Helper()
	waitFor(t, "the trace", func() (ok bool) {
		var err error
		trace, err = sb.Trace()
		return err == nil
	})
	return trace
}

// stateRows are what the screen says of a state, which leaves the sandbox's
// own directory out of paths.
func stateRows(now, host observe.State, bundle string) []string {
	brief := func(path string) string { return strings.ReplaceAll(path, bundle, "…") }
	rows := []string{
		fmt.Sprintf("%d on the host: %s", now.PID, now.Program),
		"root         " + brief(now.Root), "cwd          " + brief(now.Cwd),
		"user         " + now.User.UIDs, "capabilities " + now.User.Effective,
		"interfaces   " + strings.Join(now.Interfaces, " "), "addresses    " + strings.Join(now.Addresses, " "),
		fmt.Sprintf("Mounts (%d)", len(now.Mounts)),
	}
	if now.Hostname != "" {
		rows = append(rows, "hostname     "+now.Hostname)
	}
	for _, p := range now.Processes {
		rows = append(rows, fmt.Sprintf("processes    %d %s", p.Inside, p.Command))
	}
	for kind, id := range now.Namespaces {
		whose := "the supervisor's"
		if host.Namespaces[kind] != id {
			whose = "NEW"
		}
		rows = append(rows, fmt.Sprintf("%-6s %d %s", kind, id, whose))
	}
	for _, m := range now.Mounts {
		if strings.HasPrefix(m.Point, bundle) { // the host's may be too long for the screen
			rows = append(rows, brief(m.Point))
		}
	}
	return rows
}

// untouched: the host has its hostname, its root, and none of our mounts.
func (h home) untouched(t *testing.T, before observe.State) {
	t.Helper()
	now, err := observe.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if now.Hostname != before.Hostname || now.Root != before.Root {
		t.Errorf("the host is called %q now, and its root is %q", now.Hostname, now.Root)
	}
	for _, m := range now.Mounts {
		if strings.HasPrefix(m.Point, h.dir) {
			t.Errorf("the host has the mount %s", m.Point)
		}
	}
	type mount struct { // an id alone may be that of a mount that others have made meanwhile
		id    int
		point string
	}
	at := make(map[mount]string)
	for _, m := range before.Mounts {
		at[mount{m.ID, m.Point}] = m.Propagation
	}
	for _, m := range now.Mounts {
		if was, known := at[mount{m.ID, m.Point}]; known && was != m.Propagation {
			t.Errorf("the host's mount %s is %s, was %s", m.Point, m.Propagation, was)
		}
	}
}

// TestStepTwice presses the keys again before the launch is there: there is one
// launch, on one screen.
func TestStepTwice(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 80, 24, bb)
	u.sees("Root filesystems (2)")
	u.types("jSSSS")
	u.sees("Now: before step 1 of")
	u.types("\x1b")
	u.sees("waits before step 1", "Sandboxes (1)")
	sb := h.only(t)
	u.types("S") // the first one's end does not stand in the way of another
	u.sees("Now: before step 1 of")
	u.types("a")
	u.sees("Sandboxes (1)")
	if err := sb.Remove(t.Context(), true); err != nil {
		t.Error(err)
	}
}

// TestStepLeave leaves a launch in the middle, and the UI too, comes back, and
// runs it to a mark and to the end.
func TestStepLeave(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 80, 24, bb)
	u.sees("Root filesystems (2)")
	u.types("jS")
	u.sees("Now: before step 1 of")
	u.types("nn")
	u.sees("Now: before step 3 of")
	u.types("\x1b")
	u.sees("waits before step 3", "created")
	u.types("\t") // the sandboxes
	u.sees("▸Sandboxes (1)", "Enter step on")
	u.seesNo("e shell") // it would run in the host's tree
	u.types("e")
	u.sees("e: the launch of", "waits between two steps: S goes on")
	u.types("S")
	u.sees("Now: before step 3 of")
	u.types("\x1b")
	u.sees("waits before step 3")
	u.types("\r")
	u.sees("Now: before step 3 of")
	u.types("b")
	u.sees("Recorded: before step 2", "Changed by step 1", "NEW")
	u.types("b")
	u.sees("Recorded: before step 1")
	u.types("nn")
	u.sees("Now: before step 3")
	u.types("jjjm")
	u.sees("r run to step 6")
	u.types("r")
	u.sees("Now: before step 6", "r run on")
	u.types("q")
	if code := u.waitsEnd(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	u = h.open(t, 80, 24, bb)
	u.sees("Sandboxes (1)", "created")
	u.types("\t\r")
	u.sees("Now: before step 6")
	u.types("b")
	u.sees("Recorded: before step 5", "Changed by step 4")
	u.types("nr")
	u.sees("the program runs")
	u.types("\r")
	u.sees("/ #")
}

// TestStepReportBeforeThePlan comes to a launch that waits, and is told where
// before it has the plan: what cannot be gone back from yet is not shown.
func TestStepReportBeforeThePlan(t *testing.T) {
	t.Parallel()
	plan := step.Plan{}
	for _, name := range []string{"tank", "reef", "bay"} {
		plan.Steps = append(plan.Steps, step.Step{Actor: step.InitActor, Op: &step.Sethostname{Name: name}})
	}
	encoded, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := newStepScreen(newTheme(true), nil, sandbox.Sandbox{}, nil)
	shows := func(what string) bool { return strings.Contains(strings.Join(s.view(80, 20).rows, "\n"), what) }
	s.take(wire.StepReport{Before: 2, Events: []step.Event{{Seq: 0}, {Seq: 1}}})
	if shows("before step") {
		t.Error("it shows where the launch stands without its plan")
	}
	s.begin(step.Trace{Steps: encoded.Steps})
	if !shows("Now: before step 3 of 3") {
		t.Error("it does not show where the launch stands")
	}
	s.press(tea.KeyPressMsg{Code: 'b', Text: "b"})
	if !shows("Before step 2 of 3") {
		t.Error("b does not go back")
	}
}

// TestStepAbort aborts before each step of a launch, and finds nothing left:
// no process, mount, file, directory or control group.
func TestStepAbort(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 100, 30, bb)
	u.sees("Root filesystems (2)")
	self, err := observe.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	u.types("jS")
	u.sees("Now: before step 1 of")
	u.types("a")
	u.sees("is aborted: nothing of it is left", "Sandboxes (0)")
	waitFor(t, "its processes to end", func() bool { return len(h.processes(t)) == 0 })
	files := h.files(t) // with the locks that all launches share
	for at, steps := 0, 1; at < steps; at++ {
		u.types("S")
		u.sees("Now: before step 1 of")
		sb := h.only(t)
		steps = len(traceOf(t, sb).Steps)
		clone := stepAt(t, sb, "clone")
		u.types(strings.Repeat("n", at))
		u.sees(fmt.Sprintf("Now: before step %d of", at+1))
		waitFor(t, "the state of the sandbox", func() bool {
			sb, err = h.store.Find(sb.ID)
			return err == nil && sb.Status == supervisor.Created && (at <= clone || sb.PID > 0)
		})
		u.types("a")
		u.sees("is aborted: nothing of it is left", "Sandboxes (0)")
		waitFor(t, "its processes to end", func() bool {
			return startTime(sb.PID) == 0 && startTime(sb.Keeper) == 0 && len(h.processes(t)) == 0
		})
		if left := h.files(t); !slices.Equal(left, files) {
			t.Fatalf("aborted before step %d, it leaves\n%s\nthere were\n%s", at+1, strings.Join(left, "\n"), strings.Join(files, "\n"))
		}
		if left := controlGroups(sb.ID); len(left) > 0 {
			t.Fatalf("aborted before step %d, it leaves %q", at+1, left)
		}
		h.untouched(t, self)
		if at == 0 && steps < 20 {
			t.Errorf("there are only %d steps", steps)
		}
	}
}

// files lists all that is in the home.
func (h home) files(t *testing.T) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(h.dir, func(path string, _ os.DirEntry, err error) error {
		list = append(list, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// controlGroups finds those that have a sandbox's id in their name.
func controlGroups(id string) []string {
	var found []string
	filepath.WalkDir("/sys/fs/cgroup", func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.Contains(entry.Name(), id) {
			found = append(found, path)
		}
		return nil // what goes away meanwhile is none of ours
	})
	return found
}

// TestStepWhatIf leaves the private mount out, and sees the leak in the outer
// mount namespace, as the kernel has it; the host has none of it.
func TestStepWhatIf(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("an outer mount namespace needs root") // CI runs it as root too
	}
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	self, err := observe.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	u := h.open(t, 120, 40, bb)
	u.sees("Root filesystems (2)")
	u.types("jW")
	u.sees("Now: before step 1 of", "x leave out")
	sb := h.only(t)
	private := stepAt(t, sb, `mount(NULL, "/", NULL, MS_REC|MS_PRIVATE`)
	u.types(strings.Repeat("n", private))
	u.sees(fmt.Sprintf("Now: before step %d of", private+1))
	u.types("x")
	u.sees(fmt.Sprintf("Now: before step %d of", private+2), "it was left out on purpose", "-- ")
	sb = h.only(t) // at first its creator kept it
	root := filepath.Join(sb.Bundle, "root")
	if outer := outerMounts(t, sb); slices.Contains(outer, root) {
		t.Errorf("%s is mounted in the outer namespace before the step that mounts it", root)
	}
	u.types("n")
	u.sees(fmt.Sprintf("Now: before step %d of", private+3), "LEAKED to the outer mount namespace", "…/root: overlay")
	if outer := outerMounts(t, sb); !slices.Contains(outer, root) {
		t.Errorf("%s is not mounted in the outer namespace, which has %q", root, outer)
	}
	h.untouched(t, self)
	u.types("r")
	u.sees("FAILED at step", `pivot_root(".", ".")`, "FAILED with EINVAL", "is shared", ", not isolation")
	h.untouched(t, self)
	u.types("g")
	u.sees("Recorded: before step 1 of")
	u.types(strings.Repeat("j", private+1))
	u.sees(fmt.Sprintf("Recorded: before step %d of", private+2), "it was left out on purpose")
	u.types("\x1b")
	u.sees("Sandboxes (0)")
	waitFor(t, "all to be undone", func() bool { return len(h.processes(t)) == 0 })
	h.untouched(t, self)
}

// outerMounts are what is mounted in the namespace around a sandbox that may go
// wrong: that of a thread of its supervisor.
func outerMounts(t *testing.T, sb sandbox.Sandbox) []string {
	t.Helper()
	own := readFile(t, fmt.Sprintf("/proc/%d/mountinfo", sb.Keeper))
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/mountinfo", sb.Keeper))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range threads {
		content, err := os.ReadFile(path)
		if err != nil || string(content) == own {
			continue // a thread that has ended, or one in the host's namespace
		}
		var points []string
		for _, m := range observe.ParseMounts(string(content)) {
			points = append(points, m.Point)
		}
		return points
	}
	t.Fatal("no thread of the supervisor is in an outer mount namespace")
	return nil
}

// TestStepFailure steps into a refusal.
func TestStepFailure(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 120, 40, bb)
	u.sees("Root filesystems (2)")
	u.types("jS")
	u.sees("Now: before step 1 of")
	if err := os.Remove(filepath.Join(bb, "bin", "busybox")); err != nil {
		t.Fatal(err)
	}
	u.types("r")
	u.sees("FAILED at step", "FAILED with ENOENT", "!!")
	u.types("\x1b")
	u.sees("Sandboxes (0)")
	list, err := h.store.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, sb := range list {
		if err := sb.Remove(context.Background(), true); err != nil {
			t.Error(err)
		}
		t.Errorf("%s is left", sb.Name)
	}
}
