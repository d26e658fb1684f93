package tui

import (
	tea "charm.land/bubbletea/v2"
)

// dialog is a box over the screen that takes all keys until it is answered. It
// does nothing by itself: press returns what was decided, and the root model
// carries it out.
type dialog interface {
	title() string
	press(key tea.KeyPressMsg) decision
	// view draws rows of at most w columns; at most h rows are shown.
	view(w, h int) dialogView
}

// dialogView is a dialog's picture, without its frame.
type dialogView struct {
	rows   []string
	cursor *tea.Cursor // within rows
	keys   []hint
}

// decision is what a dialog's key led to: nil where it goes on.
type decision any

// dismissed closes a dialog without any consequence.
type dismissed struct{}

// pasted is implemented by dialogs that take pasted text.
type pasted interface{ paste(text string) }

// dialogFrame is a dialog as it goes over the screen, and its place.
type dialogFrame struct {
	rows   []string
	x, y   int
	cursor *tea.Cursor // on the screen
}

// frameDialog draws the box around a dialog, in the middle of the screen.
func frameDialog(t theme, d dialog, cols, rows int) dialogFrame {
	inner := min(cols-4, 76)
	v := d.view(inner, rows-4)
	if len(v.rows) > rows-4 {
		v.rows = v.rows[:rows-4]
	}
	w := max(width(d.title())+4, 24)
	for _, row := range v.rows {
		w = max(w, width(row))
	}
	keys := hintLine(t, v.keys)
	w = min(max(w, width(keys)), inner)
	b := t.box()
	out := []string{b.topLeft + t.rule(" "+paint(t.focus, d.title())+" ", "", w+2) + b.topRight}
	for _, row := range v.rows {
		out = append(out, t.column+" "+t.fit(row, w)+" "+t.column)
	}
	out = append(out, t.column+" "+t.fit(keys, w)+" "+t.column)
	out = append(out, b.bottomLeft+t.rule("", "", w+2)+b.bottomRight)
	f := dialogFrame{rows: out, x: max(0, (cols-w-4)/2), y: max(0, (rows-len(out))/2)}
	if v.cursor != nil {
		f.cursor = tea.NewCursor(f.x+2+v.cursor.X, f.y+1+v.cursor.Y)
	}
	return f
}

// corners are those of a box.
type corners struct{ topLeft, topRight, bottomLeft, bottomRight string }

func (t theme) box() corners {
	if t.ascii {
		return corners{"+", "+", "+", "+"}
	}
	return corners{"┌", "┐", "└", "┘"}
}

// hintLine says which keys do what.
func hintLine(t theme, hints []hint) string {
	line := ""
	for i, h := range hints {
		if i > 0 {
			line += "  "
		}
		line += paint(t.key, h.key) + " " + h.does
	}
	return line
}
