package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/tui/terminal"
)

// picture is what was drawn last: View is asked for it after every message,
// most of which change nothing.
type picture struct {
	stale bool
	view  tea.View
}

// View returns the whole screen.
func (m *root) View() tea.View {
	if !m.drawn.stale {
		return m.drawn.view
	}
	m.drawn.stale = false
	v := tea.View{AltScreen: true, MouseMode: tea.MouseModeCellMotion}
	if m.keyboard.attached() {
		v.ReportFocus = m.keyboard.modes.Focus
		if m.keyboard.modes.Mouse == terminal.MouseAny {
			v.MouseMode = tea.MouseModeAllMotion
		}
	}
	rows, cursor := m.draw()
	v.Cursor = cursor
	v.Content = strings.Join(rows, "\n")
	if m.theme.ascii {
		v.Content = asciiOnly(v.Content)
	}
	m.drawn.view = v
	return v
}

// draw makes every row of the screen, and says where the cursor is.
func (m *root) draw() (rows []string, cursor *tea.Cursor) {
	l := &m.layout
	if l.cols == 0 {
		return nil, nil // the size has not come yet
	}
	if l.tooSmall {
		text := fmt.Sprintf("Aquarium needs %dx%d cells, this terminal has %dx%d.", leastCols, leastRows, l.cols, l.rows)
		rows = wrap(text, l.cols)
		return rows[:min(len(rows), l.rows)], nil
	}
	body := tabView{}
	if s := m.screen(); s != nil {
		body = s.view(l.cols, l.rows-1)
		rows, cursor = body.rows, body.cursor
	} else if r := l.body[panelWork]; r.w > 0 {
		body = m.drawWork(r.w, r.h)
		if m.keyboard.attached() && body.cursor != nil {
			cursor = body.cursor
			cursor.X, cursor.Y = cursor.X+r.x, cursor.Y+r.y
		}
	}
	switch {
	case m.screen() != nil:
	case m.zoomed:
		rows = append(rows, body.rows...)
	case l.single:
		rows = m.drawSingle(body)
	default:
		rows = m.drawDivided(body)
	}
	last, at := m.lastRow()
	rows = append(rows, last)
	if at != nil {
		cursor = at
	}
	for _, d := range m.dialogs {
		f := frameDialog(m.theme, d, l.cols, l.rows)
		overlay(rows, f.rows, f.x, f.y)
		cursor = f.cursor
	}
	return rows, cursor
}

func (m *root) drawWork(w, h int) tabView {
	if m.work.subject == nil {
		return tabView{rows: m.theme.padRows(welcome(len(m.sandboxes.all)), w, h)}
	}
	if t, ok := m.work.tab().(focusable); ok {
		t.focus(m.focus == panelWork || m.zoomed)
	}
	return m.work.tab().view(w, h)
}

// drawDivided joins the panels line by line: two columns, three rules.
func (m *root) drawDivided(body tabView) []string {
	t, l := m.theme, &m.layout
	above, below, work := l.body[panelRootfs], l.body[panelSandboxes], l.body[panelWork]
	left := make([]string, 0, l.rows)
	left = append(left, m.listRule(panelRootfs, above.w))
	left = append(left, t.padRows(m.trees.rows(t, above.w, m.focus == panelRootfs), above.w, above.h)...)
	left = append(left, m.listRule(panelSandboxes, below.w))
	left = append(left, t.padRows(m.sandboxRows(below.w), below.w, below.h)...)
	left = append(left, t.rule(m.jobsNote(), "", below.w))

	rows := make([]string, 0, l.rows)
	for i, row := range left {
		switch i {
		case 0:
			rows = append(rows, row+t.teeDown+m.workRule(work.w))
		case below.y - 1:
			rows = append(rows, row+t.teeLeft+body.rows[i-1])
		case len(left) - 1:
			rows = append(rows, row+t.teeUp+m.bottomRule(body.note, work.w))
		default:
			rows = append(rows, row+t.column+body.rows[i-1])
		}
	}
	return rows
}

// drawSingle shows the panel with the focus alone.
func (m *root) drawSingle(body tabView) []string {
	t, r := m.theme, m.layout.body[m.focus]
	var rows []string
	switch m.focus {
	case panelRootfs:
		rows = append(rows, m.listRule(panelRootfs, r.w))
		rows = append(rows, t.padRows(m.trees.rows(t, r.w, true), r.w, r.h)...)
		rows = append(rows, t.rule(m.jobsNote(), "", r.w))
	case panelSandboxes:
		rows = append(rows, m.listRule(panelSandboxes, r.w))
		rows = append(rows, t.padRows(m.sandboxRows(r.w), r.w, r.h)...)
		rows = append(rows, t.rule(m.jobsNote(), "", r.w))
	default:
		rows = append(rows, m.workRule(r.w))
		rows = append(rows, body.rows...)
		rows = append(rows, m.bottomRule(body.note, r.w))
	}
	return rows
}

func (m *root) sandboxRows(w int) []string {
	if len(m.sandboxes.all) == 0 {
		return []string{paint(m.theme.muted, "  none yet: Enter launches")}
	}
	return m.sandboxes.rows(m.theme, w, m.focus == panelSandboxes)
}

// listRule is the line above a list: its title, marked where the focus is.
func (m *root) listRule(p panel, w int) string {
	title := m.trees.title()
	if p == panelSandboxes {
		title = m.sandboxes.title()
	}
	return m.theme.rule(m.heading(title, m.focus == p), "", w)
}

