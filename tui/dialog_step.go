package tui

import (
	"fmt"
	"strconv"

	"aquarium/runtime/step"
)

// newStepDialog shows all that is known of one step of a launch.
func newStepDialog(t theme, e step.Entry) *messageDialog {
	const names = 10
	var text []paragraph
	add := func(name, value string, n tone) {
		if value != "" {
			text = append(text, paragraph{paint(t.muted, t.fit(name, names)), paint(t.tone(n), visible(value))})
		}
	}
	add("call", e.Text, tonePlain)
	for i, part := range e.Parts {
		add([]string{"and", ""}[min(i, 1)], part, tonePlain)
	}
	add("why", e.Why, tonePlain)
	add("done by", string(e.Actor), tonePlain)
	add("manual", e.Man, tonePlain)
	add("seen", e.Lands, tonePlain)
	add(outcomeOf(e))
	if e.Failed != e.Text {
		add("its call", e.Failed, toneBad)
	}
	add("because", e.Detail, toneBad)
	if e.Micros != nil {
		add("took", strconv.FormatInt(*e.Micros, 10)+" microseconds", tonePlain)
	}
	for i, change := range bounded(entryChanges(e)) {
		add([]string{"changed", ""}[min(i, 1)], change, toneGood)
	}
	return newMessage(fmt.Sprintf("Step %d", e.Seq), text)
}

// outcomeOf is a step's errno, or why it has none.
func outcomeOf(e step.Entry) (name, value string, n tone) {
	switch {
	case e.Skipped:
		return "errno", "none: it was left out on purpose", toneWarn
	case e.Refused():
		return "errno", "FAILED with " + e.Error, toneBad
	case e.Done():
		return "errno", "0", tonePlain
	}
	return "errno", "none: it was not done", toneMuted
}

// bounded cuts a list of lines that nobody would read to its end.
func bounded(lines []string) []string {
	if n := len(lines); n > mostLines {
		return append(lines[:mostLines:mostLines], fmt.Sprintf("and %d more", n-mostLines))
	}
	return lines
}
