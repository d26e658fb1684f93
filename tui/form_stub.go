package tui

import (
	"aquarium/runtime/spec"
	tea "charm.land/bubbletea/v2"
)

type launchDecided struct{ options spec.Options }
type planAsked struct{ options spec.Options }
type refused struct{ err error }

func (m *root) openLaunchForm() tea.Cmd { return nil }
func (m *root) showPlan(planMade)       {}
