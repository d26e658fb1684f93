package terminal

// handle sends one piece of input where it belongs.
func (p *Passthrough) handle(t token, b []byte) {
	switch t {
	case tokenPrefix:
		p.prefixKey(b)
	case tokenReport:
		p.state.report = true
		p.forUI = append(p.forUI, b...)
	case tokenCSI:
		p.handleCSI(b)
	case tokenSS3:
		p.key(b, 0, p.cursorKey(b))
	default:
		p.typed(b)
	}
}

// typed is plain input; after the prefix its first character may be a command.
func (p *Passthrough) typed(b []byte) {
	if len(p.state.prefixed) > 0 {
		p.key(b[:1], rune(b[0]), b[:1])
		b = b[1:]
		if p.attached.Load() != p.current { // it was a command that detaches
			p.forUI = append(p.forUI, b...)
			return
		}
	}
	p.forPane = append(p.forPane, b...)
}

func (p *Passthrough) handleCSI(b []byte) {
	s := parseSequence(b)
	switch {
	case s.private == '<' && (s.final == 'M' || s.final == 'm'):
		p.mouse(s, b)
	case isAnswer(s):
		p.forUI = append(p.forUI, b...)
	case s.private == 0 && s.n == 0 && (s.final == 'I' || s.final == 'O'):
		p.focus(b)
	case s.final == '~' && s.n == 1 && s.numbers[0] == 200:
		p.letPrefixThrough()
		p.state.pasting = true
		p.pasteMarker(b)
	default:
		p.handleKey(s, b)
	}
}

// focus tells both: the UI always, the program if it asked.
func (p *Passthrough) focus(b []byte) {
	p.forUI = append(p.forUI, b...)
	if p.current.target.Modes().Focus {
		p.forPane = append(p.forPane, b...)
	}
}

// isAnswer reports whether a sequence answers a query to the outer terminal:
// DA, DECRPM, DSR, kitty flags, XTQMODKEYS, window reports, CPR. A CPR on row 1
// looks like F3 with a modifier, and is taken for the key.
func isAnswer(s sequence) bool {
	switch {
	case s.private != 0 || s.inter != 0:
		return true
	case s.final == 't' || s.final == 'c' || s.final == 'n' || s.final == 'x':
		return true
	case s.final == 'R' && s.n == 2:
		modifier := s.numbers[1] >= 2 && s.numbers[1] <= 16
		return s.numbers[0] != 1 || !modifier
	}
	return false
}

// handleKey is a key that the outer terminal sent as a control sequence.
func (p *Passthrough) handleKey(s sequence, b []byte) {
	code, ctrl, release := keyOf(s)
	if code == p.prefixLetter() && ctrl {
		if !release {
			p.prefixKey(b)
		}
		return
	}
	if release && len(p.state.prefixed) > 0 {
		return // of the prefix key's modifier, most likely
	}
	if ctrl {
		code = 0
	}
	p.key(b, code, p.cursorKey(b))
}

// keyOf reads the forms CSI code;modifiers u (kitty) and CSI 27;modifiers;code ~
// (modifyOtherKeys). code is 0 for any other key. ctrl is true for Control
// alone; the lock keys do not count.
func keyOf(s sequence) (code rune, ctrl, release bool) {
	const locks = 64 | 128
	modifiers, event := 0, 0
	switch {
	case s.final == 'u' && s.n >= 1:
		code, modifiers, event = rune(s.numbers[0]), s.numbers[1], s.subs[1]
	case s.final == '~' && s.n == 3 && s.numbers[0] == 27:
		code, modifiers = rune(s.numbers[2]), s.numbers[1]
	default:
		return 0, false, s.subs[1] == 3
	}
	held := max(modifiers-1, 0) &^ locks
	if held != 0 && held != 4 {
		code = 0
	}
	return code, held == 4, event == 3
}

// prefixLetter is the prefix key without Control, as kitty's protocol has it.
func (p *Passthrough) prefixLetter() rune {
	c := rune(p.prefix | 0x40)
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// prefixKey begins a command. Two in a row go through, as any other key does.
func (p *Passthrough) prefixKey(b []byte) {
	if len(p.state.prefixed) > 0 {
		p.letPrefixThrough()
		p.forPane = append(p.forPane, b...)
		return
	}
	p.state.prefixed = append([]byte(nil), b...)
}

// letPrefixThrough sends a prefix to the program after all.
func (p *Passthrough) letPrefixThrough() {
	p.forPane = append(p.forPane, p.state.prefixed...)
	p.state.prefixed = nil
}

// key is one key: its bytes, the character when it is one without modifiers,
// and the bytes that the program is to get for it.
func (p *Passthrough) key(b []byte, char rune, send []byte) {
	if len(p.state.prefixed) == 0 {
		p.forPane = append(p.forPane, send...)
		return
	}
	switch c := CommandOf(char); {
	case c != 0:
		p.command(c)
	case char == p.prefixLetter():
		p.letPrefixThrough() // once: a literal prefix key
	default:
		p.letPrefixThrough()
		p.forPane = append(p.forPane, send...)
	}
}

// CommandOf is what a character after the prefix stands for; 0 is no command.
func CommandOf(char rune) Command {
	switch char {
	case 'd':
		return CommandDetach
	case 'z':
		return CommandZoom
	case '[':
		return CommandScroll
	}
	return 0
}

// command tells the target. After Detach and Scroll the keys are the UI's at
// once, those in the same read too.
func (p *Passthrough) command(c Command) {
	p.state.prefixed = nil
	p.flush()
	if c != CommandZoom {
		p.attached.CompareAndSwap(p.current, nil)
	}
	p.current.target.Command(c)
}

// cursorKey returns what the program expects for a cursor key, Home or End:
// SS3 in application-cursor mode, CSI otherwise. Other keys stay as they are.
func (p *Passthrough) cursorKey(b []byte) []byte {
	if len(b) != 3 {
		return b
	}
	switch b[2] {
	case 'A', 'B', 'C', 'D', 'F', 'H':
		if p.current.target.Modes().AppCursor {
			return []byte{0x1b, 'O', b[2]}
		}
		return []byte{0x1b, '[', b[2]}
	}
	return b
}
