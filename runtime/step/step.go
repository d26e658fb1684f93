// Package step is the vocabulary of a launch: what a step is, how it is shown
// as a C programmer would write it, and how it is done. A plan (package launch
// makes them) is a slice of steps; the one interpreter is Init, in the
// re-exec'd child, and Spawn, in the supervisor, for the clone that starts it.
// What is shown is what runs: each operation renders and performs itself from
// the same fields.
//
// The package imports only the standard library; package reexec says why.
package step

import (
	"encoding/json"
	"fmt"
	"syscall"
	"time"

	"aquarium/runtime/observe"
)

// Actor is the process that performs a step.
type Actor string

// The two processes of a launch.
const (
	Supervisor Actor = "supervisor"
	InitActor  Actor = "init"
)

// Op is one kernel action. Its exported fields are its arguments.
type Op interface {
	// Calls lists the system calls that Do makes. The first is the one that
	// gives the step its name; the others are its parts, in order.
	Calls() []Call
	// Changes lists what is different afterwards.
	Changes() []observe.Change
	// Do performs the operation; errors are of type *CallError.
	Do(w *World) error
}

// lister is an operation that makes no sense without something in its list.
type lister interface{ size() int }

// Step is one kernel action of a launch, as data.
type Step struct {
	Actor     Actor
	Why       string // one sentence
	Man       string // manual page, such as "mount(2)"
	Namespace string // kind of namespace the effect lands in: "mnt", "uts", …; "" for the process itself
	Op        Op
}

// Call is the step's first system call as C.
func (s Step) Call() string { return s.Op.Calls()[0].String() }

// Plan is the steps to do, in order. The supervisor's come first.
type Plan struct {
	Steps   []Step
	Stepped bool     // wait for "go on" before each step
	Weaker  []string // what makes this sandbox hold less than a default one

	trees []int // in init: the numbers of the descriptors that came with it
}

// Event is what came of one step.
type Event struct {
	Seq    int           `json:"seq"`
	Errno  int           `json:"errno"`            // 0 on success
	Call   string        `json:"call,omitempty"`   // the call that failed
	Detail string        `json:"detail,omitempty"` // what the errno alone does not say
	Took   time.Duration `json:"took"`

	// Changed is what the operation found out that it changed, beyond what
	// it says itself; Idle that there was nothing to do.
	Changed []observe.Change `json:"changed,omitempty"`
	Idle    bool             `json:"idle,omitempty"`
	Skipped bool             `json:"skipped,omitempty"` // left out on purpose
}

// Err describes a failed step in one line; nil when it succeeded.
func (e Event) Err() error {
	if e.Errno == 0 {
		return nil
	}
	return &CallError{Call: e.Call, Errno: syscall.Errno(e.Errno), Detail: e.Detail}
}

// encodedHead is a Step on the wire but for the arguments: the operation has
// the name of its type.
type encodedHead struct {
	Actor     Actor  `json:"actor"`
	Why       string `json:"why,omitempty"`
	Man       string `json:"man,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Kind      string `json:"op"`
}

// MarshalJSON writes the operation together with the name of its kind.
func (s Step) MarshalJSON() ([]byte, error) {
	kind, ok := kindOf(s.Op)
	if !ok {
		return nil, fmt.Errorf("encode step: %T is not a registered operation", s.Op)
	}
	return json.Marshal(struct {
		encodedHead
		Args Op `json:"args"`
	}{encodedHead{s.Actor, s.Why, s.Man, s.Namespace, kind}, s.Op})
}

// UnmarshalJSON is the inverse of MarshalJSON. An unknown kind is an error.
func (s *Step) UnmarshalJSON(b []byte) error {
	var e struct {
		encodedHead
		Args json.RawMessage `json:"args"`
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return err
	}
	op, ok := newOp(e.Kind)
	if !ok {
		return fmt.Errorf("decode step: unknown operation %q", e.Kind)
	}
	if err := json.Unmarshal(e.Args, op); err != nil {
		return fmt.Errorf("decode step %s: %w", e.Kind, err)
	}
	if list, ok := op.(lister); ok && list.size() == 0 {
		return fmt.Errorf("decode step %s: it has nothing to do", e.Kind)
	}
	*s = Step{e.Actor, e.Why, e.Man, e.Namespace, op}
	return nil
}
