package tui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"aquarium/runtime/observe"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/wire"
)

// steppedTrace is a launch that was stepped through.
func (h home) steppedTrace(t *testing.T, o spec.Options) step.Trace {
	t.Helper()
	o.Stepped, o.RootSwitch = true, spec.PivotRoot
	sb, conn, err := h.store.Launch(o)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	timer := time.AfterFunc(patience, func() { conn.Close() })
	defer timer.Stop()
	for {
		kind, payload, err := conn.Next()
		if err != nil {
			t.Fatal(err)
		}
		switch kind {
		case wire.Before:
			var r wire.StepReport
			if err := json.Unmarshal(payload, &r); err != nil {
				t.Fatal(err)
			}
			if err := conn.GoOn(r.Before); err != nil {
				t.Fatal(err)
			}
		case wire.Started:
			trace, err := sb.Trace()
			waitFor(t, "the trace", func() bool {
				trace, err = sb.Trace()
				return err == nil && len(trace.States) == len(trace.Steps)+1
			})
			return trace
		}
	}
}

// export writes a trace as `aquarium trace --export` does.
func export(t *testing.T, trace step.Trace) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lesson.json")
	if err := sandbox.WriteTrace(path, trace); err != nil {
		t.Fatal(err)
	}
	return path
}

// replays opens a trace where no state directory can be.
func replays(t *testing.T, cols, rows int, path string) *user {
	t.Helper()
	env := append(home{dir: "/proc/nowhere"}.environment(), "HOME=/proc/nowhere", "XDG_RUNTIME_DIR=/proc/nowhere")
	return startUser(t, cols, rows, env, program(t), "trace", path)
}

