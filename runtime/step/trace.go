package step

import (
	"encoding/json"
	"slices"
	"time"

	"aquarium/runtime/observe"
)

// Trace is a launch as it was: the steps, and what came of each that was
// done, in order. It stands for itself: a file of one can be shown anywhere.
type Trace struct {
	Version int               `json:"aquariumTrace"` // TraceVersion
	Name    string            `json:"name"`          // of the sandbox
	Kernel  string            `json:"kernel"`        // release and machine, see uname(2)
	Began   time.Time         `json:"began"`
	Steps   []json.RawMessage `json:"steps"` // each a Step
	Events  []Event           `json:"events"`
	// States are what the kernel knew of init when a stepped launch halted.
	States []Snapshot `json:"states,omitempty"`
	// PID is init's, later the program's, as the host numbered it; 0 before
	// the clone.
	PID int `json:"pid,omitempty"`
	// Weaker is what makes the sandbox hold less than a default one.
	Weaker []string `json:"weaker,omitempty"`
}

// Snapshot is what the kernel knew before a step.
type Snapshot struct {
	Before int           `json:"before"` // index into the steps; their number for the running program
	State  observe.State `json:"state"`
}

// Entry is one step of a trace, as `aquarium trace --json` prints it.
type Entry struct {
	Seq     int              `json:"seq"` // from 1
	Actor   Actor            `json:"actor"`
	Call    string           `json:"call"` // the system call's name
	Args    []any            `json:"args"` // C strings plain, NULL as null, constants by name
	Why     string           `json:"why"`
	Errno   *int             `json:"errno"`  // 0 on success, null for a step that was not done
	Micros  *int64           `json:"micros"` // null likewise
	Changed []observe.Change `json:"changed"`

	Text    string   `json:"text"`             // the call as C
	Parts   []string `json:"parts,omitempty"`  // the other calls of the step
	Man     string   `json:"man"`              // manual page
	Lands   string   `json:"lands"`            // where the effect is seen
	Error   string   `json:"error,omitempty"`  // errno in words
	Failed  string   `json:"failed,omitempty"` // the call of the step that was refused
	Detail  string   `json:"detail,omitempty"` // why, from evidence
	Skipped bool     `json:"skipped,omitempty"`
	Idle    bool     `json:"idle,omitempty"` // there was nothing to do
}

// Done tells whether the step was done, with or without success.
func (e Entry) Done() bool { return e.Errno != nil }

// Refused tells whether the kernel refused the step.
func (e Entry) Refused() bool { return e.Errno != nil && *e.Errno != 0 }

// Entries are the steps of the trace, those that were not reached too. A
// trace that somebody else has written may hold anything: the error says what
// is wrong with it.
func (t Trace) Entries() ([]Entry, error) {
	plan, err := t.Plan()
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(plan.Steps))
	for i, s := range plan.Steps {
		entries[i] = newEntry(i, s)
		if e, ok := t.event(i); ok {
			entries[i].add(s, e)
			entries[i].observed(t, i)
		}
	}
	return entries, nil
}

func newEntry(i int, s Step) Entry {
	calls := s.Op.Calls()
	e := Entry{
		Seq: i + 1, Actor: s.Actor, Call: calls[0].Name, Args: calls[0].arguments(), Why: s.Why,
		Text: calls[0].String(), Man: s.Man, Lands: s.Lands(), Changed: []observe.Change{},
	}
	for _, part := range calls[1:] {
		e.Parts = append(e.Parts, part.String())
	}
	return e
}

func (t Trace) event(seq int) (Event, bool) {
	for _, e := range t.Events {
		if e.Seq == seq {
			return e, true
		}
	}
	return Event{}, false
}

// add is what came of the step.
func (e *Entry) add(s Step, ev Event) {
	if e.Skipped = ev.Skipped; e.Skipped {
		return
	}
	number, micros := ev.Errno, ev.Took.Microseconds()
	e.Errno, e.Micros, e.Idle = &number, &micros, ev.Idle
	switch {
	case ev.Errno != 0:
		e.Error, e.Failed, e.Detail = ErrnoText(ev.Errno), ev.Call, ev.Detail
	case !ev.Idle:
		e.Changed = append(append(e.Changed, s.Op.Changes()...), ev.Changed...)
	}
}

// observed puts what the kernel showed in the place of what the operation
// says, where the states before and after the step were recorded.
func (e *Entry) observed(t Trace, i int) {
	before, ok := t.StateBefore(i)
	after, ok2 := t.StateBefore(i + 1)
	if !ok || !ok2 {
		return
	}
	if after.Hostname == "" {
		before.Hostname = "" // it could not be read, and is not gone
	}
	e.Changed = append(observe.Diff(before, after), files(e.Changed)...)
}

// files are the changes that a state does not hold.
func files(changes []observe.Change) []observe.Change {
	kept := []observe.Change{}
	for _, c := range changes {
		if slices.Contains([]string{"file", "terminal", "control group", "limit", "resource limit", "oom score", "session keyring"}, c.Kind) {
			kept = append(kept, c)
		}
	}
	return kept
}

// StateBefore is what the kernel knew of init before a step, the first being
// 0; ok is false where that was not recorded.
func (t Trace) StateBefore(index int) (observe.State, bool) {
	for _, s := range t.States {
		if s.Before == index {
			return s.State, true
		}
	}
	return observe.State{}, false
}

// Failure is the step that the kernel refused; ok is false where none was.
func (t Trace) Failure() (e Event, ok bool) {
	for _, e := range t.Events {
		if e.Errno != 0 {
			return e, true
		}
	}
	return Event{}, false
}
