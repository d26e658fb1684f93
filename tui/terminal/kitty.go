package terminal

const (
	kittyFlags = 31 // all flags of the protocol
	kittyDepth = 16 // entries kept; pushing more forgets the oldest
)

// kittyStack is the kitty keyboard protocol's stack of flags
// (sw.kovidgoyal.net/kitty/keyboard-protocol). Each screen has its own.
type kittyStack struct {
	below   [kittyDepth]uint8
	n       int
	current uint8
}

func (k *kittyStack) push(flags int) {
	if k.n == kittyDepth {
		copy(k.below[:], k.below[1:])
		k.n--
	}
	k.below[k.n] = k.current
	k.n++
	k.current = uint8(flags & kittyFlags)
}

func (k *kittyStack) pop(n int) {
	for ; n > 0 && k.n > 0; n-- {
		k.n--
		k.current = k.below[k.n]
	}
	if n > 0 {
		k.current = 0
	}
}

// set changes the current flags: all (1), adding (2) or removing (3).
func (k *kittyStack) set(flags, how int) {
	f := uint8(flags & kittyFlags)
	switch how {
	case 1:
		k.current = f
	case 2:
		k.current |= f
	case 3:
		k.current &^= f
	}
}

func (s *Screen) reportKitty() { s.reply("\x1b[?%du", s.active.kitty.current) }

// keyFormat is XTMODKEYS: only modifyOtherKeys (4) is kept.
func (s *Screen) keyFormat(p *params) {
	switch {
	case p.n == 0:
		s.otherKeys = 0
	case p.get(0, 0) == 4:
		s.otherKeys = clamp(p.get(1, 0), 0, 3)
	}
}

// reportKeyFormat is XTQMODKEYS.
func (s *Screen) reportKeyFormat(p *params) {
	if p.get(0, 0) == 4 {
		s.reply("\x1b[>4;%dm", s.otherKeys)
	}
}
