package tui

// rectangle is an area of the screen, in columns and rows from 0.
type rectangle struct{ x, y, w, h int }

func (r rectangle) contains(x, y int) bool {
	return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h
}

// panel is one of the three parts of the screen that can have the focus.
type panel int

const (
	panelRootfs panel = iota
	panelSandboxes
	panelWork
	panels
	panelNone = panel(-1)
)

// Sizes at which the layout changes, in cells.
const (
	wideCols, wideRows   = 60, 16 // below: one panel at a time
	leastCols, leastRows = 24, 6  // below: a sentence
	fullTerminal         = 80     // columns that the right side should have
	narrowLeft, wideLeft = 32, 44
)

// layout is where everything is. Each panel has a rule above it; the one at
// the right a rule below it as well, and the last row says which keys work.
type layout struct {
	cols, rows int
	tooSmall   bool
	single     bool              // one panel at a time
	body       [panels]rectangle // without the rules; zero where hidden
}

// newLayout divides the screen. zoomed gives all of it to the work panel.
func newLayout(cols, rows int, focus panel, zoomed bool, trees int) layout {
	l := layout{cols: cols, rows: rows}
	switch {
	case cols < leastCols || rows < leastRows:
		l.tooSmall = true
	case zoomed:
		l.body[panelWork] = rectangle{0, 0, cols, rows - 1}
	case cols < wideCols || rows < wideRows:
		l.single = true
		l.body[focus] = rectangle{0, 1, cols, rows - 3}
	default:
		l.divide(trees)
	}
	return l
}

// divide gives the right side a full terminal's width where there is room, and
// the list of root filesystems what it needs, up to two fifths of the height.
func (l *layout) divide(trees int) {
	left := min(max(l.cols-1-fullTerminal, narrowLeft), wideLeft)
	height := l.rows - 3 // rules above and below, and the keys
	above := min(max(trees, 3), height*2/5)
	l.body[panelRootfs] = rectangle{0, 1, left, above}
	l.body[panelSandboxes] = rectangle{0, 2 + above, left, height - above - 1}
	l.body[panelWork] = rectangle{left + 1, 1, l.cols - left - 1, height}
}

// at returns the panel at a place, panelNone on rules and the last row.
func (l *layout) at(x, y int) panel {
	for p, r := range l.body {
		if r.contains(x, y) {
			return panel(p)
		}
	}
	return panelNone
}
