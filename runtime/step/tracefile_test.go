package step

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"aquarium/runtime/observe"
)

// recordedTrace is a launch that was stepped through.
func recordedTrace(t testing.TB) Trace {
	t.Helper()
	trace := failedTrace(t)
	trace.Weaker = []string{"chroot"}
	for i := range 3 {
		trace.Record(Snapshot{i, observe.State{Hostname: fmt.Sprint("host", i), Namespaces: map[string]uint64{"mnt": uint64(i)}, Mounts: []observe.Mount{{ID: i, Point: "/", Type: "ext4"}}}})
	}
	return trace
}

func document(t testing.TB, trace Trace) []byte {
	t.Helper()
	text, err := json.Marshal(trace)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestATraceIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	want := recordedTrace(t)
	got, err := ReadTrace(bytes.NewReader(document(t, want)))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("it is %+v (%v), was %+v", got, err, want)
	}
}

// TestPartsOfATraceAreRefused: a file that was cut short is not half a trace.
func TestPartsOfATraceAreRefused(t *testing.T) {
	t.Parallel()
	whole := document(t, recordedTrace(t))
	for n := range whole {
		if _, err := ReadTrace(bytes.NewReader(whole[:n])); err == nil || !strings.Contains(err.Error(), "breaks off") {
			t.Fatalf("of the first %d bytes of %d it says %v", n, len(whole), err)
		}
	}
}

func TestWhatIsNoTraceIsRefused(t *testing.T) {
	t.Parallel()
	change := func(f func(*Trace)) io.Reader {
		trace := recordedTrace(t)
		f(&trace)
		return bytes.NewReader(document(t, trace))
	}
	const head = `{"aquariumTrace":1,"steps":[`
	for _, c := range []struct {
		name string
		r    io.Reader
		want string
	}{
		{"another version", change(func(t *Trace) { t.Version = 7 }), "it is of version 7, and this Aquarium reads version 1"},
		{"no version", change(func(t *Trace) { t.Version = 0 }), "not a trace: it does not say that it is one"},
		{"no steps", change(func(t *Trace) { t.Steps = nil }), "there is no launch in it"},
		{"a step that is none", change(func(t *Trace) { t.Steps[1] = []byte(`{"op":"Reboot"}`) }), `unknown operation "Reboot"`},
		{"an event of a step that is not there", change(func(t *Trace) { t.Events[0].Seq = 4 }), "what it says of step 5 of 4 cannot be"},
		{"an event before the first", change(func(t *Trace) { t.Events[0].Seq = -1 }), "cannot be"},
		{"an impossible errno", change(func(t *Trace) { t.Events[0].Errno = -1 }), "cannot be"},
		{"an impossible time", change(func(t *Trace) { t.Events[0].Took = -1 }), "cannot be"},
		{"a time beyond all sums", change(func(t *Trace) { t.Events[0].Took = 1<<63 - 1 }), "cannot be"},
		{"a state after the end", change(func(t *Trace) { t.States[0].Before = 5 }), "a state before step 6 of 4"},
		{"more events than steps", change(func(t *Trace) { t.Events = append(t.Events, t.Events...) }), "6 events in 4 steps"},
		{"more states than steps", change(func(t *Trace) { t.States = append(t.States, t.States...) }), "6 states of 4 steps"},
		{"too many steps", strings.NewReader(head + strings.Repeat("0,", maxSteps) + "0]}"), "it has 1001 steps"},
		{"too many values", strings.NewReader(head + strings.Repeat("0,", maxValues) + "0]}"), "more than the 1048576 values"},
		{"too long", io.MultiReader(strings.NewReader(`{"name":"`), endless{}), "longer than the 16 MB"},
		{"a number for a name", strings.NewReader(`{"aquariumTrace":1,"name":7}`), `not a trace: "name" is a number`},
		{"a list", strings.NewReader(`[]`), "it is no JSON object"},
		{"a program", strings.NewReader("\x7fELF"), "not a trace: invalid character"},
		{"two of them", io.MultiReader(change(func(*Trace) {}), change(func(*Trace) {})), "not a trace: invalid character '{' after"},
	} {
		if _, err := ReadTrace(c.r); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", c.name, err, c.want)
		}
	}
}

