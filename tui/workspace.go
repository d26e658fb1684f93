package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// workspace is the right side: the selected sandbox, seen through one of the tabs.
type workspace struct {
	theme   theme
	feeds   *feeds
	tabs    []tab
	open    int  // index into tabs
	brief   bool // the bar has no room for the titles of all tabs
	subject *subject
	size    wire.Dimensions // of the body
}

func newWorkspace(t theme) workspace {
	return workspace{theme: t, feeds: newFeeds(), tabs: newTabs(t)}
}

func (w *workspace) tab() tab { return w.tabs[w.open] }

// show makes a sandbox the subject. conn may be a connection to it.
func (w *workspace) show(sb sandbox.Sandbox, u usage, conn *supervisor.Conn) tea.Cmd {
	feed, run := w.feeds.show(sb, w.size, conn)
	if conn != nil {
		feed.asked = w.size // it was launched with this size
	}
	other := w.subject == nil || w.subject.ID != sb.ID
	w.subject = &subject{Sandbox: sb, feed: feed, usage: u}
	if other {
		feed.follow(w.size)
	}
	cmd := w.tab().show(w.subject)
	w.watch()
	return tea.Batch(run, cmd)
}

// hide shows nothing.
func (w *workspace) hide() tea.Cmd {
	w.subject = nil
	cmd := w.tab().show(nil)
	w.watch()
	return cmd
}

// watch has the terminal that is on the screen now reported when it changes.
func (w *workspace) watch() { w.feeds.shown.Store(w.source()) }

// source is the terminal on the screen; nil where the open tab shows none.
func (w *workspace) source() *feed {
	if p, ok := w.tab().(paned); ok {
		return p.source()
	}
	return nil
}

// openTab switches to the tab at an index, What was scrolled
// back goes to the end of the output.
func (w *workspace) openTab(i int) tea.Cmd {
	if i != w.open {
		w.leave()
	}
	w.open = i
	if f := w.source(); f != nil {
		f.pane.ScrollTo(0)
	}
	cmd := w.tab().show(w.subject)
	w.watch()
	return cmd
}

// openNext switches to the next tab that is there, in a direction.
func (w *workspace) openNext(step int) tea.Cmd {
	i := w.open
	for {
		i = (i + step + len(w.tabs)) % len(w.tabs)
		if w.present(i) {
			return w.openTab(i)
		}
	}
}

func (w *workspace) present(i int) bool {
	p, ok := w.tabs[i].(passing)
	return !ok || p.present()
}

// startShell opens the tab of a shell that was started in the subject.
func (w *workspace) startShell(sb sandbox.Sandbox, conn *supervisor.Conn) (*feed, tea.Cmd) {
	f := newFeed(sb, w.size, w.feeds.note)
	f.tty, f.asked = true, w.size
	for i, t := range w.tabs {
		if shells, ok := t.(*shellTab); ok {
			shells.add(f)
			return f, tea.Batch(w.openTab(i), func() tea.Msg {
				f.runStarted(conn)
				return feedEnded{f}
			})
		}
	}
	return f, nil
}

// openKey switches to the tab that a key opens.
func (w *workspace) openKey(key string) (cmd tea.Cmd, ok bool) {
	for i, t := range w.tabs {
		if t.key() == key {
			return w.openTab(i), true
		}
	}
	return nil, false
}

func (w *workspace) resize(r rectangle) {
	w.size = wire.Dimensions{Cols: r.w, Rows: r.h}
	if w.subject != nil {
		w.subject.feed.follow(w.size)
	}
}

// update passes a message to every tab: each knows its own.
func (w *workspace) update(msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, t := range w.tabs {
		if cmd := t.update(msg); cmd != nil {
			cmds = append(cmds, cmd)
		}
	}
	if !w.present(w.open) {
		cmds = append(cmds, w.openTab(0))
	}
	return tea.Batch(cmds...)
}

// bar is the tab bar, cut to w columns around the open tab.
func (w *workspace) bar(cols int) string {
	first := w.fitBar(cols)
	return w.theme.cut(w.barFrom(first, len(w.tabs)), cols)
}

// fitBar makes the bar fit: with all titles, or else with the open tab's only
// and the keys of the others, or else from a later tab on.
func (w *workspace) fitBar(cols int) (first int) {
	w.brief = false
	w.brief = width(w.barFrom(0, len(w.tabs))) > cols
	for first < w.open && width(w.barFrom(first, w.open+1)) > cols {
		first++
	}
	return first
}

func (w *workspace) barFrom(first, end int) string {
	text := ""
	for i, t := range w.tabs[first:end] {
		if !w.present(first + i) {
			continue
		}
		text += w.theme.column
		title := strings.TrimLeft(t.key()+" "+t.title(), " ")
		switch {
		case first+i == w.open:
			text += paint(w.theme.focus, w.theme.pointer+title+" ")
		case w.brief && t.key() != "":
			text += t.key()
		default:
			text += " " + title + " "
		}
	}
	return text
}

// tabAt returns the tab whose title is at a column of the bar.
func (w *workspace) tabAt(x, cols int) (index int, ok bool) {
	first := w.fitBar(cols)
	for i := first; i < len(w.tabs); i++ {
		if x < width(w.barFrom(first, i+1)) {
			return i, true
		}
	}
	return 0, false
}

func (w *workspace) awaitChange() tea.Cmd { return w.feeds.awaitChange(time.Now()) }

// syncLate says that a synchronized update has had its time.
type syncLate struct{}

// syncPause is a little longer than a pane holds a synchronized update back.
const syncPause = 200 * time.Millisecond

// awaitSync looks again after a while when the program is in a synchronized
// update: it may never end it.
func (w *workspace) awaitSync() tea.Cmd {
	f := w.source()
	if f == nil || !f.pane.Modes().Synchronized {
		return nil
	}
	return tea.Tick(syncPause, func(time.Time) tea.Msg { return syncLate{} })
}
