package tui

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/inspect"
	"aquarium/runtime/observe"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
)

// launchTab is the trace of the launch, step by step.
type launchTab struct{ facetTab }

func newLaunchTab(t theme) *launchTab {
	f := facet{name: "Launch", shortcut: "t", read: readLaunch, dead: true}
	return &launchTab{facetTab{newInspection(t, inspect.New(), f)}}
}

// show reads the trace, which is kept beside the process and outlives it.
func (t *launchTab) show(s *subject) tea.Cmd {
	w := whoIs(s)
	w.pid, w.start = 0, 0
	return t.in.show(w)
}

// press leaves the host out: it has no launch.
func (t *launchTab) press(key tea.KeyPressMsg) (tea.Cmd, bool) {
	switch key.String() {
	case "=":
		return nil, false
	case "v":
		return t.replay()
	}
	return t.in.press(key)
}

// replay shows the trace step by step.
func (t *launchTab) replay() (tea.Cmd, bool) {
	trace, known := t.in.page.sheet.data.(step.Trace)
	if !known {
		return nil, true
	}
	return t.in.ask(func(m *root) tea.Cmd { return m.openScreen(newReplay(m.theme, trace, nil)) })
}

func (t *launchTab) hints() []hint {
	hints := slices.DeleteFunc(t.in.hints(), func(h hint) bool { return h.key == "=" })
	return append([]hint{{"v", "step through"}}, hints...)
}

// readLaunch reads the trace once; only that of a launch under way grows.
func readLaunch(_ context.Context, l look) (sheet, error) {
	trace, known := l.kept.(step.Trace)
	if !known {
		var err error
		if trace, err = l.who.subject.Trace(); err != nil {
			return sheet{}, err
		}
	}
	s, err := traceSheet(trace)
	s.data = trace
	if status := l.who.subject.Status; status == supervisor.Running || status == supervisor.Stopped {
		s.kept = trace
	}
	return s, err
}

// traceSheet is a launch as a table: of each step the call, what came of it,
// and why it is there. What was refused comes first.
func traceSheet(t step.Trace) (sheet, error) {
	entries, err := t.Entries()
	if err != nil {
		return sheet{}, err
	}
	var s sheet
	if i := slices.IndexFunc(entries, step.Entry.Refused); i >= 0 {
		s.sections = append(s.sections, refusedSection(entries[i]))
	}
	steps := section{title: traceTitle(t), name: "steps", columns: []column{
		{name: "STEP", right: true}, {name: "MICROS", right: true}, {name: "ERRNO"}, {name: "CALL", flex: true},
	}}
	for _, e := range entries {
		steps.rows = append(steps.rows, entryRows(e)...)
	}
	s.sections = append(s.sections, steps)
	return s, nil
}

// traceTitle is the outcome in one line.
func traceTitle(t step.Trace) string {
	var total time.Duration
	for _, e := range t.Events {
		total += e.Took
	}
	return fmt.Sprintf("%d of %d steps done, %.1f ms in them; Linux %s", len(t.Events), len(t.Steps), total.Seconds()*1e3, t.Kernel)
}

// refusedSection is why the launch ended, at its refused step.
func refusedSection(e step.Entry) section {
	s := named(fmt.Sprintf("FAILED at step %d: %s", e.Seq, e.Error))
	add := func(name, value string) {
		if value != "" {
			s.add(name, value, toneBad)
		}
	}
	call := e.Failed
	if call == "" {
		call = e.Text
	}
	add("call", call)
	add("because", e.Detail)
	add("its purpose", e.Why)
	return s
}

// entryRows are the rows of a step: the call, what it changed, the reason.
func entryRows(e step.Entry) []row {
	number := strconv.Itoa(e.Seq)
	first := row{key: number, cells: []string{number, "", "", e.Text}, more: entryFacts(e)}
	switch {
	case e.Skipped:
		first.cells[2], first.tone = "skipped", toneWarn
	case e.Refused():
		first.cells[2], first.tone = step.ErrnoName(*e.Errno), toneBad
	case e.Done():
		first.cells[2] = "0"
	default:
		first.cells[2], first.tone = "not done", toneMuted
	}
	if e.Micros != nil {
		first.cells[1] = strconv.FormatInt(*e.Micros, 10)
	}
	rows := []row{first}
	add := func(text string, n tone) {
		rows = append(rows, row{key: number + "." + strconv.Itoa(len(rows)), cells: []string{"", "", "", text}, tone: n, more: entryFacts(e)})
	}
	for _, change := range entryChanges(e) {
		add("  "+change, toneGood)
	}
	add("  "+e.Why, toneMuted)
	return rows
}

// entryChanges words what a step changed.
func entryChanges(e step.Entry) []string {
	if e.Idle {
		return []string{"nothing to do here: it does not exist"}
	}
	if !e.Done() || e.Refused() {
		return nil
	}
	return observe.Summary(e.Changed)
}

// entryFacts is what the rows of a step have no room for.
func entryFacts(e step.Entry) []fact {
	facts := []fact{{"why", e.Why}, {"done by", string(e.Actor)}, {"manual", e.Man}, {"seen in", e.Lands}}
	for _, part := range e.Parts {
		facts = append(facts, fact{"and", part})
	}
	if e.Error != "" {
		facts = append(facts, fact{"refused", e.Error}, fact{"because", e.Detail})
	}
	return facts
}
