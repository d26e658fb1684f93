package console

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Prefix is the one key that does not go to the program at once: a control
// character. After it, 'd' detaches, the key's own character sends it
// literally, and any other key goes through together with it.
type Prefix byte

// DefaultPrefix is Ctrl-].
const DefaultPrefix Prefix = 0x1d

// ParsePrefix reads "ctrl-X" or "^X", X being a letter or one of @ [ \ ] ^ _.
func ParsePrefix(s string) (Prefix, error) {
	char, found := strings.CutPrefix(strings.ToLower(s), "ctrl-")
	if !found {
		char, found = strings.CutPrefix(s, "^")
	}
	if found && len(char) == 1 {
		if upper := strings.ToUpper(char)[0]; upper >= '@' && upper <= '_' {
			return Prefix(upper & 0x1f), nil
		}
	}
	return 0, fmt.Errorf("detach key %q: not a control key", s)
}

func (p Prefix) String() string { return "Ctrl-" + string(rune(p|0x40)) }

// letter is the key without Control, as terminals write it in sequences.
func (p Prefix) letter() byte { return strings.ToLower(string(rune(p | 0x40)))[0] }

// keys finds the prefix in what the user types. All else it passes on byte for
// byte and at once, whatever it means.
type keys struct {
	prefix  Prefix
	waiting []byte // the prefix as it came, while the next key is awaited
	pasting bool   // between the markers of a bracketed paste
}

// Markers of a bracketed paste: what is pasted is text, not keys.
const (
	pasteBegins = "\x1b[200~"
	pasteEnds   = "\x1b[201~"
)

// take returns what goes to the program; detach is true when the rest of the
// input is not for it any more.
func (k *keys) take(input []byte) (send []byte, detach bool) {
	for len(input) > 0 {
		n, key := k.next(input)
		piece := input[:n]
		input = input[n:]
		switch {
		case k.waiting == nil && key == keyPrefix:
			k.waiting = bytes.Clone(piece)
		case k.waiting == nil:
			send = append(send, piece...)
		case key == keyDetach:
			return send, true
		case key == keyRelease: // of the prefix, in kitty's protocol
		case key == keyLetter:
			send = append(send, k.waiting...)
			k.waiting = nil
		default:
			send = append(append(send, k.waiting...), piece...)
			k.waiting = nil
		}
	}
	return send, false
}

// key is what a piece of input means to us.
type key int

const (
	keyOther key = iota
	keyPrefix
	keyDetach  // d
	keyLetter  // the prefix without Control
	keyRelease // a key is let go
)

// next tells the length and the meaning of the piece that input begins with.
// Pieces that mean nothing to us are as long as possible.
func (k *keys) next(input []byte) (int, key) {
	if k.pasting {
		return k.paste(input)
	}
	if bytes.HasPrefix(input, []byte(pasteBegins)) {
		k.pasting = true
		return len(pasteBegins), keyOther
	}
	if n, key := k.sequence(input); n > 0 {
		return n, key
	}
	switch c := input[0]; {
	case c == byte(k.prefix):
		return 1, keyPrefix
	case k.waiting != nil && c == 'd':
		return 1, keyDetach
	case k.waiting != nil && c == k.prefix.letter():
		return 1, keyLetter
	}
	n := 1
	if k.waiting == nil {
		for n < len(input) && input[n] != 0x1b && input[n] != byte(k.prefix) {
			n++
		}
	}
	return n, keyOther
}

func (k *keys) paste(input []byte) (int, key) {
	end := bytes.Index(input, []byte(pasteEnds))
	if end < 0 {
		return len(input), keyOther
	}
	k.pasting = false
	return end + len(pasteEnds), keyOther
}

// sequence reads a key that arrives as a control sequence, because the program
// asked the terminal for it: CSI code;modifiers:event u (kitty's protocol), or
// CSI 27;modifiers;code ~ (xterm's modifyOtherKeys). n is 0 for anything else.
func (k *keys) sequence(input []byte) (n int, _ key) {
	if !bytes.HasPrefix(input, []byte("\x1b[")) {
		return 0, keyOther
	}
	end := bytes.IndexFunc(input[2:], func(r rune) bool { return r >= 0x40 })
	if end < 0 {
		return 0, keyOther
	}
	fields := strings.Split(string(input[2:2+end]), ";")
	var code, modifiers string
	switch final := input[2+end]; {
	case final == 'u':
		code, _, _ = strings.Cut(fields[0], ":")
		if len(fields) > 1 {
			modifiers = fields[1]
		}
	case final == '~' && len(fields) == 3 && fields[0] == "27":
		modifiers, code = fields[1], fields[2]
	default:
		return 0, keyOther
	}
	return 2 + end + 1, k.meaning(code, modifiers)
}

// Modifier bits of both protocols; the value sent is one more.
const (
	modifierCtrl  = 4
	modifierLocks = 64 | 128 // caps lock, num lock
)

func (k *keys) meaning(code, modifiers string) key {
	held, event, _ := strings.Cut(modifiers, ":")
	bits, _ := strconv.Atoi(held)
	bits = max(bits-1, 0) &^ modifierLocks
	char, err := strconv.Atoi(code)
	switch {
	case err != nil:
		return keyOther
	case event == "3" && k.waiting != nil:
		return keyRelease
	case event == "3":
		return keyOther
	case char == int(k.prefix.letter()) && bits == modifierCtrl:
		return keyPrefix
	case k.waiting != nil && char == 'd' && bits == 0:
		return keyDetach
	case k.waiting != nil && char == int(k.prefix.letter()) && bits == 0:
		return keyLetter
	}
	return keyOther
}
