package tui

import (
	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
)

// subject is the sandbox that the right side is about.
type subject struct {
	sandbox.Sandbox
	feed  *feed
	usage usage
}

// source is the subject's own terminal; nil without a subject.
func (s *subject) source() *feed {
	if s == nil {
		return nil
	}
	return s.feed
}

// tab is one way to look at a sandbox. Each has a file of its own, and is
// listed in newTabs.
type tab interface {
	// title is the word in the tab bar, key what opens the tab.
	title() string
	key() string
	// show is called when another sandbox is selected, when more is known of the
	// same one, and when the tab is opened. A nil subject is no sandbox.
	show(s *subject) tea.Cmd
	// update takes the messages of the tab's own commands; it ignores others.
	update(msg tea.Msg) tea.Cmd
	// press takes a key while the right side has the focus; handled is false
	// for keys that mean nothing here.
	press(key tea.KeyPressMsg) (cmd tea.Cmd, handled bool)
	// wheel scrolls, by lines: negative is up.
	wheel(lines int)
	// view draws exactly h rows of w columns. It is called for the open tab, and
	// only when there is a subject.
	view(w, h int) tabView
	// hints are the keys that press handles.
	hints() []hint
}

// paned is a tab that shows a terminal: that is drawn again when it changes.
type paned interface{ source() *feed }

// passing is a tab that is not always there.
type passing interface{ present() bool }

// newTabs lists the tabs, in the order of the bar.
func newTabs(t theme) []tab {
	tabs := []tab{&terminalTab{theme: t}, &logsTab{theme: t}, newShellTab(t)}
	return append(append(tabs, newFacetTabs(t)...), newLaunchTab(t))
}

// tabView is a tab's picture.
type tabView struct {
	rows   []string
	cursor *tea.Cursor // in the tab's own coordinates; nil where there is none
	note   string      // for the rule below
}

// hint is a key and what it does here, in a word or two.
type hint struct{ key, does string }
