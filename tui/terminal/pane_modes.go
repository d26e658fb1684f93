package terminal

// MouseEncoding is how the program wants mouse reports written.
type MouseEncoding int

// Mouse encodings, named after the numbers of DECSET.
const (
	MouseEncodingX10       MouseEncoding = 0
	MouseEncodingUTF8      MouseEncoding = 1005
	MouseEncodingSGR       MouseEncoding = 1006
	MouseEncodingURXVT     MouseEncoding = 1015
	MouseEncodingSGRPixels MouseEncoding = 1016
)

// Modes is what the program asked of the terminal, as far as it matters for
// what is sent to it.
type Modes struct {
	AltScreen       bool
	AppCursor       bool // DECCKM: cursor keys as SS3
	AppKeypad       bool
	BracketedPaste  bool
	Focus           bool // focus reports
	AltScroll       bool // mode 1007: the wheel sends cursor keys on the alternate screen
	Synchronized    bool
	Mouse           MouseTracking
	MouseEncoding   MouseEncoding
	KittyFlags      int // kitty keyboard protocol
	ModifyOtherKeys int
}

// Modes returns the modes of this moment.
func (s *Screen) Modes() Modes {
	return Modes{
		AltScreen:       s.alternate(),
		AppCursor:       s.modes.appCursor,
		AppKeypad:       s.modes.appKeypad,
		BracketedPaste:  s.modes.bracketedPaste,
		Focus:           s.modes.focus,
		AltScroll:       s.modes.altScroll,
		Synchronized:    s.modes.sync,
		Mouse:           s.modes.mouse,
		MouseEncoding:   s.modes.mouseEncoding(),
		KittyFlags:      int(s.active.kitty.current),
		ModifyOtherKeys: s.otherKeys,
	}
}

func (m *modes) mouseEncoding() MouseEncoding {
	switch {
	case m.mousePixels:
		return MouseEncodingSGRPixels
	case m.mouseSGR:
		return MouseEncodingSGR
	case m.mouseURXVT:
		return MouseEncodingURXVT
	case m.mouseUTF8:
		return MouseEncodingUTF8
	}
	return MouseEncodingX10
}

// Modes returns the modes of this moment.
func (p *Pane) Modes() Modes {
	p.lock()
	defer p.mu.Unlock()
	return p.screen.Modes()
}

// SetColours tells the pane the outer terminal's own text and background
// colours, as 0xRRGGBB, for the answer to programs that ask (OSC 10 and 11) in
// order to choose a light or a dark scheme.
func (p *Pane) SetColours(foreground, background uint32) {
	p.change(func() {
		p.screen.palette.foreground = colourRGB | colour(foreground&0xffffff)
		p.screen.palette.background = colourRGB | colour(background&0xffffff)
	})
}
