package tui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
)

// rootfsScreen is all that is known of a root filesystem: what it is, what it
// takes on the disk, and what a check finds.
type rootfsScreen struct {
	wish
	theme  theme
	store  *sandbox.Store
	known  rootfsFacts
	page   page
	err    error
	turn   int
	cancel context.CancelFunc // of the measuring; nil while not shown
}

// rootfsFacts are what was read of a root filesystem.
type rootfsFacts struct {
	rootfs.Rootfs
	document rootfs.Document // of a stack of layers
	layers   []rootfs.Layer
	uses     map[string]int // how many root filesystems have a layer, by digest
	usage    rootfs.Usage
	size     string // of a plain tree, as soon as it is known
	users    []string
	findings []rootfs.Finding
	checkErr error
}

// openRootfs shows the selected root filesystem.
func (m *root) openRootfs() tea.Cmd {
	r, ok := m.trees.selected()
	if !ok {
		return nil
	}
	return m.openScreen(&rootfsScreen{
		theme: m.theme, store: m.store, known: rootfsFacts{Rootfs: r}, page: page{theme: m.theme, focused: true},
	})
}

// rootfsRead is what was read, now or after more was measured.
type rootfsRead struct {
	screen *rootfsScreen
	turn   int
	facts  rootfsFacts
	sheet  sheet
	err    error
	next   tea.Cmd
}

func (s *rootfsScreen) show() tea.Cmd {
	s.turn++
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	turn, store, r := s.turn, s.store, s.known.Rootfs
	return func() tea.Msg {
		facts, err := readRootfsFacts(store, r)
		done := rootfsRead{screen: s, turn: turn, facts: facts, sheet: facts.sheet(), err: err}
		if facts.size != "" {
			done.next = func() tea.Msg {
				if n, err := store.Catalogue.Size(ctx, r.Path); err == nil {
					facts.size = rootfs.BytesText(n)
				} else {
					facts.size = "not known: " + err.Error()
				}
				return rootfsRead{screen: s, turn: turn, facts: facts, sheet: facts.sheet()}
			}
		}
		return done
	}
}

func (s *rootfsScreen) hide() {
	s.turn++
	s.cancel()
}

func (m rootfsRead) deliver() tea.Cmd {
	s := m.screen
	if m.turn != s.turn {
		return nil
	}
	s.known, s.err = m.facts, m.err
	s.page.set(m.sheet)
	return m.next
}

// readRootfsFacts reads all that takes no walk through a whole tree. Where
// something cannot be read, the rest is there.
func readRootfsFacts(store *sandbox.Store, r rootfs.Rootfs) (f rootfsFacts, err error) {
	f.Rootfs = r
	f.users, err = store.Users(r)
	f.findings, f.checkErr = store.Catalogue.Check(r)
	document, documentErr := store.Catalogue.Document(r.Name)
	switch {
	case r.Kind == rootfs.Host:
	case r.Kind == rootfs.Directory || errors.Is(documentErr, fs.ErrNotExist):
		f.size = "is being measured"
	case documentErr != nil:
		err = errors.Join(err, documentErr)
	default:
		f.document = document
		err = errors.Join(err, f.readLayers(store.Catalogue))
	}
	return f, err
}

func (f *rootfsFacts) readLayers(c *rootfs.Catalogue) error {
	for _, digest := range f.document.Layers {
		l, known := c.Layer(digest)
		l.Digest = cmp.Or(l.Digest, digest)
		if !known {
			l.Notes = []string{"missing"}
		}
		f.layers = append(f.layers, l)
	}
	usage, err := c.Usage()
	if err != nil {
		return err
	}
	f.usage = usage[f.Name]
	f.uses, err = c.LayerUses()
	return err
}

// sheet lays out the facts.
func (f rootfsFacts) sheet() sheet {
	s := sheet{sections: []section{f.identity(), f.checked()}, first: 1}
	if d := f.defaults(); len(d.rows) > 0 {
		s.sections = append(s.sections, d)
	}
	if notes := f.document.Notes; len(notes) > 0 {
		lost := section{title: fmt.Sprintf("Could not be kept (%d)", len(notes)), columns: []column{{flex: true}}}
		for i, note := range notes {
			lost.rows = append(lost.rows, row{key: strconv.Itoa(i), cells: []string{note}, tone: toneWarn})
		}
		s.sections = append(s.sections, lost)
	}
	if len(f.layers) > 0 {
		s.sections = append(s.sections, f.layerTable())
	}
	s.finish()
	return s
}

