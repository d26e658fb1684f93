package terminal

// Limits of the screen's size. Programs and users ask for less; a mistake asks for more.
const (
	maxCols = 1000
	maxRows = 1000
)

// DefaultScrollback is the byte budget of the history when Options names none.
const DefaultScrollback = 4 << 20

// Options of a Screen or Pane. The zero value is sensible.
type Options struct {
	// ScrollbackBytes bounds the history: 0 means DefaultScrollback, a negative
	// number no history. A line of plain text costs its length and five bytes.
	ScrollbackBytes int
	// RestoreLines is how many lines of history Restore writes out: 0 means 1000,
	// a negative number none.
	RestoreLines int
	// Links lets hyperlinks (OSC 8) with the schemes http, https and file through
	// to the finished rows.
	Links bool
	// Resizable lets the program change the size (CSI 8 t, DECCOLM). Only useful
	// where no window dictates it.
	Resizable bool
}

// buffer is the main or the alternate screen.
type buffer struct {
	grid  *grid
	saved cursor // DECSC
	kitty kittyStack
}

// cursor is the cursor and what DECSC saves with it.
type cursor struct {
	x, y     int
	pending  bool // the last column was written: the next character wraps
	origin   bool // DECOM
	pen      cell // style of new text; no glyph
	charsets charsets
}

// Screen is the model of a terminal: grid, modes, history. It is not safe for
// concurrent use; Pane is.
type Screen struct {
	opts       Options
	cols, rows int

	main, alt buffer
	active    *buffer
	grid      *grid // of the active buffer
	cur       cursor

	top, bottom int // scroll region, DECSTBM
	left, right int // DECSLRM; all columns unless modes.margins
	modes       modes
	savedModes  map[int32]bool // XTSAVE
	tabs        tabStops
	protect     protection
	last        rune // for REP; 0 when there is nothing to repeat
	scratch     []byte

	history *history
	pool    *pool
	parser  parser
	palette palette

	title, icon           string
	titles                []string // XTWINOPS 22 and 23
	directory             string
	bells                 int
	clipboard             []ClipboardRequest
	replies               []byte
	shape                 int // DECSCUSR
	formatKeys, otherKeys int
	attrExtent            int // DECSACE
	conformance           conformance

	beforeSync func() // called when a synchronized update begins
	epoch      uint64 // counts what makes line numbers stand for other text
}

// New returns a blank screen. Sizes are clamped to 1…1000.
func New(cols, rows int, opts Options) *Screen {
	cols, rows = clampSize(cols, rows)
	s := &Screen{opts: opts, cols: cols, rows: rows}
	budget := opts.ScrollbackBytes
	if budget == 0 {
		budget = DefaultScrollback
	}
	s.history = &history{budget: budget}
	s.reset()
	return s
}

func clampSize(cols, rows int) (int, int) {
	return clamp(cols, 1, maxCols), clamp(rows, 1, maxRows)
}

func clamp(v, low, high int) int { return max(low, min(v, high)) }

// reset is RIS: everything but the size and the history.
func (s *Screen) reset() {
	s.main = buffer{grid: newGrid(s.cols, s.rows)}
	s.alt = buffer{}
	s.active, s.grid = &s.main, s.main.grid
	s.pool = newPool(max(1024, 4*s.cols*s.rows))
	s.cur = cursor{}
	s.main.saved, s.alt.saved = cursor{}, cursor{}
	s.fullMargins()
	s.modes = defaultModes()
	s.savedModes = nil
	s.tabs = newTabStops()
	s.protect = protectNone
	s.last = 0
	s.palette = palette{foreground: s.palette.foreground, background: s.palette.background}
	s.title, s.icon, s.titles, s.directory = "", "", nil, ""
	s.shape, s.formatKeys, s.otherKeys, s.attrExtent = 0, 0, 0, 0
	s.conformance = conformance{level: vtLevel}
	s.epoch++
}

func (s *Screen) fullMargins() {
	s.top, s.bottom = 0, s.rows-1
	s.left, s.right = 0, s.cols-1
}

// Size returns the columns and rows.
func (s *Screen) Size() (cols, rows int) { return s.cols, s.rows }

// TakeReplies returns the answers to the program's queries since the last
// call. They are built here from constants and numbers.
func (s *Screen) TakeReplies() []byte {
	r := s.replies
	s.replies = nil
	return r
}

// blank is what erasing leaves: the background colour of the pen (BCE).
func (s *Screen) blank() cell { return cell{bg: s.cur.pen.bg} }

// alternate reports whether the alternate screen is showing.
func (s *Screen) alternate() bool { return s.active == &s.alt }