// TestReplay replays a launch that was stepped through, to its end and back,
// and finds the recorded states.
func TestReplay(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	trace := h.steppedTrace(t, spec.Options{Name: "lesson", Hostname: "reef", Rootfs: bb, Command: []string{"sleep", "100000"}})
	u := replays(t, 140, 100, export(t, trace))
	n := len(trace.Steps)
	at := func(i int) {
		t.Helper()
		state, _ := trace.StateBefore(i)
		want := []string{
			"Replay: lesson", "root         " + state.Root, "hostname     " + state.Hostname, fmt.Sprintf("Mounts (%d)", len(state.Mounts)),
			"interfaces   " + strings.Join(state.Interfaces, " "), fmt.Sprintf(" %d ", state.Namespaces["mnt"]),
		}
		if i < n {
			want = append(want, fmt.Sprintf("Recorded: before step %d of %d", i+1, n), fmt.Sprintf("=> %2d", i+1))
		} else {
			want = append(want, "The program runs", "1 sleep 100000")
		}
		if i > 0 {
			before, _ := trace.StateBefore(i - 1)
			want = append(want, fmt.Sprintf("Changed by step %d", i))
			if before.Namespaces["mnt"] != state.Namespaces["mnt"] {
				want = append(want, fmt.Sprintf("%d NEW", state.Namespaces["mnt"]))
			}
		}
		u.sees(want...)
	}
	for i := range n {
		at(i)
		u.types([]string{"n", "\r", " ", "j"}[i%4])
	}
	at(n)
	u.types("n")
	at(n)
	for i := n - 1; i >= 0; i-- {
		u.types([]string{"b", "k"}[i%2])
		at(i)
	}
	u.types("b")
	at(0)
	u.types("G")
	at(n)
	u.types("g")
	at(0)
	u.types("c")
	u.sees("Step 1", "done by   supervisor", "manual", "errno     0", "microseconds", "changed")
	u.types("\x1b")
	u.seesNo("done by")
	u.types("?")
	u.sees("Help", "Go one step on", "Leave.")
	u.types("\x1b")
	u.seesNo("Leave.")
	u.types("\x1b")
	if code := u.waitsEnd(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}

// TestReplayOfALaunchThatRan: nothing was recorded on the way; the steps tell.
func TestReplayOfALaunchThatRan(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	sb := h.launch(t, spec.Options{Name: "ran", Hostname: "reef", Rootfs: bb, Command: []string{"sleep", "100000"}, Share: []string{"net"}})
	trace := traceOf(t, sb)
	u := startUser(t, 80, 24, append(h.environment(), "NO_COLOR=1"), "/bin/sh", "-c", `"$0" trace - <"$1"`, program(t), export(t, trace))
	u.sees("Replay: ran, not isolation", "Nothing is done yet", "Before step 1 of", "only of a launch")
	number := func(call string) int {
		return slices.IndexFunc(mustEntries(t, trace), func(e step.Entry) bool { return strings.HasPrefix(e.Call, call) }) + 1
	}
	clone, i := number("clone"), number("sethostname")-1
	u.types(strings.Repeat("n", clone))
	u.sees(fmt.Sprintf("Changed by step %d", clone), "process: aquarium-init ran", "namespace")
	u.types(strings.Repeat("n", i+1-clone))
	u.sees(fmt.Sprintf("Changed by step %d", i+1), "hostname: reef", "Changed before that")
	u.types("G")
	u.sees("The program runs", "as process")
	u.types("q")
	if code := u.waitsEnd(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	if found := colours.Find(u.output()); found != nil {
		t.Errorf("colour %q was written in spite of NO_COLOR", found)
	}
}

func mustEntries(t *testing.T, trace step.Trace) []step.Entry {
	t.Helper()
	entries, err := trace.Entries()
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// fabricated is a trace of three steps by somebody else: the second was left
// out, the third refused.
func fabricated(t testing.TB, text string) step.Trace {
	t.Helper()
	plan := step.Plan{Steps: []step.Step{
		{Actor: step.Supervisor, Why: "Start init." + text, Man: "clone(2)", Op: &step.Clone{Flags: 0x20000000, Title: "web" + text}},
		{Actor: step.InitActor, Why: "Name it.", Man: "sethostname(2)" + text, Namespace: "uts", Op: &step.Sethostname{Name: "reef" + text}},
		{Actor: step.InitActor, Why: "Mount it.", Man: "mount(2)", Namespace: "mnt" + text, Op: &step.Mount{Source: "proc" + text, Target: "/proc", Type: "proc"}},
		{Actor: step.InitActor, Why: "Run it.", Man: "execve(2)", Op: &step.Exec{Argv: []string{"sh" + text}}},
	}}
	encoded, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	state := observe.State{
		Root: "/r" + text, Cwd: text, Hostname: "host" + text, Program: text, Namespaces: map[string]uint64{"mnt": 7},
		User: observe.User{UIDs: text, Effective: text}, Mounts: []observe.Mount{{ID: 1, Point: "/" + text, Type: text, Options: text, Propagation: text}},
		Processes: []observe.Process{{PID: 5, Inside: 1, Command: text}}, Interfaces: []string{text}, Addresses: []string{text},
	}
	return step.Trace{
		Version: step.TraceVersion, Name: "web" + text, Kernel: "6" + text, Steps: encoded.Steps, Weaker: []string{"chroot" + text},
		Events: []step.Event{
			{Seq: 0, Took: time.Millisecond, Changed: []observe.Change{{Kind: "process" + text, After: "init" + text}}},
			{Seq: 1, Skipped: true},
			{Seq: 2, Errno: 1, Call: `mount("proc")` + text, Detail: "it is Monday" + text},
		},
		States: []step.Snapshot{{Before: 2, State: state}},
	}
}

// TestReplayStandsOut: what failed and what was left out are seen at once, in
// words and not only in colours.
func TestReplayStandsOut(t *testing.T) {
	t.Parallel()
	u := replays(t, 80, 24, export(t, fabricated(t, "")))
	u.sees("FAILED at step 3 of 4", "▸!!  3 mount(", "--  2 sethostname", "FAILED with EPERM: operation not permitted", "because: it is Monday",
		"Changed by step 2", "it was left out on purpose", "f failure", "Esc back")
	u.types("k")
	u.sees("Before step 2 of 4, as the steps say", "SKIPPED: it was left out on purpose", "Changed by step 1", "process: init")
	u.types("c")
	u.sees("Step 2", "none: it was left out on purpose")
	u.types("\x1b")
	u.seesNo("Step 2")
	u.types("G")
	u.sees("FAILED at step 3 of 4", "not done", `execve("sh"`)
	u.types("gf")
	u.sees("because: it is Monday")
	u.types("\x1b")
	u.waitsEnd()
}

// TestReplayOfHostileText: what a trace says of itself does nothing to the
// terminal.
func TestReplayOfHostileText(t *testing.T) {
	t.Parallel()
	const evil = "\x1b]0;pwned\x07\x1b[31mred\u009b2J\u202e\r\n"
	u := replays(t, 100, 30, export(t, fabricated(t, evil)))
	u.sees("FAILED at step 3 of 4", "FAILED with EPERM")
	for range 3 {
		u.types("k")
		u.types("c")
		u.sees("done by")
		u.types("\x1b")
		u.seesNo("done by")
	}
	u.types("jj\tjjjjjjjjjy")
	u.sees("Copied")
	u.types("q")
	u.waitsEnd()
	for _, part := range []string{"\x1b]0;", "\x1b[31mred", "\u009b", "\u202e"} {
		if strings.Contains(string(u.output()), part) {
			t.Errorf("%q was written to the terminal", part)
		}
	}
}

// TestReplayDialog opens a file, and a launch that failed, from within the UI.
func TestReplayDialog(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	path := export(t, fabricated(t, ""))
	u := h.open(t, 100, 30, bb)
	u.sees("Root filesystems (2)")
	u.types("R")
	u.sees("Replay a launch", "--export FILE")
	u.types(path + "x\r")
	u.sees("That did not work", "no such file")
	u.types("\r")
	u.seesNo("That did not work")
	u.types("\x7f\r")
	u.sees("Replay: web", "FAILED at step 3 of 4")
	u.types("\x1b")
	u.sees("Root filesystems (2)")
	if _, _, err := h.store.Launch(spec.Options{Rootfs: bb, Name: "lost", Command: []string{"/nosuch"}}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the trace of the failed launch", func() bool { return slices.Contains(h.store.FailedLaunches(), "lost") })
	u.types("R")
	u.sees("Replay a launch", "▸lost")
	u.types("\r")
	u.sees("Replay: lost", "FAILED with ENOENT")
	u.types("\x1b")
	u.sees("Root filesystems (2)")
	u.types("R")
	u.sees("Replay a launch")
	u.types(filepath.Join(h.store.Data, "failed", "lost.json") + "\r")
	u.sees("Replay: lost", "FAILED with ENOENT")
}

// TestReplayOfWhatIsNoTrace: it is refused in one sentence, before the screen
// is touched.
func TestReplayOfWhatIsNoTrace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cut.json")
	whole, err := os.ReadFile(export(t, fabricated(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	u := replays(t, 200, 24, path)
	u.sees("not all of one: it breaks off")
	if code := u.waitsEnd(); code != 125 {
		t.Errorf("it ended with %d", code)
	}
}

// FuzzReplay: whatever can be read as a trace can be moved through, and is drawn
// as rows of the right size without anything that a terminal acts on. Traces are
// long: fuzz it with -fuzzminimizetime 10x.
func FuzzReplay(f *testing.F) {
	for _, text := range []string{"", "\x1b]0;pwned\x07\u202e\r\n", strings.Repeat("wide 日本 ", 20)} {
		var document bytes.Buffer
		if err := sandbox.WriteTraceTo(&document, fabricated(f, text)); err != nil {
			f.Fatal(err)
		}
		f.Add(document.Bytes())
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		trace, err := step.ReadTrace(bytes.NewReader(document))
		if err != nil {
			return
		}
		s := newReplay(newTheme(true), trace, nil)
		for _, key := range []string{"g", "n", "n", "b", "tab", "j", "j", "tab", "G", "k"} {
			if !s.launchView.press(key) {
				s.moveTo(s.place() + 1)
			}
			for i, row := range s.view(80, 23).rows {
				if width(row) != 80 {
					t.Errorf("row %d is %d columns wide: %q", i, width(row), row)
				}
				checkVisible(t, row)
			}
			if e, ok := s.selected(); ok {
				for _, row := range newStepDialog(s.theme, e).view(70, 20).rows {
					checkVisible(t, row)
				}
			}
		}
	})
}

// checkVisible: but for our own styles a row has nothing that does something.
func checkVisible(t *testing.T, row string) {
	t.Helper()
	for _, r := range ansi.Strip(row) {
		if !unicode.IsPrint(r) && r != '\uFFFD' {
			t.Errorf("%q is in %q", r, row)
		}
	}
	if strings.Contains(row, "\x1b]") {
		t.Errorf("a control string is in %q", row)
	}
}
