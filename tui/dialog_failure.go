package tui

import (
	"errors"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
)

// failureDialog is the error of a launch, from which its trace can be opened.
type failureDialog struct {
	*messageDialog
	open errand
}

// errorDialog shows an error; that of a launch leads to what was done.
func (m *root) errorDialog(err error) dialog {
	message := newErrorDialog(err)
	var failed *sandbox.LaunchError
	if !errors.As(err, &failed) {
		return message
	}
	trace, ok := failed.Trace()
	if !ok {
		return message
	}
	return &failureDialog{message, func(m *root) tea.Cmd {
		m.closeDialog()
		behind := m.dialogs // a form, say: nothing typed is lost
		m.dialogs = nil
		return m.openScreen(newReplay(m.theme, trace, behind))
	}}
}

func (d *failureDialog) press(key tea.KeyPressMsg) decision {
	if key.String() == "t" {
		return d.open
	}
	return d.messageDialog.press(key)
}

func (d *failureDialog) view(w, h int) dialogView {
	v := d.messageDialog.view(w, h)
	v.keys = append(v.keys, hint{"t", "the launch, step by step"})
	return v
}
