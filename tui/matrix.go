package tui

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"aquarium/runtime/inspect"
	"aquarium/runtime/sandbox"
)

// matrixScreen is which processes of the machine hold which namespaces, a row
// for all that are in the same eight.
type matrixScreen struct {
	wish
	theme    theme
	observer *inspect.Observer
	list     list
	rows     []matrixRow
	known    map[int]sandbox.Sandbox // sandboxes by their first process
	note     string
	err      error
	read     bool
	shown    bool
	turn     int
}

// matrixRow is a row as it is drawn.
type matrixRow struct {
	name    string
	pid     int
	count   int
	host    bool
	sandbox *sandbox.Sandbox
	cells   [len(inspect.Kinds)]string // "host", "" where only this row has it, or the letter of those who share it
}

// matrixDeadline bounds the reading: a machine with 20,000 processes takes
// about a tenth of it.
const matrixDeadline = 3 * time.Second

func newMatrixScreen(t theme, sandboxes []sandbox.Sandbox) *matrixScreen {
	s := &matrixScreen{theme: t, observer: inspect.New()}
	s.setSandboxes(sandboxes)
	return s
}

// setSandboxes tells which processes are the first of a sandbox.
func (s *matrixScreen) setSandboxes(list []sandbox.Sandbox) {
	s.known = make(map[int]sandbox.Sandbox)
	for _, sb := range list {
		if sb.PID > 0 {
			s.known[sb.PID] = sb
		}
	}
}

// matrixRead is a matrix, or why there is none.
type (
	matrixRead struct {
		screen *matrixScreen
		turn   int
		rows   []matrixRow
		note   string
		err    error
		took   time.Duration
	}
	matrixDue struct {
		screen *matrixScreen
		turn   int
	}
)

func (s *matrixScreen) show() tea.Cmd {
	s.shown = true
	return s.look()
}

func (s *matrixScreen) hide() {
	s.shown = false
	s.turn++
}

func (s *matrixScreen) look() tea.Cmd {
	s.turn++
	turn, known := s.turn, s.known
	return func() tea.Msg {
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), matrixDeadline)
		defer cancel()
		m, err := s.observer.Matrix(ctx)
		if err != nil {
			return matrixRead{screen: s, turn: turn, err: err}
		}
		return matrixRead{s, turn, matrixRows(m, known), matrixNote(m), nil, time.Since(start)}
	}
}

func (m matrixRead) deliver() tea.Cmd {
	s := m.screen
	if m.turn != s.turn || !s.shown {
		return nil
	}
	s.read, s.rows, s.note, s.err = true, m.rows, m.note, m.err
	entries := make([]entry, len(m.rows))
	for i, r := range m.rows {
		entries[i] = entry{key: strconv.Itoa(r.pid), text: r.name + " " + strconv.Itoa(r.pid)}
	}
	s.list.set(entries)
	pause := min(max(2*lookPause, m.took*lookShare), lookLongest)
	return tea.Tick(pause, func(time.Time) tea.Msg { return matrixDue{s, m.turn} })
}

func (m matrixDue) deliver() tea.Cmd {
	if m.turn != m.screen.turn || !m.screen.shown {
		return nil
	}
	return m.screen.look()
}

func matrixNote(m *inspect.Matrix) string {
	switch {
	case m.Partial:
		return " not all processes: there was no time "
	case m.Denied > 0:
		return fmt.Sprintf(" needs root: %d more ", m.Denied)
	}
	return ""
}

// hostCell is what a cell says that is the host's.
const hostCell = "host"

// matrixRows gives letters to the namespaces that several rows share.
func matrixRows(m *inspect.Matrix, known map[int]sandbox.Sandbox) []matrixRow {
	all := append([]inspect.Row{m.Host}, m.Groups...)
	var letters [len(inspect.Kinds)]map[uint64]string
	for k := range inspect.Kinds {
		letters[k] = lettersOf(all, k)
	}
	rows := make([]matrixRow, len(all))
	for i, r := range all {
		rows[i] = matrixRow{name: visible(r.Name), pid: r.PID, count: r.Count, host: i == 0}
		if sb, ok := known[r.PID]; ok {
			rows[i].name, rows[i].sandbox = visible(sb.Name), &sb
		}
		for k := range inspect.Kinds {
			switch inode := r.Namespaces[k]; {
			case inode == 0:
				rows[i].cells[k] = "?"
			case inode == m.Host.Namespaces[k]:
				rows[i].cells[k] = hostCell
			default:
				rows[i].cells[k] = letters[k][inode]
			}
		}
	}
	// Sandboxes first, the host above them: that is what one looks for.
	slices.SortStableFunc(rows[1:], func(a, b matrixRow) int {
		switch {
		case (a.sandbox != nil) == (b.sandbox != nil):
			return 0
		case a.sandbox != nil:
			return -1
		}
		return 1
	})
	return rows
}

