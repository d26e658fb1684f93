package tui

import (
	"context"
	"errors"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/inspect"
	"aquarium/runtime/supervisor"
)

// facet is one inspection view: what is read of a process, and how it is
// laid out.
type facet struct {
	name, shortcut string
	// read runs in a command. Where it returns a sheet and an error, the sheet
	// is what could be read.
	read func(ctx context.Context, l look) (sheet, error)
	// press takes keys of the view's own; nil has none.
	press func(in *inspection, key string) (cmd tea.Cmd, handled bool)
	hints []hint
	// at are the hints at a place of the view; nil has the same everywhere.
	at func(place string) []hint
	// dead tells that there is something to see of a sandbox that has stopped.
	dead bool
}

// look is what a reading is about.
type look struct {
	target   *inspect.Target // nil where no process is left
	observer *inspect.Observer
	theme    theme
	who      who
	place    string // which part of the view, as the user chose
	kept     any    // what the reading before left
}

// who is the process that is looked at.
type who struct {
	pid     int
	start   uint64   // clock ticks after boot; 0 is whoever has the number now
	host    bool     // it stands for the host
	name    string   // what people call it
	subject *subject // nil for what is no sandbox
}

func whoIs(s *subject) who {
	if s == nil {
		return who{}
	}
	w := who{pid: s.PID, start: s.PIDStart, name: s.Name, subject: s}
	if s.Status == supervisor.Stopped {
		w.pid = 0
	}
	return w
}

// continues tells whether a newer who is the same process, or the same sandbox
// without one any more.
func (w who) continues(newer who) bool {
	if w.host != newer.host || w.id() != newer.id() {
		return false
	}
	ended := newer.pid == 0 && newer.subject != nil
	return ended || w.pid == newer.pid && w.start == newer.start
}

func (w who) id() string {
	if w.subject == nil {
		return ""
	}
	return w.subject.ID
}

// Times of a reading.
const (
	lookPause    = time.Second      // between two, at least
	lookShare    = 100              // and this many times as long as it took
	lookLongest  = 15 * time.Second // but no longer
	lookDeadline = 3 * time.Second  // what has been read until then is shown
	lookOverdue  = 2 * time.Second  // it does not answer
)

// inspection is a facet of one process, read again and again while it is shown.
type inspection struct {
	wish
	facet    facet
	observer *inspect.Observer
	page     page
	who      who
	place    string

	shown    bool
	turn     int // counts readings: the answer to an older one is dropped
	readings int // that have come back
	known    bool
	answered bool // the last reading has
	overdue  bool
	err      error
}

func newInspection(t theme, o *inspect.Observer, f facet) *inspection {
	return &inspection{facet: f, observer: o, page: page{theme: t}}
}

// show begins to read. What is known of the same process stays on the screen
// until more is known.
func (in *inspection) show(w who) tea.Cmd {
	if !in.who.continues(w) {
		in.forget()
		in.place = ""
	}
	fresh := !in.shown || !in.known || in.who.pid != w.pid
	in.who = w
	if in.shown = w.pid > 0 || w.subject != nil; !in.shown || !fresh {
		return nil
	}
	return in.look()
}

// hide stops reading.
func (in *inspection) hide() {
	in.shown = false
	in.turn++
}

// forget drops what is known.
func (in *inspection) forget() {
	in.page.clear()
	in.known, in.overdue, in.err = false, false, nil
	in.turn++
	in.shown = false
}

// goTo shows another part of the view.
func (in *inspection) goTo(place string) tea.Cmd {
	in.forget()
	in.place, in.shown = place, true
	in.page.list.setFilter("")
	return in.look()
}

// report is a message for the part of the screen that asked.
type report interface{ deliver() tea.Cmd }

// Reports about readings.
type (
	lookDone struct {
		inspection *inspection
		turn       int
		sheet      sheet
		start      uint64 // of the process that was looked at
		err        error
		took       time.Duration
	}
	lookDue struct {
		inspection *inspection
		turn       int
	}
	lookLate lookDue
)

// look reads once.
func (in *inspection) look() tea.Cmd {
	in.turn++
	in.answered = false
	turn, f := in.turn, in.facet
	l := look{observer: in.observer, theme: in.page.theme, who: in.who, place: in.place, kept: in.page.sheet.kept}
	read := func() tea.Msg {
		start := time.Now()
		s, err := l.read(f)
		s.finish()
		done := lookDone{inspection: in, turn: turn, sheet: s, err: err, took: time.Since(start)}
		if l.target != nil {
			done.start = l.target.Start
		}
		return done
	}
	late := tea.Tick(lookOverdue, func(time.Time) tea.Msg { return lookLate{in, turn} })
	return tea.Batch(read, late)
}

// read opens the process, and makes sure that it is the one that is meant.
func (l *look) read(f facet) (sheet, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookDeadline)
	defer cancel()
	var err error
	if l.target, err = l.open(); err != nil {
		if f.dead && errors.Is(err, inspect.ErrGone) {
			return f.read(ctx, *l)
		}
		return sheet{}, err
	}
	defer l.target.Close()
	return f.read(ctx, *l)
}

func (l look) open() (*inspect.Target, error) {
	if l.who.host {
		return l.observer.Host()
	}
	if l.who.pid <= 0 {
		return nil, inspect.ErrGone
	}
	target, err := l.observer.Open(l.who.pid)
	if err == nil && l.who.start != 0 && target.Start != l.who.start {
		target.Close()
		return nil, inspect.ErrGone // another process has its number by now
	}
	return target, err
}

