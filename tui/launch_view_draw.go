package tui

import (
	"fmt"
	"strconv"
	"strings"

	"aquarium/runtime/step"
)

// stepDetails is how many rows the selected step has below the plan.
const stepDetails = 5

func (v *launchView) view(w, h int) tabView {
	t := v.theme
	left := (w - 1) / 2
	right := w - left - 1
	height := max(1, h-2-stepDetails)
	rows := []string{t.rule(v.heading(v.planTitle(left-4), !v.right), "", left) + t.teeDown +
		t.rule(v.heading(v.placeTitle(), v.right), "", right)}
	v.plan.resize(height)
	plan := t.padRows(v.plan.rows(t, left, !v.right, func(i int) string { return v.planRow(i) }), left, height)
	state := t.padRows(v.state.view(right, height), right, height)
	for i := range height {
		rows = append(rows, plan[i]+t.column+state[i])
	}
	rows = append(rows, t.rule("", "", left)+t.teeUp+t.rule("", "", right))
	return tabView{rows: t.padRows(append(rows, v.details(w)...), w, h)}
}

func (v *launchView) heading(title string, focused bool) string {
	if focused {
		return paint(v.theme.focus, v.theme.pointer+strings.TrimLeft(title, " "))
	}
	return title
}

// planTitle says whose plan it is, and what that gives away.
func (v *launchView) planTitle(w int) string {
	word := "Plan"
	if v.replayed {
		word = "Replay"
	}
	title := " " + word + ": " + visible(v.name)
	if len(v.weaker) == 0 {
		return title + " "
	}
	if full := title + ", " + notIsolation(v.weaker) + " "; width(full) <= w {
		return full
	}
	label := ", not isolation "
	return v.theme.cut(title, w-width(label)) + label
}

// placeTitle says what the right side is.
func (v *launchView) placeTitle() string {
	place := v.place()
	_, recorded := v.trace.StateBefore(place)
	switch {
	case len(v.entries) == 0:
		return " Now "
	case place < v.at && recorded:
		return fmt.Sprintf(" Recorded: before step %d of %d ", place+1, len(v.entries))
	case place < v.at:
		return fmt.Sprintf(" Before step %d of %d, as the steps say ", place+1, len(v.entries))
	case v.stage == stageFailed:
		return fmt.Sprintf(" FAILED at step %d of %d ", v.at+1, len(v.entries))
	case v.replayed && v.stage == stageRunning:
		return " The program runs "
	case v.stage == stageRunning:
		return " Now: the program runs "
	case v.replayed:
		return fmt.Sprintf(" It waited before step %d of %d ", v.at+1, len(v.entries))
	}
	return fmt.Sprintf(" Now: before step %d of %d ", v.at+1, len(v.entries))
}

// planRow is a step in one line: what came of it, and its call.
func (v *launchView) planRow(i int) string {
	if i == len(v.entries) {
		return paint(v.theme.good, "=>    the program runs as process "+strconv.Itoa(v.pid))
	}
	e := v.entries[i]
	word, n := v.planWord(i, e)
	return paint(v.theme.tone(n), fmt.Sprintf("%s %2d %s", word, e.Seq, visible(v.brief(e.Text))))
}

// planWord is what came of a step, in two columns. In a replay that is known
// of the steps before the place only, but for what stands out.
func (v *launchView) planWord(i int, e step.Entry) (string, tone) {
	here := v.at
	if v.replayed {
		here = v.place()
	}
	switch {
	case e.Refused():
		return "!!", toneBad
	case e.Skipped:
		return "--", toneWarn
	case e.Done() && (i < here || !v.replayed):
		return "ok", tonePlain
	case i == here && (v.replayed || v.stage == stageStanding):
		return "=>", toneGood
	case i == v.mark:
		return "m ", toneWarn
	}
	return "  ", toneMuted
}

// brief leaves the sandbox's own directory out of a call, which is in full
// below the plan.
func (v *launchView) brief(call string) string {
	if v.bundle == "" {
		return call
	}
	return strings.ReplaceAll(call, v.bundle, v.theme.ellipsis)
}

// details is the selected step, or why there is none.
func (v *launchView) details(w int) []string {
	t := v.theme
	if v.err != nil {
		return indented(visible(v.err.Error()), w)
	}
	e, ok := v.selected()
	if !ok {
		return nil
	}
	call := wrap(visible(e.Text), w-8)
	if len(call) > 2 {
		call = append(call[:1], t.cut(call[1], w-10)+t.ellipsis)
	}
	var rows []string
	for n, text := range call {
		head := spaces(6)
		if n == 0 {
			head = t.fit(" "+strconv.Itoa(e.Seq), 6)
		}
		rows = append(rows, head+paint(t.bold, text))
	}
	why := visible(e.Why)
	switch {
	case e.Refused():
		rows = append(rows, spaces(6)+paint(t.bad, visible("FAILED with "+e.Error)))
		if e.Detail != "" {
			why = "because: " + visible(e.Detail)
		}
	case e.Skipped:
		rows = append(rows, spaces(6)+paint(t.warn, "SKIPPED: it was left out on purpose"))
	case v.stage == stageFailed && v.ending != "" && e.Seq == v.at+1:
		rows = append(rows, spaces(6)+paint(t.bad, visible(v.ending)))
	}
	for _, text := range wrap(why, w-8) {
		rows = append(rows, spaces(6)+text)
	}
	return append(rows[:min(len(rows), stepDetails-1)], spaces(6)+paint(t.muted, t.cut(visible(v.facts(e)), w-8)))
}

// facts are who does a step, where to read about it, and how it went.
func (v *launchView) facts(e step.Entry) string {
	facts := []string{string(e.Actor), e.Man, e.Lands}
	switch {
	case e.Micros != nil:
		facts = append(facts, "errno "+strconv.Itoa(*e.Errno), strconv.FormatInt(*e.Micros, 10)+" microseconds")
	case v.stage == stageFailed && !e.Skipped:
		facts = append(facts, "not done")
	}
	if n := len(e.Parts); n > 0 {
		facts = append(facts, "c: "+strconv.Itoa(n+1)+" calls")
	}
	return strings.Join(facts, "; ")
}
