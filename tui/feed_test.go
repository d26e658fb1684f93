package tui

import (
	"testing"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

func quietFeed(cols, rows int) *feed {
	f := newFeed(sandbox.Sandbox{State: supervisor.State{ID: "id", TTY: true}}, wire.Dimensions{Cols: cols, Rows: rows}, func(*feed) {})
	f.facts = feedFacts{ready: true, live: true}
	return f
}

// TestSizesOfOthers tells the sizes that come back from those that another
// viewer gave.
func TestSizesOfOthers(t *testing.T) {
	t.Parallel()
	f := quietFeed(80, 24)
	defer f.close()
	f.own(wire.Dimensions{Cols: 90, Rows: 30})
	f.own(wire.Dimensions{Cols: 100, Rows: 30})
	f.resized([]byte(`{"cols":90,"rows":30}`))
	f.follow(wire.Dimensions{Cols: 110, Rows: 30})
	if _, size, _ := f.out.take(); size.Cols != 110 {
		t.Errorf("asked for %+v, want 110 columns: the size is still this viewer's", size)
	}
	f.resized([]byte(`{"cols":40,"rows":10}`))
	f.follow(wire.Dimensions{Cols: 120, Rows: 30})
	if f.out.size != (wire.Dimensions{}) {
		t.Errorf("asked for %+v, though the size is another viewer's", f.out.size)
	}
	if cols, rows := f.pane.Size(); cols != 40 || rows != 10 {
		t.Errorf("the pane is %dx%d, want 40x10", cols, rows)
	}
}

func TestOutboxIsBounded(t *testing.T) {
	t.Parallel()
	o := newOutbox()
	for range 2 * maxUnsent / 1024 {
		o.send(make([]byte, 1024))
	}
	if len(o.unsent) > maxUnsent {
		t.Errorf("%d bytes wait, more than %d", len(o.unsent), maxUnsent)
	}
	b, _, ok := o.take()
	if !ok || len(b) == 0 {
		t.Error("nothing was kept")
	}
	o.close()
	if _, _, ok := o.take(); ok {
		t.Error("a closed outbox gives something")
	}
}

// TestFeedsAreBounded shows more sandboxes than are kept.
func TestFeedsAreBounded(t *testing.T) {
	t.Parallel()
	s := newFeeds()
	defer s.close()
	for i := range 3 * keptFeeds {
		sb := sandbox.Sandbox{State: supervisor.State{ID: string(rune('a' + i)), Status: supervisor.Stopped}}
		if _, run := s.show(sb, wire.Dimensions{Cols: 80, Rows: 24}, nil); run == nil {
			t.Errorf("%s is not new", sb.ID)
		}
	}
	if len(s.byID) != keptFeeds+1 || len(s.recent) != keptFeeds+1 {
		t.Errorf("%d feeds are kept, %d recent", len(s.byID), len(s.recent))
	}
	last := sandbox.Sandbox{State: supervisor.State{ID: s.recent[keptFeeds-1]}}
	if _, run := s.show(last, wire.Dimensions{}, nil); run != nil {
		t.Error("the one before is not shown at once")
	}
}
