package step

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"aquarium/runtime/observe"
)

// TraceVersion is that of the document which a trace is kept and exported as.
const TraceVersion = 1

// Bounds of the document: a launch has some fifty steps, and on a machine with
// a hundred mounts a stepped one records a megabyte.
const (
	MaxTrace  = 16 << 20 // bytes
	maxStates = 10 << 20 // bytes of recorded states, as they are estimated
	maxSteps  = 1000
	maxValues = 1 << 20 // of JSON: "[{},{},…" takes a hundred times its size to decode
)

// Record adds what the kernel knew before a step; a state for which there is no
// more room in a document is left out.
func (t *Trace) Record(s Snapshot) {
	room := maxStates
	for _, kept := range t.States {
		room -= weight(kept.State)
	}
	if weight(s.State) <= room {
		t.States = append(t.States, s)
	}
}

// weight estimates the length of a state as JSON, in bytes. On a machine with
// very many mounts those are most of it.
func weight(s observe.State) int {
	const fixed, perMount, perProcess = 1000, 100, 40
	n := fixed + len(s.Program)
	for _, m := range s.Mounts {
		n += perMount + len(m.Point) + len(m.Root) + len(m.Source) + len(m.Options) + len(m.Propagation)
	}
	for _, p := range s.Processes {
		n += perProcess + len(p.Command)
	}
	for _, name := range append(s.Interfaces, s.Addresses...) {
		n += len(name)
	}
	return n
}

// ReadTrace reads the document of a trace, which anyone may have written. The
// error is one clause about what is wrong with it; a trace without error can
// be shown.
func ReadTrace(r io.Reader) (Trace, error) {
	document, err := io.ReadAll(io.LimitReader(r, MaxTrace+1))
	switch {
	case err != nil:
		return Trace{}, err
	case len(document) > MaxTrace:
		return Trace{}, fmt.Errorf("it is longer than the %d MB that a trace may have", MaxTrace>>20)
	case countValues(document) > maxValues:
		return Trace{}, fmt.Errorf("it holds more than the %d values that a trace may have", maxValues)
	}
	t, err := decodeTrace(document)
	if err != nil {
		return Trace{}, err
	}
	return t, t.check()
}

// countValues is how many values JSON text holds at most, without decoding it.
func countValues(document []byte) int {
	n, quoted := 1, false
	for i := 0; i < len(document); i++ {
		switch c := document[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n
}

// decodeTrace decodes what there are bounds for only when they hold.
func decodeTrace(document []byte) (Trace, error) {
	var head struct {
		Trace
		Steps  []json.RawMessage `json:"steps"`
		Events []json.RawMessage `json:"events"`
		States []json.RawMessage `json:"states"`
	}
	if err := json.Unmarshal(document, &head); err != nil {
		return Trace{}, notTrace(err, document)
	}
	t := head.Trace
	switch {
	case t.Version == 0:
		return t, errors.New("not a trace: it does not say that it is one")
	case t.Version != TraceVersion:
		return t, fmt.Errorf("it is of version %d, and this Aquarium reads version %d", t.Version, TraceVersion)
	case len(head.Steps) == 0:
		return t, errors.New("not a trace: there is no launch in it")
	case len(head.Steps) > maxSteps:
		return t, fmt.Errorf("it has %d steps, and a launch has at most %d", len(head.Steps), maxSteps)
	case len(head.Events) > len(head.Steps):
		return t, fmt.Errorf("it tells of %d events in %d steps", len(head.Events), len(head.Steps))
	case len(head.States) > len(head.Steps)+1:
		return t, fmt.Errorf("it holds %d states of %d steps", len(head.States), len(head.Steps))
	}
	t.Steps = head.Steps
	t.Events, t.States = make([]Event, len(head.Events)), make([]Snapshot, len(head.States))
	for i, event := range head.Events {
		if err := json.Unmarshal(event, &t.Events[i]); err != nil {
			return t, notTrace(err, event)
		}
	}
	for i, state := range head.States {
		if err := json.Unmarshal(state, &t.States[i]); err != nil {
			return t, notTrace(err, state)
		}
	}
	return t, nil
}

// notTrace words an error of encoding/json for those who do not write Go.
func notTrace(err error, document []byte) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field == "":
		return errors.New("not a trace: it is no JSON object")
	case errors.As(err, &kind):
		return fmt.Errorf("not a trace: %q is a %s", strings.TrimPrefix(kind.Field, "Trace."), kind.Value)
	case errors.As(err, &syntax) && brokenOff(syntax, document):
		return errors.New("not a trace, or not all of one: it breaks off")
	}
	return fmt.Errorf("not a trace: %w", err)
}

// brokenOff tells whether JSON text is wrong in nothing but its end. Within
// "true" and the like, encoding/json complains of a blank that is not there.
func brokenOff(err *json.SyntaxError, document []byte) bool {
	atEnd := err.Offset == int64(len(document)) && !bytes.HasSuffix(document, []byte(" "))
	return err.Error() == "unexpected end of JSON input" || atEnd && strings.HasPrefix(err.Error(), "invalid character ' '")
}

// check refuses what no launch can have been.
func (t Trace) check() error {
	if _, err := t.Plan(); err != nil {
		return fmt.Errorf("not a trace: %w", err)
	}
	const maxErrno = 4095 // MAX_ERRNO of the kernel
	for _, e := range t.Events {
		if e.Seq < 0 || e.Seq >= len(t.Steps) || e.Errno < 0 || e.Errno > maxErrno || e.Took < 0 || e.Took > maxTook {
			return fmt.Errorf("not a trace: what it says of step %d of %d cannot be", e.Seq+1, len(t.Steps))
		}
	}
	for _, s := range t.States {
		if s.Before < 0 || s.Before > len(t.Steps) {
			return fmt.Errorf("not a trace: it holds a state before step %d of %d", s.Before+1, len(t.Steps))
		}
	}
	return nil
}

// maxTook bounds the time of a step, so that a sum of them is one, too.
const maxTook = 1000 * time.Hour
