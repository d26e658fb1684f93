package tui

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/step"
)

// launchView shows a launch that halts before each of its steps, or a trace as
// if it did: on the left the plan, on the right the half-built sandbox as the
// kernel saw it before the step at hand, below all of the selected step.
type launchView struct {
	theme    theme
	trace    step.Trace // the plan, and what is recorded
	entries  []step.Entry
	stage    stage
	replayed bool   // it is a trace: nothing goes on
	name     string // of the sandbox
	bundle   string // its directory, which calls in one line leave out
	weaker   []string
	at       int // the step that the launch stands before, or was refused
	mark     int // a step to halt before, or -1
	pid      int
	leaks    string // of a launch with steps left out, what shows outside
	ending   string // why the launch ended, where no step was refused
	err      error

	plan  list
	state page
	right bool // the keys move on the right side
}

// stage is how far a launch has come.
type stage int

const (
	stageStanding stage = iota // before a step
	stageRunning               // the program was started
	stageFailed
)

// standing is the step that a launch of a stage has come to.
func standing(t step.Trace, s stage) int {
	e, refused := t.Failure()
	switch {
	case refused:
		return e.Seq
	case s == stageRunning:
		return len(t.Steps)
	}
	return len(t.Events)
}

// place is the step that the right side shows the state before: a recorded
// one where the cursor has gone back.
func (v *launchView) place() int {
	if i := v.plan.index(); i >= 0 && i < v.at {
		return i
	}
	return v.at
}

func (v *launchView) moveTo(number int) {
	v.plan.moveTo(number)
	v.redraw()
}

// press takes the keys that move; handled is false for all others.
func (v *launchView) press(key string) (handled bool) {
	switch key {
	case "tab", "shift+tab":
		v.right = !v.right
		v.state.focused = v.right
		return true
	case "b", "left":
		v.moveTo(v.place() - 1)
		return true
	}
	if v.right {
		return v.state.press(key)
	}
	place := v.place()
	handled = v.plan.press(key)
	if v.place() != place {
		v.redraw()
	}
	return handled
}

func (v *launchView) wheel(lines int) {
	if v.right {
		v.state.scroll(lines)
		return
	}
	v.plan.scroll(lines)
	v.redraw()
}

// selected is the step under the cursor.
func (v *launchView) selected() (step.Entry, bool) {
	i := v.plan.index()
	if i < 0 || i >= len(v.entries) {
		return step.Entry{}, false
	}
	return v.entries[i], true
}

// askDetails opens all that is known of the selected step.
func (v *launchView) askDetails(w *wish) (tea.Cmd, bool) {
	e, ok := v.selected()
	if !ok {
		return nil, true
	}
	d := newStepDialog(v.theme, e)
	return w.ask(func(m *root) tea.Cmd { m.open(d); return nil })
}

// askCopy puts the selected call, or line on the right, on the clipboard.
func (v *launchView) askCopy(w *wish) (tea.Cmd, bool) {
	text := ""
	if e, ok := v.selected(); ok && !v.right {
		text = e.Text
	} else if v.right {
		text = v.state.text()
	}
	if text == "" {
		return nil, true
	}
	return w.ask(func(m *root) tea.Cmd { return m.copyText(text) })
}

// read makes the entries of the trace, and draws the place where it stands.
func (v *launchView) read() {
	entries, err := v.trace.Entries()
	if err != nil {
		v.err = err
		return
	}
	list := make([]entry, len(entries))
	for i := range entries {
		shorten(&entries[i])
		list[i] = entry{key: strconv.Itoa(i), text: entries[i].Text}
	}
	v.entries = entries
	if v.stage == stageRunning {
		list = append(list, entry{key: "end", text: "the program runs"})
	}
	v.plan.set(list)
	v.moveTo(v.at)
}

// Bounds of what is drawn of a step: a trace that somebody has written may hold
// megabytes in one argument.
const (
	mostText  = 4000 // bytes
	mostLines = 200
)

// shorten bounds the texts of an entry.
func shorten(e *step.Entry) {
	for _, text := range []*string{&e.Text, &e.Why, &e.Man, &e.Lands, &e.Error, &e.Failed, &e.Detail} {
		*text = shortened(*text)
	}
	if n := len(e.Parts); n > mostLines {
		e.Parts = append(e.Parts[:mostLines:mostLines], fmt.Sprintf("and %d more", n-mostLines))
	}
	for i := range e.Parts {
		e.Parts[i] = shortened(e.Parts[i])
	}
}

func shortened(text string) string {
	if len(text) <= mostText {
		return text
	}
	return strings.ToValidUTF8(text[:mostText], "") + "…"
}