// endless is a file without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

// TestStatesAreBounded: what a trace records can be read again, on a machine
// with however many mounts.
func TestStatesAreBounded(t *testing.T) {
	t.Parallel()
	trace := failedTrace(t)
	crowded := observe.State{Mounts: make([]observe.Mount, 20000)}
	for i := range crowded.Mounts {
		crowded.Mounts[i] = observe.Mount{ID: 100000 + i, Parent: 100000, Root: "/", Point: fmt.Sprintf("/var/lib/kubelet/pods/%036d/volumes", i),
			Options: "rw,nosuid,nodev,noexec,relatime", Propagation: "shared:12345 master:54321", Type: "tmpfs", Source: "tmpfs"}
	}
	for i := range trace.Steps {
		trace.Record(Snapshot{i, crowded})
	}
	trace.Record(Snapshot{len(trace.Steps), observe.State{Hostname: "small"}})
	if n := len(trace.States); n < 2 || n > len(trace.Steps) {
		t.Errorf("%d states are kept", n)
	}
	if last := trace.States[len(trace.States)-1]; last.State.Hostname != "small" {
		t.Error("the small one is not kept, though there is room")
	}
	indented, err := json.MarshalIndent(trace, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadTrace(bytes.NewReader(indented)); err != nil {
		t.Errorf("a trace of %d bytes is not read again: %v", len(indented), err)
	}
}

// TestManyMountsTakeNoLongTime: hostile states are compared in time.
func TestManyMountsTakeNoLongTime(t *testing.T) {
	t.Parallel()
	trace := failedTrace(t)
	var mounts [2][]observe.Mount
	for i := range 40000 {
		mounts[0] = append(mounts[0], observe.Mount{ID: i, Point: "/a", Type: "tmpfs"})
		mounts[1] = append(mounts[1], observe.Mount{ID: i + 1<<20, Point: "/b", Type: "tmpfs"})
	}
	for i := range 2 {
		trace.States = append(trace.States, Snapshot{i, observe.State{Namespaces: map[string]uint64{"mnt": uint64(i + 1)}, Mounts: mounts[i]}})
	}
	const most = 5 * time.Second
	took := most + 1
	for range 3 { // a busy machine may take its time, too
		if took <= most {
			break
		}
		began := time.Now()
		entries, err := trace.Entries()
		if err != nil || len(entries[0].Changed) < 80000 {
			t.Fatalf("%d changes, %v", len(entries[0].Changed), err)
		}
		took = time.Since(began)
	}
	if took > most {
		t.Errorf("comparing 40,000 mounts took %v", took)
	}
}

// FuzzTrace: a trace is a file that anyone may have written.
func FuzzTrace(f *testing.F) {
	f.Add(document(f, recordedTrace(f)))
	f.Add([]byte(`{"aquariumTrace":1,"steps":[{"op":"User","args":{"spec":"\u001b[31m"}}],"events":[{"seq":0,"errno":95}]}`))
	f.Add([]byte(`{"aquariumTrace":1,"steps":[{"op":"Umount"}],"states":[{"before":0,"state":{"mounts":[{}],"processes":[{}],"interfaces":[""]}},{"before":1}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		trace, err := ReadTrace(bytes.NewReader(document))
		if err != nil {
			if text := err.Error(); text == "" || len(text) > 4*len(document)+200 {
				t.Errorf("the error is %q", text)
			}
			return
		}
		text, err := trace.Text()
		if err != nil {
			t.Fatalf("it was read, but cannot be shown: %v", err)
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) && r != '\uFFFD' }); i >= 0 {
			t.Errorf("%q reaches the terminal: %q", text[i:], text)
		}
		entries, err := trace.Entries()
		if err == nil {
			_, err = json.Marshal(entries)
		}
		if err != nil {
			t.Errorf("it can be shown as text, but not as JSON: %v", err)
		}
		redacted, err := trace.Redact()
		if err != nil {
			t.Fatalf("it cannot be exported: %v", err)
		}
		if _, err := redacted.Text(); err != nil {
			t.Errorf("what is exported cannot be shown: %v", err)
		}
	})
}
