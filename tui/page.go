package tui

import (
	"strings"
)

// page is a sheet on the screen: which line is selected, which are in view,
// and a filter.
type page struct {
	theme   theme
	list    list
	sheet   sheet
	seek    string // what to select when there is something to select
	focused bool   // the selected line is drawn as where the keys go
}

// set shows a newer sheet. The selection stays on its line.
func (p *page) set(s sheet) {
	first := len(p.list.all) == 0
	p.sheet = s
	p.list.set(s.entries)
	if first {
		p.top()
	}
	if p.seek != "" && len(s.sections) > 0 {
		p.list.choose(s.sections[0].title + "\x00" + p.seek)
		p.seek = ""
	}
}

// clear shows nothing.
func (p *page) clear() {
	p.sheet = sheet{}
	p.list.set(nil)
	p.list.moveTo(0)
}

// top selects the first row of a table.
func (p *page) top() {
	for at, i := range p.list.shown {
		if line := p.sheet.lines[i]; line.row >= 0 && line.section >= p.sheet.first {
			p.list.moveTo(at)
			break
		}
	}
	p.list.offset = 0
}

// selected is the row under the cursor; nil on headings.
func (p *page) selected() (*section, *row) {
	i := p.list.index()
	if i < 0 || i >= len(p.sheet.lines) {
		return nil, nil
	}
	line := p.sheet.lines[i]
	sec := &p.sheet.sections[line.section]
	if line.row < 0 {
		return sec, nil
	}
	return sec, &sec.rows[line.row]
}

func (p *page) press(key string) bool { return p.list.press(key) }

func (p *page) scroll(lines int) { p.list.scroll(lines) }

// mostCut is how many lines the text of a selected row may take that is too
// long for its line.
const mostCut = 4

// view draws h rows of w columns. What the selected row has no room for is
// shown in full below the others.
func (p *page) view(w, h int) []string {
	t := p.theme
	below := p.below(w, min(mostCut, h/3))
	p.list.resize(h - len(below))
	layouts := map[int][]int{}
	rows := p.list.rows(t, w, p.focused, func(i int) string {
		line := p.sheet.lines[i]
		widths := layouts[line.section]
		if widths == nil {
			widths = p.sheet.sections[line.section].layout(w - 1)
			layouts[line.section] = widths
		}
		return p.draw(line, widths)
	})
	if len(rows) == 0 && p.list.filter != "" {
		rows = []string{"", paint(t.muted, "  nothing here matches "+visible(p.list.filter))}
	}
	out := t.padRows(rows, w, h-len(below))
	return append(out, below...)
}

func (p *page) draw(line sheetLine, widths []int) string {
	t, sec := p.theme, &p.sheet.sections[line.section]
	switch line.row {
	case lineBlank:
		return ""
	case lineHeading:
		return paint(t.bold, sec.title)
	case lineHeads:
		names := make([]string, len(sec.columns))
		for i, c := range sec.columns {
			names[i] = c.name
		}
		return paint(t.muted, sec.draw(t, names, widths))
	}
	r := &sec.rows[line.row]
	return paint(t.tone(r.tone), sec.draw(t, r.cells, widths))
}

// below is what the selected row's line has no room for.
func (p *page) below(w, most int) []string {
	sec, r := p.selected()
	if r == nil || !p.focused || most < 2 {
		return nil
	}
	missing := sec.cut(r, sec.layout(w-1))
	if len(missing) == 0 {
		return nil
	}
	var parts []string
	for _, f := range missing {
		parts = append(parts, strings.TrimLeft(strings.ToLower(f.name)+" "+f.value, " "))
	}
	rows := wrap(strings.Join(parts, "  "), w-1)
	if len(rows) > most-1 {
		rows = rows[:most-1]
		last := len(rows) - 1
		rows[last] = p.theme.cut(rows[last]+" "+p.theme.ellipsis, w-1)
	}
	out := []string{paint(p.theme.muted, strings.Repeat(p.theme.line, w))}
	for _, text := range rows {
		out = append(out, p.theme.fit(" "+text, w))
	}
	return out
}

// text is the selected line as text, for copying.
func (p *page) text() string {
	sec, r := p.selected()
	switch {
	case r == nil:
		return ""
	case len(sec.columns) == 2 && !sec.headed() && len(r.cells) == 2:
		return r.cells[1] // the value of a name
	}
	var cells []string
	for _, cell := range r.cells {
		if cell = strings.TrimSpace(cell); cell != "" {
			cells = append(cells, cell)
		}
	}
	return strings.Join(cells, "\t")
}

// dialog shows all that is known of the selected row.
func (p *page) dialog() dialog {
	sec, r := p.selected()
	if r == nil {
		return nil
	}
	name := 0
	facts := sec.details(r)
	for _, f := range facts {
		name = max(name, width(f.name))
	}
	var text []paragraph
	for _, f := range facts {
		text = append(text, paragraph{paint(p.theme.muted, p.theme.fit(strings.ToLower(f.name), name)) + "  ", f.value})
	}
	return newMessage("Details", text)
}
