package tui

import (
	"strings"

	"aquarium/runtime/step"
)

// planDialog shows what a launch would do, in the words of `run --dry-run`.
type planDialog struct {
	*messageDialog
	theme theme
	plan  step.Plan
	width int // that the text was made for
}

func newPlanDialog(t theme, plan step.Plan) *planDialog {
	return &planDialog{messageDialog: newMessage("The launch, call by call", nil), theme: t, plan: plan}
}

func (d *planDialog) view(w, h int) dialogView {
	if w != d.width {
		d.text, d.width = d.paragraphs(w), w
	}
	return d.messageDialog.view(w, h)
}

// paragraphs is the plan's text; what does not fit goes on below where it
// began.
func (d *planDialog) paragraphs(w int) []paragraph {
	var text []paragraph
	if len(d.plan.Weaker) > 0 {
		text = append(text, paragraph{"", paint(d.theme.warn, notIsolation(d.plan.Weaker))}, paragraph{})
	}
	for i, s := range d.plan.Steps {
		if i > 0 {
			text = append(text, paragraph{})
		}
		call := s.Call()
		for n, line := range strings.Split(strings.TrimSuffix(s.TextIn(i+1, w), "\n"), "\n") {
			indent := len(line) - len(strings.TrimLeft(line, " "))
			if n == 0 {
				indent = len(line) - len(call) // after the number, and who does it
			}
			text = append(text, paragraph{line[:indent], visible(line[indent:])})
		}
	}
	return text
}
