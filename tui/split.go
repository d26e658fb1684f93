package tui

import (
	"path"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/rootfs"
	"aquarium/runtime/inspect"
)

// splitScreen is a view twice: on the left what the host sees, on the right
// what the process sees, row beside row.
type splitScreen struct {
	wish
	theme     theme
	host, box *inspection
	merged    [2]int // turns of the readings that rows were made of
	pairs     []pair
	list      list
	different bool // only rows that differ are listed
	probe     *probe
}

// pair is what both sides have under one key; one of them may be nil.
type pair struct {
	heading     string // of a table, instead of rows
	host, box   *row
	hostT, boxT *section
}

// openSplit puts the host's side beside a view.
func openSplit(in *inspection) errand {
	return func(m *root) tea.Cmd { return m.openScreen(newSplitScreen(m.theme, in)) }
}

func newSplitScreen(t theme, in *inspection) *splitScreen {
	s := &splitScreen{theme: t}
	s.look(in.facet, in.observer, in.who, in.place)
	return s
}

// look begins with a view of a process.
func (s *splitScreen) look(f facet, o *inspect.Observer, w who, place string) {
	f.dead = false
	s.host, s.box = newInspection(s.theme, o, f), newInspection(s.theme, o, f)
	s.host.who, s.box.who = who{pid: 1, host: true, name: "the host"}, w
	s.host.place, s.box.place = place, place
	s.list, s.pairs, s.merged = list{filter: s.list.filter}, nil, [2]int{}
}

func (s *splitScreen) show() tea.Cmd {
	return tea.Batch(s.host.show(s.host.who), s.box.show(s.box.who))
}

func (s *splitScreen) hide() {
	s.host.hide()
	s.box.hide()
}

// goTo shows another place on both sides.
func (s *splitScreen) goTo(place string) tea.Cmd {
	s.list.moveTo(0)
	return tea.Batch(s.host.goTo(place), s.box.goTo(place))
}

// matched is the name by which tables of both sides belong together: the
// heading without the number that follows.
func (s *section) matched() string {
	if s.name != "" {
		return s.name
	}
	title, _, _ := strings.Cut(s.title, " (")
	title, _, _ = strings.Cut(title, ": none")
	return title
}

// merge puts the rows of both sides beside each other when either was read again.
func (s *splitScreen) merge() {
	now := [2]int{s.host.readings, s.box.readings}
	if now == s.merged {
		return
	}
	s.merged = now
	s.pairs = mergeSheets(&s.host.page.sheet, &s.box.page.sheet, s.different)
	entries := make([]entry, len(s.pairs))
	for i, p := range s.pairs {
		entries[i] = p.entry()
	}
	s.list.set(entries)
}

// mergeSheets lists the tables of the process with the host's rows beside
// theirs, and what only the host has behind them.
func mergeSheets(host, box *sheet, different bool) []pair {
	byName := make(map[string]*section)
	for i := range host.sections {
		byName[host.sections[i].matched()] = &host.sections[i]
	}
	var pairs []pair
	add := func(name string, host, box *section) {
		rows := mergeSections(host, box, different)
		if len(rows) > 0 {
			pairs = append(append(pairs, pair{heading: name}), rows...)
		}
	}
	for i := range box.sections {
		sec := &box.sections[i]
		if name := sec.matched(); !sec.beside {
			add(name, byName[name], sec)
			delete(byName, name)
		}
	}
	for i := range host.sections {
		if name := host.sections[i].matched(); byName[name] != nil {
			add(name, byName[name], nil)
		}
	}
	return pairs
}

func mergeSections(host, box *section, different bool) []pair {
	var pairs []pair
	add := func(p pair) {
		if !different || p.mark() != markSame {
			pairs = append(pairs, p)
		}
	}
	byKey := make(map[string]*row)
	if host != nil {
		for i := range host.rows {
			byKey[host.rows[i].key] = &host.rows[i]
		}
	}
	if box != nil {
		for i := range box.rows {
			r := &box.rows[i]
			add(pair{host: byKey[r.key], box: r, hostT: host, boxT: box})
			delete(byKey, r.key)
		}
	}
	if host != nil {
		for i := range host.rows {
			if r := &host.rows[i]; byKey[r.key] == r {
				add(pair{host: r, hostT: host, boxT: box})
			}
		}
	}
	return pairs
}

// mark says how the sides of a pair compare.
type mark int

const (
	markSame mark = iota
	markDiffers
	markHostOnly
	markBoxOnly
)