// identity is what it is, and what it takes.
func (f rootfsFacts) identity() section {
	s := named("", fact{"name", f.Name}, fact{"kind", f.Kind.String()}, fact{"path", f.Path})
	add := func(name, value string) {
		if value != "" {
			s.add(name, value, tonePlain)
		}
	}
	if f.Problem != "" {
		s.add("PROBLEM", f.Problem, toneBad)
	}
	add("made from", f.document.Source)
	add("platform", f.document.Platform)
	add("made", moment(f.document.Created))
	add("on disk", f.size)
	if n := len(f.layers); n > 0 {
		add("on disk", rootfs.BytesText(f.usage.Bytes)+plural(n, " in %d layer", " in %d layers"))
		add("shared", rootfs.BytesText(f.usage.Shared)+" of it, with other root filesystems")
	}
	add("used by", cmp.Or(strings.Join(f.users, ", "), "no sandbox"))
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return fmt.Sprintf(one, n)
	}
	return fmt.Sprintf(many, n)
}

// checked is what the check found, and what each finding will cause.
func (f rootfsFacts) checked() section {
	s := section{title: "Check", columns: []column{{flex: true}}}
	for i, finding := range f.findings {
		key, mark, n := strconv.Itoa(i), "", tonePlain
		switch {
		case finding.Fatal:
			mark, n = "FATAL: ", toneBad
		case finding.Effect != "":
			mark, n = "note: ", toneWarn
		}
		s.rows = append(s.rows, row{key: key, cells: []string{mark + finding.What}, tone: n})
		if finding.Effect != "" {
			s.rows = append(s.rows, row{key: key + ".", cells: []string{"  " + finding.Effect}, tone: toneMuted})
		}
	}
	switch {
	case f.checkErr != nil:
		s.rows = []row{{key: "none", cells: []string{f.checkErr.Error()}, tone: toneBad}}
	case len(f.findings) == 0:
		s.rows = []row{{key: "none", cells: []string{"nothing is missing"}, tone: toneGood}}
	}
	return s
}

// defaults are what a launch takes where nothing else is said.
func (f rootfsFacts) defaults() section {
	s := section{title: "Launch defaults", columns: []column{{}, {flex: true}}}
	d := f.Defaults
	for _, each := range []fact{
		{"command", quoteWords(d.Command)}, {"user", d.User}, {"directory", d.Workdir}, {"stop signal", d.StopSignal},
	} {
		if each.value != "" {
			s.add(each.name, each.value, tonePlain)
		}
	}
	for i, variable := range d.Env {
		s.rows = append(s.rows, row{key: "env" + strconv.Itoa(i), cells: []string{"environment", variable}})
	}
	return s
}

func (f rootfsFacts) layerTable() section {
	s := section{title: plural(len(f.layers), "Layers (%d)", "Layers (%d), the lowest first"), columns: []column{
		{name: "DIGEST"}, {name: "SIZE", right: true}, {name: "FILES", right: true}, {name: "ALSO IN", flex: true},
	}}
	for i, l := range f.layers {
		also := "no other"
		if n := f.uses[l.Digest] - 1; n > 0 {
			also = plural(n, "%d other: shared", "%d others: shared")
		}
		digest := rootfs.Paced{Progress: rootfs.Progress{Item: l.Digest}}.Label()
		s.rows = append(s.rows, row{
			key: strconv.Itoa(i), cells: []string{digest, rootfs.BytesText(l.Bytes), strconv.Itoa(l.Entries), also},
			more: append([]fact{{"in full", l.Digest}}, noteFacts(l.Notes)...),
		})
	}
	return s
}

func noteFacts(notes []string) []fact {
	var facts []fact
	for _, note := range notes {
		facts = append(facts, fact{"note", note})
	}
	return facts
}

func (s *rootfsScreen) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	switch key := msg.String(); key {
	case "enter", "space":
		if d := s.page.dialog(); d != nil {
			return s.ask(func(m *root) tea.Cmd { m.open(d); return nil })
		}
		return nil, true
	case "y":
		text := s.page.text()
		return s.ask(func(m *root) tea.Cmd { return m.copyText(text) })
	case "/":
		return s.ask(filterList(&s.page.list))
	default:
		return nil, s.page.press(key)
	}
}

func (s *rootfsScreen) wheel(lines int) { s.page.scroll(lines) }

func (*rootfsScreen) hints() []hint {
	return []hint{{"Enter", "details"}, {"/", "filter"}, {"y", "copy"}}
}

func (s *rootfsScreen) view(w, h int) tabView {
	t := s.theme
	title := t.rule(" "+paint(t.focus, "Root filesystem "+t.cut(visible(s.known.Name), w/2))+" ", "", w)
	var rows []string
	if s.err != nil {
		rows = append(rows, "")
		for _, p := range errorText(t, s.err) {
			rows = append(rows, p.rows(w)...)
		}
		rows = append(rows, "")
	}
	return tabView{rows: append([]string{title}, append(rows, s.page.view(w, h-1-len(rows))...)...)}
}
