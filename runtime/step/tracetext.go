package step

import (
	"fmt"
	"strings"
	"time"

	"aquarium/runtime/observe"
)

// Text shows the trace to people: each step with the time it took and what it
// changed. The step that failed has an arrow of its own.
func (t Trace) Text() (string, error) {
	entries, err := t.Entries()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n", visible(t.headline()))
	if len(t.Weaker) > 0 {
		fmt.Fprintf(&out, "not isolation: %s\n", visible(strings.Join(t.Weaker, ", ")))
	}
	out.WriteByte('\n')
	for _, e := range entries {
		e.write(&out)
	}
	return out.String(), nil
}

// headline is the outcome in one line.
func (t Trace) headline() string {
	var total time.Duration
	for _, e := range t.Events {
		total += e.Took
	}
	outcome := fmt.Sprintf("%d of %d steps done", len(t.Events), len(t.Steps))
	if e, failed := t.Failure(); failed {
		outcome = fmt.Sprintf("failed at step %d of %d", e.Seq+1, len(t.Steps))
	} else if len(t.Events) == len(t.Steps) {
		outcome = fmt.Sprintf("%d steps, the program runs", len(t.Steps))
	}
	return fmt.Sprintf("%s: %s; %.1f ms in the steps; Linux %s, %s", t.Name, outcome, total.Seconds()*1e3, t.Kernel, t.Began.Format(time.DateTime+" MST"))
}

// traceIndent is the column of a step's call.
const traceIndent = 32

func (e Entry) write(out *strings.Builder) {
	mark, took := "  ", "not done"
	switch {
	case e.Refused():
		mark = "=>"
	case e.Skipped:
		mark, took = "--", "skipped"
	}
	if e.Micros != nil {
		took = fmt.Sprintf("%d µs", *e.Micros)
	}
	fmt.Fprintf(out, "%s%3d  %10s  %-10s   %s\n", mark, e.Seq, took, visible(string(e.Actor)), visible(e.Text))
	for _, line := range e.outcome() {
		for _, folded := range fold(visible(line), textWidth-traceIndent) {
			fmt.Fprintf(out, "%*s%s\n", traceIndent, "", folded)
		}
	}
}

// outcome is what came of the step, in lines.
func (e Entry) outcome() []string {
	switch {
	case e.Idle:
		return []string{"nothing to do here: it does not exist"}
	case !e.Refused():
		return observe.Summary(e.Changed)
	}
	lines := []string{"FAILED with " + e.Error}
	if !strings.HasPrefix(e.Text, e.Failed) {
		lines = append(lines, "the call was "+e.Failed)
	}
	if e.Detail != "" {
		lines = append(lines, "because: "+e.Detail)
	}
	return append(lines, "the step's purpose: "+e.Why)
}

// Redact leaves out the values of the environment, which may be secrets:
// a trace that is shown around does not need them.
func (t Trace) Redact() (Trace, error) {
	plan, err := t.Plan()
	if err != nil {
		return t, err
	}
	for _, s := range plan.Steps {
		if e, ok := programOf(s.Op); ok {
			for i, entry := range e.Env {
				name, _, _ := strings.Cut(entry, "=")
				e.Env[i] = name + "=…"
			}
		}
	}
	encoded, err := plan.Encode()
	t.Steps = encoded.Steps
	return t, err
}

// Plan is the steps of the trace.
func (t Trace) Plan() (Plan, error) {
	p := Plan{Steps: make([]Step, len(t.Steps))}
	for i, document := range t.Steps {
		if err := p.Steps[i].UnmarshalJSON(document); err != nil {
			return p, fmt.Errorf("read step %d: %w", i+1, err)
		}
	}
	return p, nil
}
