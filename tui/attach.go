package tui

import (
	"bytes"
	"cmp"
	"sync/atomic"

	tea "charm.land/bubbletea/v2"

	"aquarium/tui/terminal"
)

// prefixPressed says that the user gave a command with the prefix key.
type prefixPressed struct {
	command terminal.Command
	from    *attachment
}

// keyboard switches the user's keys between the UI and a sandbox. Attached,
// bytes go to the program as they are, past the event loop: terminal.Passthrough.
type keyboard struct {
	input  *terminal.Passthrough
	prefix byte // 0 is terminal.DefaultPrefix
	send   func(tea.Msg)
	now    *attachment    // nil when detached
	modes  terminal.Modes // what the outer terminal was told last
}

// attach sends what the user types to a feed.
func (k *keyboard) attach(f *feed) {
	k.now = &attachment{feed: f, send: k.send}
	k.now.place(rectangle{})
	k.input.Attach(k.now)
}

func (k *keyboard) detach() {
	k.now = nil
	k.input.Detach()
}

func (k *keyboard) attached() bool { return k.now != nil }

// attachment is where keys go. Its methods are called by the reader of the
// keyboard, and must not wait, but for Begin.
type attachment struct {
	feed   *feed
	send   func(tea.Msg)
	bounds atomic.Pointer[rectangle]

	prefixed bool // the prefix was the last early key; used by the event loop only
}

// Begin waits for the event loop, which takes early keys one after the other:
// its answer comes after them.
func (a *attachment) Begin() (prefixed bool) {
	answer := make(chan bool, 1)
	a.send(errand(func(*root) tea.Cmd {
		answer <- a.prefixed
		a.prefixed = false
		return nil
	}))
	return <-answer
}

// place tells where the terminal is on the screen.
func (a *attachment) place(r rectangle) { a.bounds.Store(&r) }

func (a *attachment) Input(b []byte) {
	if offset, _, _ := a.feed.pane.ScrollInfo(); offset > 0 {
		a.feed.pane.ScrollTo(0) // as any terminal does when one types
	}
	a.feed.out.send(b)
}

func (a *attachment) Modes() terminal.Modes { return a.feed.pane.Modes() }

func (a *attachment) Bounds() (x, y, cols, rows int) {
	r := a.bounds.Load()
	return r.x, r.y, r.w, r.h
}

func (a *attachment) Command(c terminal.Command) { a.send(prefixPressed{c, a}) }

// early takes a key that was read before the switch: what is typed while a
// launch is under way is for the program. The prefix key is not: early returns
// the command that it and the next key stand for, 0 where there is none.
func (k *keyboard) early(key tea.KeyPressMsg) terminal.Command {
	b := keyBytes(key)
	if len(b) == 0 {
		return 0
	}
	prefix := cmp.Or(k.prefix, terminal.DefaultPrefix)
	again := b[0] == prefix
	if !k.now.prefixed {
		if k.now.prefixed = again; !again {
			k.now.Input(b)
		}
		return 0
	}
	k.now.prefixed = false
	if c := terminal.CommandOf(rune(b[0])); c != 0 {
		return c
	}
	k.now.Input([]byte{prefix})
	if literal := []byte{prefix | 0x40}; !bytes.EqualFold(b, literal) {
		k.now.Input(b)
	}
	return 0
}

// paste is text that was pasted before the switch.
func (k *keyboard) paste(text string) {
	if k.now.Modes().BracketedPaste {
		text = terminal.Bracketed(text)
	}
	k.now.Input([]byte(text))
}

// keyBytes is what a plain terminal sends for the keys that people type ahead.
func keyBytes(key tea.KeyPressMsg) []byte {
	if key.Text != "" {
		return []byte(key.Text)
	}
	if key.Mod == tea.ModCtrl && key.Code >= '@' && key.Code <= 'z' {
		return []byte{byte(key.Code) & 0x1f}
	}
	switch key.Code {
	case tea.KeyEnter:
		return []byte("\r")
	case tea.KeyTab:
		return []byte("\t")
	case tea.KeyEscape:
		return []byte("\x1b")
	case tea.KeyBackspace:
		return []byte("\x7f")
	case tea.KeyUp:
		return []byte("\x1b[A")
	case tea.KeyDown:
		return []byte("\x1b[B")
	case tea.KeyRight:
		return []byte("\x1b[C")
	case tea.KeyLeft:
		return []byte("\x1b[D")
	}
	return nil
}

// typeAhead holds what is typed and pasted while a launch is under way: it is
// for the program to come.
type typeAhead struct {
	waiting bool
	typed   []tea.Msg // tea.KeyPressMsg and tea.PasteMsg
}

// holds keeps a key or a paste back, if one is to be.
func (t *typeAhead) holds(typed tea.Msg) bool {
	if t.waiting {
		t.typed = append(t.typed, typed)
	}
	return t.waiting
}

// release returns what was held and stops holding.
func (t *typeAhead) release() []tea.Msg {
	typed := t.typed
	*t = typeAhead{}
	return typed
}
