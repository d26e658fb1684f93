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

func rootSwitchField() field {
	e := &choiceEditor{words: []string{string(spec.PivotRoot), string(spec.Chroot)}}
	return field{"Root switch", "--root-switch", "chroot is for teaching: it is not isolation", e, func(o *spec.Options) error {
		o.RootSwitch = spec.RootSwitch(e.words[e.at])
		return nil
	}}
}

// launchFields are the flags of `aquarium run`.
func launchFields() []field {
	return []field{
		wordsField("Command", "", "program and arguments; empty is the rootfs's own, or its shell", func(o *spec.Options) *[]string { return &o.Command }),
		textField("Name", "--name", "empty lets one be made up", func(o *spec.Options) *string { return &o.Name }),
		toggleField("Remove", "--rm", "delete the sandbox and what it wrote when it stops", false, func(o *spec.Options) *bool { return &o.Remove }),
		toggleField("Terminal", "-t", "give the program a terminal; otherwise three pipes", true, func(o *spec.Options) *bool { return &o.TTY }),
		toggleField("Input", "-i", "keep standard input open", true, func(o *spec.Options) *bool { return &o.Interactive }),
		textField("User", "-u", "USER[:GROUP], names of the sandbox or numbers", func(o *spec.Options) *string { return &o.User }),
		textField("Directory", "-w", "where the program starts", func(o *spec.Options) *string { return &o.Workdir }),
		wordsField("Environment", "-e", "NAME=VALUE, several with spaces between", func(o *spec.Options) *[]string { return &o.Env }),
		wordsField("Volumes", "-v", "SRC:DST[:ro], several with spaces between", func(o *spec.Options) *[]string { return &o.Volumes }),
		toggleField("Read-only", "--read-only", "nothing below / can be written", false, func(o *spec.Options) *bool { return &o.ReadOnly }),
		toggleField("Writable", "--writable", "write into the rootfs itself, not into a layer", false, func(o *spec.Options) *bool { return &o.Writable }),
		textField("Hostname", "--hostname", "empty is the name", func(o *spec.Options) *string { return &o.Hostname }),
		namesField("Share", "--share", "the host's namespaces to keep: "+strings.Join(spec.Namespaces, " "), func(o *spec.Options) *[]string { return &o.Share }),
		namesField("Add caps", "--cap-add", "capabilities to add to the usual ones, or ALL", func(o *spec.Options) *[]string { return &o.CapAdd }),
		namesField("Drop caps", "--cap-drop", "capabilities to drop, or ALL", func(o *spec.Options) *[]string { return &o.CapDrop }),
		toggleField("No filter", "--security-opt", "seccomp=unconfined: make no system call filter", false, func(o *spec.Options) *bool { return &o.Unconfined }),
		rootSwitchField(),
		toggleField("No /proc", "--no-proc", "do not mount /proc", false, func(o *spec.Options) *bool { return &o.NoProc }),
	}
}
