package tui

import (
	"errors"
	"os"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/inspect"
)

// enterDialog is the form for joining namespaces: one toggle each, the
// consequences in words, and the command lines that do the same.
type enterDialog struct {
	theme   theme
	choice  enterChoice
	at      int // index into enterFields
	command input
}

// enterField is a line of the form.
type enterField struct{ key, about string }

// Fields of the form besides the kinds of namespaces.
const (
	enterRoot    = "root"
	enterDir     = "dir"
	enterCommand = "command"
)

// enterFields are the lines of the form.
func enterFields() []enterField {
	return []enterField{
		{"uts", "host name"}, {"pid", "processes"}, {"mnt", "mounts, files"}, {"net", "network"}, {"ipc", "shared memory, queues"},
		{"user", "user ids, rights"}, {"cgroup", "control groups"}, {"time", "clocks"},
		{enterRoot, "its root directory"}, {enterDir, "its working directory"}, {enterCommand, ""},
	}
}

// openEnterForm looks at which namespaces there are, and opens the form. What
// is typed meanwhile is for the form.
func openEnterForm(o *inspect.Observer, w who) errand {
	return func(m *root) tea.Cmd {
		m.typing.waiting = true
		return func() tea.Msg {
			choice, err := readEnterChoice(o, w)
			return errand(func(m *root) tea.Cmd { return m.takeEnterChoice(choice, err) })
		}
	}
}

// readEnterChoice looks at what there is to join.
func readEnterChoice(o *inspect.Observer, w who) (enterChoice, error) {
	target, err := (look{observer: o, who: w}).open()
	if err != nil {
		return enterChoice{}, errors.New(lookProblem(w, err))
	}
	defer target.Close()
	w.start = target.Start
	has, err := target.Namespaces()
	if err != nil {
		return enterChoice{}, errors.New(lookProblem(w, err))
	}
	place := "/"
	if root, err := target.OpenRoot(); err == nil {
		defer root.Close()
		place, _ = os.Readlink("/proc/self/fd/" + strconv.Itoa(int(root.Fd())))
	}
	return newEnterChoice(w, has, place), nil
}

func (m *root) takeEnterChoice(c enterChoice, err error) tea.Cmd {
	early := m.typing.release()
	if err != nil {
		m.fail(err)
		return nil
	}
	m.open(&enterDialog{theme: m.theme, choice: c})
	return m.takeTyped(early)
}

// enterSelected opens the form for the selected sandbox.
func (m *root) enterSelected() tea.Cmd {
	return openEnterForm(inspect.New(), whoIs(m.work.subject))(m)
}

func (d *enterDialog) title() string { return "Enter " + visible(d.choice.who.name) }

func (d *enterDialog) press(key tea.KeyPressMsg) decision {
	fields := enterFields()
	field := fields[d.at].key
	switch key.String() {
	case "esc", "ctrl+c":
		return dismissed{}
	case "enter":
		return d.decide()
	case "down", "tab":
		d.at = (d.at + 1) % len(fields)
		return nil
	case "up", "shift+tab":
		d.at = (d.at + len(fields) - 1) % len(fields)
		return nil
	}
	if field == enterCommand {
		d.command.press(key)
		return nil
	}
	switch key.String() {
	case "space", "x":
		d.toggle(field)
	case "j":
		d.at++
	case "k":
		d.at = (d.at + len(fields) - 1) % len(fields)
	default:
		d.toggleLetter(key.String())
	}
	return nil
}

func (d *enterDialog) paste(text string) {
	if enterFields()[d.at].key == enterCommand {
		d.command.insert(text)
	}
}

func (d *enterDialog) toggle(field string) {
	c := &d.choice
	switch field {
	case enterRoot:
		c.root = !c.root
	case enterDir:
		c.dir = !c.dir
	default:
		if c.own(field) {
			c.joined[field] = !c.joined[field]
		}
	}
}

// toggleLetter takes the letters of the flags as keys.
func (d *enterDialog) toggleLetter(letter string) {
	for i, f := range enterFields() {
		if d.letter(f.key) == letter {
			d.at = i
			d.toggle(f.key)
		}
	}
}

func (*enterDialog) letter(field string) string {
	switch field {
	case enterRoot:
		return "r"
	case enterDir:
		return "w"
	}
	return enterLetters[field]
}

// finished is the choice with the command as it is typed.
func (d *enterDialog) finished() (enterChoice, error) {
	c := d.choice
	words, err := splitWords(d.command.value())
	c.command = words
	return c, err
}

func (d *enterDialog) decide() decision {
	c, err := d.finished()
	if err != nil {
		return refused{err}
	}
	if len(c.flags()) == 0 {
		return refused{errors.New("enter " + c.target() + ": no namespace is chosen")}
	}
	return errand(func(m *root) tea.Cmd {
		m.closeDialog()
		return m.enterWith(c)
	})
}

func (d *enterDialog) view(w, h int) dialogView {
	t := d.theme
	v := dialogView{keys: []hint{{"Space", "join or not"}, {"Enter", "run"}, {"Esc", "back"}}}
	for i, f := range enterFields() {
		row, cursor := d.row(f, w-2)
		mark := "  "
		if i == d.at {
			mark = paint(t.focus, t.pointer+" ")
			if cursor >= 0 {
				v.cursor = tea.NewCursor(2+cursor, i)
			}
		}
		v.rows = append(v.rows, mark+row)
	}
	v.rows = append(v.rows, t.rule("", "", w))
	c, _ := d.finished()
	aquarium, nsenter := c.commands()
	commands := append(wrap("$ "+visible(aquarium), w), wrap("$ "+visible(nsenter), w)...)
	var words []string
	for _, sentence := range c.words() {
		words = append(words, wrap(sentence, w)...)
	}
	room := h - len(v.rows) - len(commands)
	if len(words) > room {
		words = append(words[:max(0, room-1)], t.ellipsis)
	}
	v.rows = append(v.rows, words...)
	for _, c := range commands {
		v.rows = append(v.rows, paint(t.muted, strings.TrimRight(c, " ")))
	}
	return v
}

// row draws a line of the form; cursor is -1 where nothing is typed.
func (d *enterDialog) row(f enterField, w int) (text string, cursor int) {
	t, c := d.theme, &d.choice
	if f.key == enterCommand {
		const label = "command  "
		value, at := d.command.view(t, w-len(label))
		if d.command.value() == "" && enterFields()[d.at].key != enterCommand {
			value = paint(t.muted, "your shell, or /bin/sh")
		}
		return label + value, len(label) + at
	}
	on := c.joined[f.key] || f.key == enterRoot && c.root || f.key == enterDir && c.dir
	box := "[ ]"
	if on {
		box = "[x]"
	}
	note := f.about
	n := c.has[f.key]
	switch {
	case f.key == enterRoot || f.key == enterDir:
	case n.Inode == 0:
		box, note = " - ", note+": this kernel has none"
	case n.Shared:
		box, note = " - ", note+": the host's, there is nothing to join"
	}
	return box + " -" + d.letter(f.key) + "  " + t.fit(f.key, 8) + paint(t.muted, note), -1
}
