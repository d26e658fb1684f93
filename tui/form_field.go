package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/spec"
)

// field is one row of the launch form.
type field struct {
	label, flag, about string
	edit               editor
	store              func(o *spec.Options) error // puts the value into options
}

// editor is how a field's value is shown and changed.
type editor interface {
	press(key tea.KeyPressMsg) bool
	// view draws at most w columns; cursor is -1 where there is none.
	view(t theme, w int) (text string, cursor int)
}

// textEditor is a line of text.
type textEditor struct{ input }

func (e *textEditor) view(t theme, w int) (string, int) { return e.input.view(t, w) }

// toggleEditor is yes or no.
type toggleEditor struct{ on bool }

func (e *toggleEditor) press(key tea.KeyPressMsg) bool {
	switch key.String() {
	case "space", "left", "right", "x":
		e.on = !e.on
		return true
	}
	return false
}

func (e *toggleEditor) view(theme, int) (string, int) {
	if e.on {
		return "[x]", -1
	}
	return "[ ]", -1
}

// choiceEditor is one of a few words.
type choiceEditor struct {
	words []string
	at    int
}

func (e *choiceEditor) press(key tea.KeyPressMsg) bool {
	switch key.String() {
	case "space", "right":
		e.at = (e.at + 1) % len(e.words)
	case "left":
		e.at = (e.at + len(e.words) - 1) % len(e.words)
	default:
		return false
	}
	return true
}

func (e *choiceEditor) view(theme, int) (string, int) { return "< " + e.words[e.at] + " >", -1 }

// textField stores its text as it is.
func textField(label, flag, about string, to func(*spec.Options) *string) field {
	e := &textEditor{}
	return field{label, flag, about, e, func(o *spec.Options) error {
		*to(o) = strings.TrimSpace(e.value())
		return nil
	}}
}

// wordsField stores the words of its text, quoted as in a shell.
func wordsField(label, flag, about string, to func(*spec.Options) *[]string) field {
	e := &textEditor{}
	return field{label, flag, about, e, func(o *spec.Options) error {
		words, err := splitWords(e.value())
		if err != nil {
			return &spec.Refusal{What: fmt.Sprintf("%s: %v", strings.ToLower(label), err), Way: "write words as in a shell, with spaces between them"}
		}
		*to(o) = words
		return nil
	}}
}

// namesField stores names with commas or spaces between them.
func namesField(label, flag, about string, to func(*spec.Options) *[]string) field {
	e := &textEditor{}
	return field{label, flag, about, e, func(o *spec.Options) error {
		*to(o) = strings.FieldsFunc(e.value(), func(r rune) bool { return r == ',' || r == ' ' })
		return nil
	}}
}

func toggleField(label, flag, about string, on bool, to func(*spec.Options) *bool) field {
	e := &toggleEditor{on}
	return field{label, flag, about, e, func(o *spec.Options) error {
		*to(o) = e.on
		return nil
	}}
}

// choiceField stores one of a few words, by its index.
func choiceField(label, flag, about string, words []string, to func(o *spec.Options, at int)) field {
	e := &choiceEditor{words: words}
	return field{label, flag, about, e, func(o *spec.Options) error {
		to(o, e.at)
		return nil
	}}
}

// parsedField stores what its text stands for; nothing typed stores nothing.
func parsedField[T any](label, flag, about string, parse func(string) (T, error), to func(*spec.Options) *T) field {
	e := &textEditor{}
	return field{label, flag, about, e, func(o *spec.Options) (err error) {
		if text := strings.TrimSpace(e.value()); text != "" {
			*to(o), err = parse(text)
		}
		return err
	}}
}