// lettersOf names the namespaces of one kind: A, B, … for those that several
// rows are in, "own" for the others.
func lettersOf(all []inspect.Row, kind int) map[uint64]string {
	count := make(map[uint64]int)
	for _, r := range all {
		count[r.Namespaces[kind]]++
	}
	letters := make(map[uint64]string)
	shared := 0
	for _, r := range all[1:] {
		inode := r.Namespaces[kind]
		if _, named := letters[inode]; named || inode == all[0].Namespaces[kind] {
			continue
		}
		letters[inode] = "own"
		if count[inode] > 1 {
			letters[inode] = letter(shared)
			shared++
		}
	}
	return letters
}

// letter counts A … Z, AA, AB, ….
func letter(n int) string {
	text := string(rune('A' + n%26))
	if n >= 26 {
		return letter(n/26-1) + text
	}
	return text
}

func (s *matrixScreen) selected() *matrixRow {
	if i := s.list.index(); i >= 0 && i < len(s.rows) {
		return &s.rows[i]
	}
	return nil
}

func (s *matrixScreen) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	key := msg.String()
	r := s.selected()
	switch key {
	case "/":
		return s.ask(filterList(&s.list))
	case "esc":
		if s.list.filter != "" {
			s.list.setFilter("")
			return nil, true
		}
	case "enter", "i":
		if r != nil && !r.host {
			return s.ask(func(m *root) tea.Cmd { return m.inspectProcess(r.pid, r.name, r.sandbox) })
		}
	case "n":
		if r != nil && !r.host {
			return s.ask(openEnterForm(s.observer, who{pid: r.pid, name: r.name}))
		}
	case "y":
		if r != nil {
			return s.ask(func(m *root) tea.Cmd { return m.copyText(strconv.Itoa(r.pid)) })
		}
	}
	return nil, s.list.press(key)
}

func (s *matrixScreen) wheel(lines int) { s.list.scroll(lines) }

func (*matrixScreen) hints() []hint {
	return []hint{{"Enter", "look inside"}, {"n", "enter"}, {"/", "filter"}, {"y", "copy pid"}}
}

// Widths of the matrix.
const matrixCount = 6

// matrixCell is the width of a column, with the gap.
func matrixCell(kind string) int { return max(len(kind), len(hostCell)) + 1 }

func (s *matrixScreen) view(w, h int) tabView {
	t := s.theme
	name := w - 2 - pidColumn - matrixCount
	for _, kind := range inspect.Kinds {
		name -= matrixCell(kind)
	}
	name = max(10, name)
	head := " " + t.fit("WHO", name) + t.right("PID", pidColumn) + t.right("PROCS", matrixCount) + " "
	for _, kind := range inspect.Kinds {
		head += t.fit(kind, matrixCell(kind))
	}
	rows := []string{
		t.rule(" "+paint(t.focus, "Namespaces of this machine")+" ", s.note, w),
		paint(t.bold, t.fit(head, w)),
	}
	s.list.resize(h - len(rows) - 1)
	switch {
	case s.err != nil:
		rows = append(rows, "", "  "+visible(s.err.Error()))
	case s.read && len(s.list.shown) == 0:
		rows = append(rows, "", paint(t.muted, "  nothing here matches "+visible(s.list.filter)))
	}
	rows = append(rows, s.list.rows(t, w, true, func(i int) string { return s.draw(s.rows[i], name) })...)
	out := t.padRows(rows, w, h-1)
	legend := " host: the host's own   own: nobody else's   A, B, " + t.ellipsis + ": shared by those with the same letter"
	return tabView{rows: append(out, paint(t.muted, t.fit(legend, w)))}
}

func (s *matrixScreen) draw(r matrixRow, name int) string {
	t := s.theme
	text := t.fit(r.name, name) + t.right(strconv.Itoa(r.pid), pidColumn) + t.right(strconv.Itoa(r.count), matrixCount) + " "
	for k, cell := range r.cells {
		padded := t.fit(cell, matrixCell(inspect.Kinds[k]))
		switch {
		case cell == hostCell && r.host:
		case cell == hostCell:
			padded = paint(t.warn, padded)
		case cell == "own":
			padded = paint(t.good, padded)
		default:
			padded = paint(t.letter(cell), padded)
		}
		text += padded
	}
	return text
}

// letter is the colour of a group that shares a namespace.
func (t theme) letter(name string) ansi.Style {
	sum := 0
	for _, r := range name {
		sum += int(r)
	}
	colours := []ansi.BasicColor{ansi.Cyan, ansi.Magenta, ansi.Blue}
	return ansi.Style{}.Bold().ForegroundColor(colours[sum%len(colours)])
}

// openMatrix shows the namespaces of the whole machine.
func (m *root) openMatrix() tea.Cmd { return m.openScreen(newMatrixScreen(m.theme, m.sandboxes.items)) }

// inspectProcess looks inside a row of the matrix: a sandbox is selected, any
// other process gets a screen of its own.
func (m *root) inspectProcess(pid int, name string, sb *sandbox.Sandbox) tea.Cmd {
	if sb == nil {
		return m.openProcess(pid, name)
	}
	m.sandboxes.setFilter("")
	m.sandboxes.choose(sb.ID)
	closed := m.closeScreens()
	open, _ := m.work.openKey("1")
	return tea.Batch(closed, m.selectionMoved(), open, m.focusOn(panelWork))
}