func (m *root) heading(title string, focused bool) string {
	if focused {
		return paint(m.theme.focus, m.theme.pointer+title+" ")
	}
	return " " + title + " "
}

// workRule is the line above the right side: the tabs.
func (m *root) workRule(w int) string {
	return m.theme.rule(m.work.bar(w-2), "", w)
}

// bottomRule is the line below the right side: which sandbox it is and, while
// attached, the way out.
func (m *root) bottomRule(note string, w int) string {
	t := m.theme
	right := note
	switch {
	case !m.keyboard.attached() || note != "":
	case !m.taught:
		right = t.cursor.Styled(" To get out: " + m.prefix() + " then d ")
	default:
		right = paint(t.focus, " attached: "+m.prefix()+" d detaches ")
		if s := m.work.subject; s != nil && len(s.Weaker) > 0 && w < fullTerminal {
			right = paint(t.focus, " "+m.prefix()+" d detaches ") // what it lacks needs the room
		}
	}
	return t.rule(m.bottomTitle(w-width(right)-4), right, w)
}

// bottomTitle says which sandbox it is in at most w columns: that it is weaker
// than the default rather than how it is, and why where there is room.
func (m *root) bottomTitle(w int) string {
	s := m.work.subject
	if s == nil {
		return ""
	}
	t, name := m.theme, visible(s.Name)
	mark := statusMark(t, s.Status)
	titles := []string{name + " " + mark + " " + string(s.Status)}
	if len(s.Weaker) > 0 {
		label := paint(t.warn, "not isolation")
		titles = []string{
			titles[0] + ", " + paint(t.warn, notIsolation(s.Weaker)),
			titles[0] + ", " + label,
			name + " " + mark + " " + label,
			name + " " + mark + weakerMark(t, s.Weaker),
		}
	}
	for _, title := range titles {
		if title = m.heading(title, m.focus == panelWork); width(title) <= w {
			return title
		}
	}
	return t.cut(m.heading(titles[len(titles)-1], m.focus == panelWork), w)
}

// prefix is the name of the prefix key.
func (m *root) prefix() string { return prefixName(m.keyboard.prefix) }

// prefixName writes a control character as people do.
func prefixName(c byte) string {
	if c == 0 {
		c = terminal.DefaultPrefix
	}
	return "Ctrl-" + string(rune(c|0x40))
}

// lastRow says which keys work here, or what has just happened.
func (m *root) lastRow() (row string, cursor *tea.Cursor) {
	t, w := m.theme, m.layout.cols
	switch {
	case len(m.dialogs) > 0:
		return spaces(w), nil
	case m.prompt != nil:
		text, column := m.prompt.line.view(t, w-width(m.prompt.label)-1)
		return t.fit(paint(t.bold, m.prompt.label)+text, w), tea.NewCursor(width(m.prompt.label)+column, m.layout.rows-1)
	case m.notice != "":
		return t.fit(" "+paint(t.bold, m.notice), w), nil
	case m.keyboard.attached():
		return t.fit(" "+hintLine(t, m.attachedHints()), w), nil
	}
	return t.fit(" "+hintLine(t, m.hints(w-2)), w), nil
}

// attachedHints are the keys that are not the program's.
func (m *root) attachedHints() []hint {
	p := m.prefix()
	if m.screen() != nil {
		return []hint{{p + " d", "take the keys back"}, {p + " " + p[len(p)-1:], "send " + p}}
	}
	hints := []hint{{p + " d", "detach"}, {p + " z", "zoom"}, {p + " [", "scroll back"}, {p + " " + p[len(p)-1:], "send " + p}}
	if m.zoomed && m.screen() == nil {
		does := "attached"
		if len(m.work.subject.Weaker) > 0 {
			does += ", not isolation"
		}
		hints = append([]hint{{visible(m.work.subject.Name), does}}, hints...)
	}
	return hints
}

// hints are the keys that work here, as many as fit; help and quit always do.
func (m *root) hints(w int) []hint {
	always := []hint{{"?", "help"}, {"q", "quit"}}
	var out []hint
	used := width(hintLine(m.theme, always))
	add := func(h hint) {
		if n := width(h.key) + width(h.does) + 3; used+n <= w {
			out, used = append(out, h), used+n
		}
	}
	if r, ok := m.trees.selected(); ok && m.focus == panelRootfs && r.Problem != "" {
		add(hint{m.theme.problem, visible(r.Problem)})
	}
	if s := m.work.subject; s != nil && m.zoomed && m.screen() == nil && len(s.Weaker) > 0 {
		add(hint{visible(s.Name), notIsolation(s.Weaker)})
	}
	shown := map[string]bool{"?": true, "q": true}
	if m.focus == panelWork && m.screen() == nil {
		for _, h := range m.work.tab().hints() {
			shown[h.key] = true
			add(h)
		}
	}
	if s := m.screen(); s != nil {
		for _, h := range append(s.hints(), hint{"Esc", "back"}) {
			add(h)
		}
		return append(out, always...)
	}
	for i := range m.actions {
		a := &m.actions[i]
		help := a.Help()
		if a.possible(m) && a.about != "" && !shown[help.Key] && help.Key != "Shift-Tab" {
			shown[help.Key] = true
			add(hint{help.Key, help.Desc})
		}
	}
	return append(out, always...)
}
