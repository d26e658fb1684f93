package terminal

// palette writes the colours that were changed.
func (w *restorer) palette() {
	p := &w.screen.palette
	for i, c := range p.indexed {
		if c != 0 {
			w.out("\x1b]4;%d;#%06x\x1b\\", i, uint32(c&^colourKind))
		}
	}
	for i, c := range p.dynamic {
		if c != 0 {
			w.out("\x1b]%d;#%06x\x1b\\", 10+i, uint32(c&^colourKind))
		}
	}
}

func (w *restorer) tabs() {
	if w.screen.tabs == newTabStops() {
		return
	}
	w.out("\x1b[3g")
	for x := range w.screen.cols {
		if w.screen.tabs.has(x) {
			w.out("\x1b[%dG\x1bH", x+1)
		}
	}
}

func (w *restorer) kitty(k *kittyStack) {
	flags := append(append([]uint8{}, k.below[:k.n]...), k.current)
	for i, f := range flags {
		if i == 0 {
			w.out("\x1b[=%du", f)
		} else {
			w.out("\x1b[>%du", f)
		}
	}
}

func (w *restorer) margins() {
	s := w.screen
	if s.modes.margins {
		w.out("\x1b[?69h\x1b[%d;%ds", s.left+1, s.right+1)
	}
	if s.top != 0 || s.bottom != s.rows-1 {
		w.out("\x1b[%d;%dr", s.top+1, s.bottom+1)
	}
}

// saved brings the cursor to a saved state, to be saved again. Wrapping is not
// pending there: it needs the character it came from.
func (w *restorer) saved(c *cursor) {
	plain := *c
	plain.pending = false
	w.cursor(&plain)
}

// cursor writes position, pen and character sets.
func (w *restorer) cursor(c *cursor) {
	s := w.screen
	x, y := c.x, c.y
	if c.origin {
		w.out("\x1b[?6h")
		x, y = x-s.left, y-s.top
	} else {
		w.out("\x1b[?6l")
	}
	w.out("\x1b[0\"q")
	w.now.at &^= attrProtected
	w.out(plainCharsets)
	w.out("\x1b[%d;%dH", max(y, 0)+1, max(x, 0)+1)
	if c.pending {
		w.again(c)
	}
	w.style(c.pen)
	for i, set := range c.charsets.g {
		if set != 0 {
			w.out("\x1b%c%c", "()*+"[i], set)
		}
	}
	w.out("%s", []string{"\x0f", "\x0e", "\x1bn", "\x1bo"}[c.charsets.gl])
	switch c.charsets.single {
	case 2:
		w.out("\x1bN")
	case 3:
		w.out("\x1bO")
	}
}

// again writes the character before the cursor once more, so that wrapping is pending.
func (w *restorer) again(c *cursor) {
	r := w.screen.grid.row(c.y)
	if c.x >= r.used || r.cells[c.x].ch == 0 {
		return
	}
	x := c.x
	if r.cells[x].ch&glyphTail != 0 && x > 0 {
		x--
		w.out("\x1b[D")
	}
	w.cells(r.cells[x : x+1])
}

// modes writes the switches that differ from a fresh terminal's.
func (w *restorer) modes() {
	now, fresh := w.screen.modes, defaultModes()
	for _, n := range []int32{2, 4, 12, 20} {
		if on := *now.ansiFlag(n); on != *fresh.ansiFlag(n) {
			w.out("\x1b[%d%c", n, setOrReset(on))
		}
	}
	for _, n := range []int32{1, 4, 5, 7, 8, 12, 25, 40, 41, 42, 45, 1045, 66, 67, 95, 1004, 1005, 1006, 1007, 1015, 1016, 1036, 2004} {
		if on := *now.flag(n); on != *fresh.flag(n) {
			w.out("\x1b[?%d%c", n, setOrReset(on))
		}
	}
	if now.mouse != MouseOff {
		w.out("\x1b[?%dh", now.mouse)
	}
	s := w.screen
	if s.shape != 0 {
		w.out("\x1b[%d q", s.shape)
		w.out("\x1b[?12%c", setOrReset(now.blink))
	}
	if s.otherKeys != 0 {
		w.out("\x1b[>4;%dm", s.otherKeys)
	}
	if s.attrExtent != 0 {
		w.out("\x1b[%d*x", s.attrExtent)
	}
	if s.protect == protectISO {
		if s.cur.pen.at&attrProtected != 0 {
			w.out("\x1bV")
		} else {
			w.out("\x1bW")
		}
	}
}

func setOrReset(on bool) byte {
	if on {
		return 'h'
	}
	return 'l'
}
