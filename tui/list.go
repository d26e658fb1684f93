package tui

import (
	"strings"
)

// list is what the two lists on the left have in common: which entry is
// selected, which are in view, and a filter. It knows entries by their key and
// their text only.
type list struct {
	all    []entry
	shown  []int // indices into all that pass the filter
	cursor int   // index into shown
	offset int   // first row in view
	height int   // rows in view
	filter string
}

// entry is one thing in a list.
type entry struct {
	key  string // stays when the list is read again
	text string // what the filter looks at
}

// set replaces the entries. The selection stays on its entry, or, when that
// is gone, on its row.
func (l *list) set(entries []entry) {
	key, _ := l.key()
	l.all = entries
	l.narrow()
	l.choose(key)
}

// narrow applies the filter: every word of it occurs in the text.
func (l *list) narrow() {
	l.shown = l.shown[:0]
	words := strings.Fields(strings.ToLower(l.filter))
	for i, e := range l.all {
		if len(words) == 0 || containsAll(strings.ToLower(e.text), words) {
			l.shown = append(l.shown, i)
		}
	}
	l.moveTo(l.cursor)
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (l *list) setFilter(filter string) {
	key, _ := l.key()
	l.filter = filter
	l.narrow()
	l.choose(key)
}

// key is the selected entry's.
func (l *list) key() (key string, ok bool) {
	if i := l.index(); i >= 0 {
		return l.all[i].key, true
	}
	return "", false
}

// index is the selected entry's in all, -1 when nothing is selected.
func (l *list) index() int {
	if l.cursor < 0 || l.cursor >= len(l.shown) {
		return -1
	}
	return l.shown[l.cursor]
}

// choose selects the entry with a key, if it is shown.
func (l *list) choose(key string) bool {
	for row, i := range l.shown {
		if l.all[i].key == key {
			l.moveTo(row)
			return true
		}
	}
	return false
}

func (l *list) moveBy(rows int) { l.moveTo(l.cursor + rows) }

func (l *list) moveTo(row int) {
	l.cursor = max(0, min(row, len(l.shown)-1))
	l.reveal()
}

func (l *list) resize(height int) {
	l.height = max(0, height)
	l.reveal()
}

// reveal scrolls so that the selected row is in view.
func (l *list) reveal() {
	if l.cursor < l.offset {
		l.offset = l.cursor
	}
	if l.height > 0 && l.cursor >= l.offset+l.height {
		l.offset = l.cursor - l.height + 1
	}
	l.offset = max(0, min(l.offset, len(l.shown)-l.height))
}

// scroll moves the view; the selection follows only as far as it must.
func (l *list) scroll(rows int) {
	l.offset = max(0, min(l.offset+rows, len(l.shown)-l.height))
	l.cursor = max(l.offset, min(l.cursor, l.offset+l.height-1))
}

// click selects the entry at a row of the view.
func (l *list) click(row int) bool {
	if row < 0 || row >= l.height || l.offset+row >= len(l.shown) {
		return false
	}
	l.moveTo(l.offset + row)
	return true
}

// press handles the keys that move in any list.
func (l *list) press(key string) bool {
	switch key {
	case "j", "down":
		l.moveBy(1)
	case "k", "up":
		l.moveBy(-1)
	case "pgdown", "ctrl+f":
		l.moveBy(max(1, l.height))
	case "pgup", "ctrl+b":
		l.moveBy(-max(1, l.height))
	case "home", "g":
		l.moveTo(0)
	case "end", "G":
		l.moveTo(len(l.shown) - 1)
	default:
		return false
	}
	return true
}

// rows draws what is in view; draw draws the entry i of all.
func (l *list) rows(t theme, w int, focused bool, draw func(i int) string) []string {
	rows := make([]string, 0, l.height)
	for row := l.offset; row < len(l.shown) && len(rows) < l.height; row++ {
		text := t.fit(draw(l.shown[row]), w-1)
		switch {
		case row == l.cursor && focused:
			text = t.cursor.Styled(t.pointer + stripped(text))
		case row == l.cursor:
			text = paint(t.marked, t.pointer+stripped(text))
		default:
			text = " " + text
		}
		rows = append(rows, text)
	}
	return rows
}