func (m lookDone) deliver() tea.Cmd {
	in := m.inspection
	if m.turn != in.turn || !in.shown {
		return nil
	}
	in.readings++
	if in.who.start == 0 && !in.who.host {
		in.who.start = m.start // from now on it is this one, whoever gets its number
	}
	in.known, in.answered, in.overdue, in.err = true, true, false, m.err
	if m.err == nil || len(m.sheet.lines) > 0 {
		in.page.set(m.sheet)
	} else if !errors.Is(m.err, inspect.ErrGone) {
		in.page.clear()
	}
	pause := min(max(lookPause, m.took*lookShare), lookLongest)
	return tea.Tick(pause, func(time.Time) tea.Msg { return lookDue{in, m.turn} })
}

func (m lookDue) deliver() tea.Cmd {
	if m.turn != m.inspection.turn || !m.inspection.shown {
		return nil
	}
	return m.inspection.look()
}

func (m lookLate) deliver() tea.Cmd {
	if m.turn == m.inspection.turn && m.inspection.shown {
		m.inspection.overdue = !m.inspection.answered
	}
	return nil
}

// errand is what a part of the screen asks of the whole: to open a dialog, to
// copy, to show a screen.
type errand func(m *root) tea.Cmd

// ask runs an errand after the keys that have come already; wish before them.
func ask(e errand) tea.Cmd { return func() tea.Msg { return e } }

// filterList begins to type a filter.
func filterList(l *list) errand {
	return func(m *root) tea.Cmd {
		m.prompt = &prompt{label: "Filter: ", line: newInput(l.filter), list: l}
		return nil
	}
}

// wish is an errand that a key press led to. The owner asks for it and runs it
// before it takes another key: what is typed next is for the dialog.
type wish struct{ next errand }

func (w *wish) ask(e errand) (tea.Cmd, bool) {
	w.next = e
	return nil, true
}

func (w *wish) asked() errand {
	e := w.next
	w.next = nil
	return e
}

// asking is a part of the screen that has wishes.
type asking interface{ asked() errand }

// grant runs the errand that a part of the screen has asked for.
func (m *root) grant(part any) tea.Cmd {
	if a, ok := part.(asking); ok {
		if e := a.asked(); e != nil {
			return e(m)
		}
	}
	return nil
}

// press takes a key while this is what the keys go to.
func (in *inspection) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	key := msg.String()
	if in.facet.press != nil {
		if cmd, handled := in.facet.press(in, key); handled {
			return cmd, true
		}
	}
	switch key {
	case "enter", "space":
		if d := in.page.dialog(); d != nil {
			return in.ask(func(m *root) tea.Cmd { m.open(d); return nil })
		}
		return nil, true // never what Enter does elsewhere, such as to attach
	case "y":
		if text := in.page.text(); text != "" {
			return in.ask(func(m *root) tea.Cmd { return m.copyText(text) })
		}
	case "=":
		return in.ask(openSplit(in))
	case "/":
		return in.ask(filterList(&in.page.list))
	case "esc":
		if in.page.list.filter != "" {
			in.page.list.setFilter("")
			return nil, true
		}
	}
	return nil, in.page.press(key)
}

// hints are the keys that press handles.
func (in *inspection) hints() []hint {
	hints := slices.Clone(in.facet.hints)
	if in.facet.at != nil {
		hints = in.facet.at(in.place)
	}
	hints = append(hints, hint{"=", "host beside"})
	if !slices.ContainsFunc(hints, func(h hint) bool { return h.key == "Enter" }) {
		hints = append(hints, hint{"Enter", "details"})
	}
	return append(hints, hint{"/", "filter"}, hint{"y", "copy"})
}

// view draws the page, or says why there is none.
func (in *inspection) view(w, h int) tabView {
	t := in.page.theme
	v := tabView{}
	switch {
	case !in.known && in.overdue:
		v.rows = t.padRows([]string{"", "  " + in.facet.name + " does not answer: still waiting."}, w, h)
	case !in.known:
		v.rows = t.padRows(nil, w, h)
	case in.err != nil && len(in.page.sheet.lines) == 0:
		v.rows = t.padRows(append([]string{""}, indented(lookProblem(in.who, in.err), w)...), w, h)
	default:
		v.rows = in.page.view(w, h)
		v.note = in.note()
	}
	return v
}

func (in *inspection) note() string {
	filter := ""
	if in.page.list.filter != "" {
		filter = " filter: " + visible(in.page.list.filter) + " "
	}
	switch {
	case errors.Is(in.err, inspect.ErrGone):
		return " gone: the last that was seen "
	case in.overdue:
		return " does not answer "
	case filter != "":
		return filter
	case in.page.sheet.note != "":
		return " " + in.page.sheet.note + " "
	}
	return ""
}

// lookProblem says in words why a view is empty.
func lookProblem(w who, err error) string {
	name := visible(w.name)
	switch {
	case errors.Is(err, inspect.ErrGone):
		return "gone: " + name + " has no process any more."
	case errors.Is(err, inspect.ErrNeedsRoot):
		return "needs root: the kernel lets only root, or who owns " + name + ", look at this."
	case errors.Is(err, inspect.ErrHangs):
		return "does not answer: what " + name + " has put there hangs."
	}
	return visible(err.Error())
}

func indented(text string, w int) []string {
	rows := wrap(text, w-4)
	for i := range rows {
		rows[i] = "  " + rows[i]
	}
	return rows
}
