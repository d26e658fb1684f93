package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// sheet is what an inspection view shows: tables, one below the other. It is
// made in a command, and knows nothing of the width it will be drawn in.
type sheet struct {
	sections []section
	note     string // for the rule below
	kept     any    // what the next reading compares with
	data     any    // what it was made of
	first    int    // section whose first row is selected at the beginning

	lines   []sheetLine // filled by finish, and so are
	entries []entry     // the same lines as a list
}

// section is a table under a heading.
type section struct {
	title   string // "" has no heading
	name    string // what it is matched by with the host's; "" is the title without the number
	columns []column
	rows    []row
	beside  bool // says what the host's side says anyway
}

// column is a column of a table.
type column struct {
	name  string // "" where the cells speak for themselves
	right bool   // numbers
	flex  bool   // takes the room that is left
	rank  int    // the highest go first where there is no room; 0 stays
	moves bool   // not compared with the host: it is another at every reading, or says how the two compare

	natural int // width of the widest cell, by finish
}

// row is a row of a table. Cells are plain text, as they were read: finish
// makes them fit to be drawn.
type row struct {
	key   string // stays when it is read again, and is the same on the host's side
	cells []string
	tone  tone
	more  []fact // for the details, besides the cells
	data  any    // what it is about
}

// tone is how much a row stands out. A word in the row says the same.
type tone int

const (
	tonePlain tone = iota
	toneMuted
	toneGood
	toneWarn
	toneBad
)

func (t theme) tone(n tone) ansi.Style {
	return [...]ansi.Style{t.plain, t.muted, t.good, t.warn, t.bad}[n]
}

// sheetLine is a line of the sheet as a list.
type sheetLine struct {
	section int
	row     int // index, or one of
}

const (
	lineHeads   = -1 // names of the columns
	lineHeading = -2
	lineBlank   = -3
)

// widestColumn bounds a column that does not take the rest.
const widestColumn = 24

// leastFlex is the room that the widest column gets before others go.
const leastFlex = 16

// finish makes all text fit to be drawn, measures it, and lays out the lines.
func (s *sheet) finish() {
	for i := range s.sections {
		sec := &s.sections[i]
		sec.title = visible(sec.title)
		for c := range sec.columns {
			sec.columns[c].natural = width(sec.columns[c].name)
		}
		for r := range sec.rows {
			sec.measure(&sec.rows[r])
		}
		s.list(i)
	}
}

func (s *section) measure(r *row) {
	for c, text := range r.cells {
		text = visible(text)
		r.cells[c] = text
		s.columns[c].natural = max(s.columns[c].natural, width(text))
	}
	for i := range r.more {
		r.more[i].value = visible(r.more[i].value)
	}
}

// list adds the lines of a section.
func (s *sheet) list(i int) {
	sec := &s.sections[i]
	add := func(row int, key, text string) {
		s.lines = append(s.lines, sheetLine{i, row})
		s.entries = append(s.entries, entry{key: key, text: text})
	}
	if i > 0 {
		add(lineBlank, "", "")
	}
	if sec.title != "" {
		add(lineHeading, "= "+sec.title, sec.title)
	}
	if sec.headed() && len(sec.rows) > 0 {
		add(lineHeads, "- "+sec.title, "")
	}
	for r := range sec.rows {
		row := &sec.rows[r]
		add(r, sec.title+"\x00"+row.key, strings.Join(row.cells, " "))
	}
}

// headed tells whether any column has a name.
func (s *section) headed() bool {
	for _, c := range s.columns {
		if c.name != "" {
			return true
		}
	}
	return false
}

// layout gives each column its width in w columns of the screen; 0 hides it.
func (s *section) layout(w int) []int {
	widths := make([]int, len(s.columns))
	for i, c := range s.columns {
		widths[i] = min(c.natural, widestColumn)
	}
	for {
		used, flex := 0, -1
		for i, c := range s.columns {
			if widths[i] == 0 && !c.flex {
				continue
			}
			used++ // the gap
			if c.flex {
				flex = i
			} else {
				used += widths[i]
			}
		}
		left := w - used + 1
		if flex < 0 {
			if left >= 0 || !s.drop(widths) {
				return widths
			}
			continue
		}
		if left >= min(leastFlex, max(1, s.columns[flex].natural)) || !s.drop(widths) {
			widths[flex] = max(1, left)
			return widths
		}
	}
}

// drop hides the column that matters least; false where none may go.
func (s *section) drop(widths []int) bool {
	last := -1
	for i, c := range s.columns {
		if c.rank > 0 && widths[i] > 0 && (last < 0 || c.rank > s.columns[last].rank) {
			last = i
		}
	}
	if last >= 0 {
		widths[last] = 0
	}
	return last >= 0
}

// draw puts cells into columns.
func (s *section) draw(t theme, cells []string, widths []int) string {
	text := ""
	for i, n := range widths {
		if n == 0 {
			continue
		}
		if text != "" {
			text += " "
		}
		cell := ""
		if i < len(cells) {
			cell = cells[i]
		}
		if s.columns[i].right {
			text += t.right(cell, n)
		} else {
			text += t.fit(cell, n)
		}
	}
	return text
}

// cut are the cells of a row that a layout does not show in full, where it
// shows a part of any: that what has no column is left out is plain to see.
func (s *section) cut(r *row, widths []int) []fact {
	var missing []fact
	part := false
	for i, cell := range r.cells {
		if cell != "" && width(cell) > widths[i] {
			part = part || widths[i] > 0
			missing = append(missing, fact{s.columns[i].name, strings.TrimLeft(cell, " ")})
		}
	}
	if !part {
		return nil
	}
	return missing
}

// details are all that is known of a row.
func (s *section) details(r *row) []fact {
	var all []fact
	for i, cell := range r.cells {
		if cell != "" {
			all = append(all, fact{s.columns[i].name, strings.TrimLeft(cell, " ")})
		}
	}
	return append(all, r.more...)
}

// deepest is how far trees are indented: they may be as deep as they are long.
const deepest = 10

// indent is what stands before a row of a tree.
func indent(depth int) string { return spaces(2 * min(depth, deepest)) }

// named makes a section of names and values.
func named(title string, facts ...fact) section {
	s := section{title: title, columns: []column{{}, {flex: true}}}
	for _, f := range facts {
		s.add(f.name, f.value, tonePlain)
	}
	return s
}

// add appends a name and its value to a section made by named.
func (s *section) add(name, value string, n tone) {
	s.rows = append(s.rows, row{key: name, cells: []string{name, value}, tone: n})
}
