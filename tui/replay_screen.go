package tui

import (
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/step"
)

// replayScreen shows a trace in the view of a stepped launch. It asks nothing
// of the machine: the trace may be of another one.
type replayScreen struct {
	wish
	launchView
	behind []dialog // come back with Esc
}

func newReplay(t theme, trace step.Trace, behind []dialog) *replayScreen {
	s := &replayScreen{behind: behind, launchView: launchView{
		theme: t, trace: trace, replayed: true, name: trace.Name, bundle: bundleOf(trace), weaker: trace.Weaker,
		stage: stageOf(trace), mark: -1, pid: trace.PID, state: page{theme: t},
	}}
	s.at = standing(trace, s.stage)
	s.read()
	if s.stage != stageFailed {
		s.moveTo(0)
	}
	return s
}

// stageOf is how far the launch had come.
func stageOf(t step.Trace) stage {
	if _, refused := t.Failure(); refused {
		return stageFailed
	}
	if len(t.Events) == len(t.Steps) {
		return stageRunning
	}
	return stageStanding
}

// bundleOf is the sandbox's directory: where init stands before it makes the
// directory "root" in it its own. "" where the trace does not say so.
func bundleOf(t step.Trace) string {
	plan, err := t.Plan()
	if err != nil {
		return ""
	}
	for _, s := range plan.Steps {
		if at, ok := s.Op.(*step.Chdir); ok && filepath.IsAbs(at.Path) && strings.HasSuffix(at.Path, "/root") {
			if bundle := filepath.Dir(at.Path); bundle != "/" {
				return bundle
			}
		}
	}
	return ""
}

func (*replayScreen) show() tea.Cmd { return nil }
func (*replayScreen) hide()         {}

func (s *replayScreen) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	key := msg.String()
	switch key {
	case "esc":
		return s.ask(func(m *root) tea.Cmd {
			m.dialogs = s.behind
			return m.closeScreen()
		})
	case "n", "enter", "right", "space":
		s.moveTo(s.place() + 1)
		return nil, true
	case "c":
		return s.askDetails(&s.wish)
	case "y":
		return s.askCopy(&s.wish)
	case "f":
		if e, refused := s.trace.Failure(); refused {
			s.moveTo(e.Seq)
		}
		return nil, true
	}
	return nil, s.launchView.press(key)
}

func (s *replayScreen) hints() []hint {
	hints := []hint{{"Enter", "next"}, {"b", "back"}, {"c", "details"}}
	if s.stage == stageFailed {
		hints = append(hints, hint{"f", "failure"})
	}
	return append(hints, hint{"Tab", "side"})
}

// help explains the keys.
func (s *replayScreen) help() []hint {
	return []hint{
		{"Enter n " + s.theme.arrow(), "Go one step on. What it changed is marked on the right."},
		{"b ←", "Go one step back."},
		{"j k g G", "Move through the plan, or through the right side: Tab changes over."},
		{"c", "All of the selected step: its calls, why, who, the manual page, errno, time, what it changed."},
		{"f", "Go to the step that the kernel refused."},
		{"y", "Copy the selected call or line."},
	}
}
