package tui

import (
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// input is one line of text to edit. It exists because bubbles' textinput
// imports a clipboard package that searches PATH for programs when the binary
// starts, 0.6 ms that every `aquarium run` would pay for.
type input struct {
	text   []rune
	cursor int // index into text
}

func newInput(text string) input {
	runes := []rune(text)
	return input{runes, len(runes)}
}

func (in *input) value() string { return string(in.text) }

// press edits; it returns false for keys that mean nothing here.
func (in *input) press(key tea.KeyPressMsg) bool {
	switch key.String() {
	case "left", "ctrl+b":
		in.cursor = max(0, in.cursor-1)
	case "right", "ctrl+f":
		in.cursor = min(len(in.text), in.cursor+1)
	case "home", "ctrl+a":
		in.cursor = 0
	case "end", "ctrl+e":
		in.cursor = len(in.text)
	case "backspace", "ctrl+h":
		in.remove(in.cursor-1, in.cursor)
	case "delete", "ctrl+d":
		in.remove(in.cursor, in.cursor+1)
	case "ctrl+u":
		in.remove(0, in.cursor)
	case "ctrl+k":
		in.remove(in.cursor, len(in.text))
	case "ctrl+w", "alt+backspace":
		in.remove(in.wordStart(), in.cursor)
	default:
		if key.Text == "" {
			return false
		}
		in.insert(key.Text)
	}
	return true
}

// insert adds text at the cursor. Of control characters in a paste, blanks
// remain, so that lines stay apart.
func (in *input) insert(s string) {
	var added []rune
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			added = append(added, ' ')
		case r != utf8.RuneError && unicode.IsPrint(r):
			added = append(added, r)
		}
	}
	in.text = append(in.text[:in.cursor:in.cursor], append(added, in.text[in.cursor:]...)...)
	in.cursor += len(added)
}

func (in *input) remove(from, to int) {
	if from < 0 || to > len(in.text) || from >= to {
		return
	}
	in.text = append(in.text[:from:from], in.text[to:]...)
	in.cursor = from
}

func (in *input) wordStart() int {
	i := in.cursor
	for i > 0 && in.text[i-1] == ' ' {
		i--
	}
	for i > 0 && in.text[i-1] != ' ' {
		i--
	}
	return i
}

// view draws exactly w columns, scrolled so that the cursor is in view, and
// returns the cursor's column.
func (in *input) view(t theme, w int) (text string, cursor int) {
	text = string(in.text)
	cursor = width(string(in.text[:in.cursor]))
	if cursor >= w {
		text = ansi.TruncateLeft(text, cursor-w+1, "")
		cursor = w - 1
	}
	return ansi.Truncate(text, w, "") + spaces(w-width(text)), cursor
}
