package tui

import (
	"slices"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// keptFeeds is how many sandboxes are kept fed besides the one shown, so that
// going back to them shows them at once.
const keptFeeds = 8

// feeds are the terminals of the sandboxes shown last.
type feeds struct {
	byID   map[string]*feed
	recent []string // ids, the one shown last at the end
	shown  atomic.Pointer[feed]
	dirty  chan struct{}
}

func newFeeds() *feeds {
	return &feeds{byID: map[string]*feed{}, dirty: make(chan struct{}, 1)}
}

// feedEnded says that a feed got to the end of its output.
type feedEnded struct{ feed *feed }

// paneChanged says that the terminal shown has a new picture.
type paneChanged struct{}

// show returns the feed of a sandbox and, where it is new, the command that
// runs it. conn may be a connection that is there already.
func (s *feeds) show(sb sandbox.Sandbox, size wire.Dimensions, conn *supervisor.Conn) (*feed, tea.Cmd) {
	f, known := s.byID[sb.ID]
	if known && conn == nil && !f.outdated(sb) {
		s.touch(f)
		return f, nil
	}
	if known {
		s.drop(sb.ID)
	}
	f = newFeed(sb, size, s.note)
	s.byID[sb.ID] = f
	s.touch(f)
	return f, func() tea.Msg {
		f.run(sb, conn)
		return feedEnded{f}
	}
}

// outdated tells whether a feed has ended without a picture although there is
// one by now: it was opened while the sandbox was being created.
func (f *feed) outdated(sb sandbox.Sandbox) bool {
	facts := f.state()
	return facts.err != nil && sb.Status == supervisor.Running
}

// touch makes a feed the one used last, and lets go of the oldest.
func (s *feeds) touch(f *feed) {
	s.recent = slices.DeleteFunc(s.recent, func(id string) bool { return id == f.id })
	s.recent = append(s.recent, f.id)
	for len(s.recent) > keptFeeds+1 {
		s.drop(s.recent[0])
	}
}

func (s *feeds) drop(id string) {
	if f, ok := s.byID[id]; ok {
		delete(s.byID, id)
		s.recent = slices.DeleteFunc(s.recent, func(other string) bool { return other == id })
		s.shown.CompareAndSwap(f, nil)
		f.close()
	}
}

// retain drops the feeds of sandboxes that are no more.
func (s *feeds) retain(list []sandbox.Sandbox) {
	there := make(map[string]bool, len(list))
	for _, sb := range list {
		there[sb.ID] = true
	}
	for id, f := range s.byID {
		facts := f.state()
		launching := facts.live || !facts.ready // the list is older than the launch
		if !there[id] && !launching {
			s.drop(id)
		}
	}
}

func (s *feeds) close() {
	for id := range s.byID {
		s.drop(id)
	}
}

// note remembers that the terminal shown has changed. It is called for each
// piece of output and never waits.
func (s *feeds) note(f *feed) {
	if s.shown.Load() != f {
		return
	}
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

// frameTime is the least time between two messages about output: the renderer
// draws no more often.
const frameTime = time.Second / framesPerSecond

// awaitChange reports the next change. The first after a pause is reported at
// once; a program that prints without end costs one message a frame.
func (s *feeds) awaitChange(last time.Time) tea.Cmd {
	return func() tea.Msg {
		<-s.dirty
		time.Sleep(frameTime - time.Since(last))
		return paneChanged{}
	}
}
