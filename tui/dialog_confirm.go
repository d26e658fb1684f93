package tui

import (
	"fmt"
	"syscall"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
)

// Decisions about one sandbox.
type (
	stopDecided   struct{ sandbox sandbox.Sandbox }
	removeDecided struct{ sandbox sandbox.Sandbox }
	signalDecided struct {
		sandbox sandbox.Sandbox
		number  syscall.Signal
	}
)

// confirmDialog asks before something that cannot be undone.
type confirmDialog struct {
	heading, question string
	yes               decision
}

func newStopDialog(sb sandbox.Sandbox) *confirmDialog {
	return &confirmDialog{
		heading:  "Stop " + visible(sb.Name) + "?",
		question: fmt.Sprintf("SIGTERM now; SIGKILL when it has not ended after %d s.", int(stopGrace.Seconds())),
		yes:      stopDecided{sb},
	}
}

func newRemoveDialog(sb sandbox.Sandbox) *confirmDialog {
	question := "Its layer, with everything written in it, is deleted."
	if sb.Status != supervisor.Stopped {
		question = "It is " + string(sb.Status) + ": it is killed first. " + question
	}
	return &confirmDialog{heading: "Remove " + visible(sb.Name) + "?", question: question, yes: removeDecided{sb}}
}

func (d *confirmDialog) title() string { return d.heading }

func (d *confirmDialog) press(key tea.KeyPressMsg) decision {
	switch key.String() {
	case "y", "Y", "enter":
		return d.yes
	case "n", "N", "esc", "q", "ctrl+c":
		return dismissed{}
	}
	return nil
}

func (d *confirmDialog) view(w, _ int) dialogView {
	return dialogView{rows: wrap(d.question, w), keys: []hint{{"y", "yes"}, {"n", "no"}}}
}