func (p pair) mark() mark {
	switch {
	case p.heading != "":
		return markSame
	case p.host == nil:
		return markBoxOnly
	case p.box == nil:
		return markHostOnly
	}
	for i := range p.box.cells {
		if i < len(p.host.cells) && !p.boxT.columns[i].moves && strings.TrimSpace(p.box.cells[i]) != strings.TrimSpace(p.host.cells[i]) {
			return markDiffers
		}
	}
	return markSame
}

func (p pair) entry() entry {
	if p.heading != "" {
		return entry{key: "= " + p.heading, text: p.heading}
	}
	key, text := "", ""
	if p.host != nil {
		key, text = p.host.key, strings.Join(p.host.cells, " ")
	}
	if p.box != nil {
		key, text = p.box.key, text+" "+strings.Join(p.box.cells, " ")
	}
	return entry{key: key, text: text}
}

func (s *splitScreen) selected() *pair {
	if i := s.list.index(); i >= 0 && i < len(s.pairs) {
		return &s.pairs[i]
	}
	return nil
}

func (s *splitScreen) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	key := msg.String()
	if s.probe != nil {
		if cmd, handled := s.probe.press(msg); handled {
			return cmd, true
		}
		if key == "esc" {
			s.probe = nil
			return nil, true
		}
		return nil, key != "q" && key != "?"
	}
	for _, f := range facets() {
		if f.shortcut == key {
			s.hide()
			s.look(f, s.box.observer, s.box.who, "")
			return s.show(), true
		}
	}
	switch key {
	case "d":
		s.different = !s.different
		s.merged = [2]int{-1, -1}
	case "!":
		s.probe = newProbe(s.theme, s.box.who)
	case "=":
		return s.ask((*root).closeScreen)
	case "/":
		return s.ask(filterList(&s.list))
	case "enter", "space":
		return s.openSelected(), true
	case "backspace", "-":
		return s.goUp(), true
	case "y":
		if p := s.selected(); p != nil {
			return s.ask(func(m *root) tea.Cmd { return m.copyText(p.entry().text) })
		}
	case "esc":
		if s.list.filter == "" {
			return nil, false
		}
		s.list.setFilter("")
	default:
		return nil, s.list.press(key)
	}
	return nil, true
}

func (s *splitScreen) goUp() tea.Cmd {
	if s.box.place == "" || s.box.place == "/" {
		return nil
	}
	return s.goTo(path.Dir(strings.TrimPrefix(s.box.place, placeFile)))
}

// openSelected opens a directory or file on both sides, or the details.
func (s *splitScreen) openSelected() tea.Cmd {
	p := s.selected()
	if p == nil || p.heading != "" {
		return nil
	}
	for _, r := range []*row{p.box, p.host} {
		if r == nil {
			continue
		}
		if r.key == ".." {
			return s.goUp()
		}
		if e, ok := r.data.(inspect.Entry); ok && e.Kind == "directory" {
			return s.goTo(path.Join("/", s.box.place, e.Name))
		} else if ok && e.Kind == "file" {
			return s.goTo(placeFile + path.Join("/", s.box.place, e.Name))
		}
		if _, ok := r.data.(rootfs.Change); ok {
			return nil
		}
	}
	d := p.dialog(s.theme)
	s.ask(func(m *root) tea.Cmd { m.open(d); return nil })
	return nil
}

// dialog shows both sides in full.
func (p *pair) dialog(t theme) dialog {
	var text []paragraph
	side := func(name string, sec *section, r *row) {
		text = append(text, paragraph{"", paint(t.bold, name)})
		if r == nil {
			text = append(text, paragraph{"  ", "has none"})
			return
		}
		for _, f := range sec.details(r) {
			text = append(text, paragraph{"  " + paint(t.muted, t.fit(strings.ToLower(f.name), 14)) + " ", f.value})
		}
	}
	side("Host", p.hostT, p.host)
	side("Sandbox", p.boxT, p.box)
	return newMessage("Both sides", text)
}

func (s *splitScreen) wheel(lines int) {
	if s.probe != nil {
		s.probe.list.scroll(lines)
		return
	}
	s.list.scroll(lines)
}

func (s *splitScreen) hints() []hint {
	if s.probe != nil {
		return s.probe.hints()
	}
	only := "only differences"
	if s.different {
		only = "all rows"
	}
	return []hint{{"1-9", "views"}, {"!", "run a command in both"}, {"d", only}, {"/", "filter"}, {"=", "one side"}}
}
