package tui

import (
	"os"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/step"
)

// Replay shows the trace of a launch, and nothing else, until the user leaves
// it. It needs no privileges and no state directories.
func Replay(t step.Trace, o Options) error {
	if o.Input == nil {
		o.Input = os.Stdin
	}
	if o.Output == nil {
		o.Output = os.Stdout
	}
	if err := checkTerminal(o); err != nil {
		return err
	}
	_, err := runProgram(new(sandbox.Store), o, func(m *root) {
		m.alone = true
		m.actions = aloneActions()
		m.screens = []screen{newReplay(m.theme, t, nil)}
	})
	return err
}

// aloneActions are those that need no sandboxes.
func aloneActions() []action {
	return []action{
		{bind("help", "?", "?"), "This page.", nil, (*root).openHelp},
		{bind("suspend", "Ctrl-Z", "ctrl+z"), "Stop Aquarium and go back to the shell; `fg` continues.", nil, suspend},
		{bind("quit", "q", "q", "ctrl+c"), "Leave.", nil, (*root).quit},
	}
}

func suspend(*root) tea.Cmd { return func() tea.Msg { return suspendAsked{} } }
