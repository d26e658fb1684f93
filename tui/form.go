package tui

import (
	"errors"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// form is a dialog of fields that describe a task. While the task is under way
// it shows how far it is; when that fails it is there again as it was filled
// in, with the reason.
type form struct {
	theme   theme
	heading string
	does    string // what Enter does
	fields  []formField
	task    func() (task, error)    // what the fields say
	command func() (words []string) // the command line that does the same

	at     int // index into fields: the one with the keys
	offset int
	err    error  // why it could not be done
	note   string // what became of the last try, where that was no error
	job    *job   // under way; nil while it is filled in
}

// formField is one row of a form.
type formField struct {
	label string
	about func() string
	edit  editor
	when  func() bool      // there is something to fill in; nil is always
	blame func(error) bool // tells that an error is about it; nil is never
}

// emptyEditor is a line of text that says what it stands for when it is empty.
type emptyEditor struct {
	textEditor
	empty func() string
}

func (e *emptyEditor) view(t theme, w int) (string, int) {
	if e.value() != "" {
		return e.textEditor.view(t, w)
	}
	return paint(t.muted, t.fit(visible(e.empty()), w)), 0
}

// said is the text without blanks around it.
func (e *emptyEditor) said() string { return strings.TrimSpace(e.value()) }

// or is the text, or else what it stands for when it is empty.
func (e *emptyEditor) or() string {
	if text := e.said(); text != "" {
		return text
	}
	return e.empty()
}

func (f *form) title() string { return f.heading }

func (f *form) present(i int) bool { return f.fields[i].when == nil || f.fields[i].when() }

// move goes to the next field that is there.
func (f *form) move(step int) {
	for range f.fields {
		f.at = (f.at + step + len(f.fields)) % len(f.fields)
		if f.present(f.at) {
			return
		}
	}
}

// moveUnless goes on to the next field where Tab was of no other use.
func (f *form) moveUnless(useful bool) {
	if !useful {
		f.move(1)
	}
}

func (f *form) press(key tea.KeyPressMsg) decision {
	if f.job != nil {
		return f.pressUnderWay(key)
	}
	switch key.String() {
	case "esc", "ctrl+c":
		return dismissed{}
	case "enter":
		return errand(f.begin)
	case "tab":
		return pressTab(f.fields[f.at].edit, f.moveUnless)
	case "down":
		f.move(1)
	case "up", "shift+tab":
		f.move(-1)
	default:
		f.fields[f.at].edit.press(key)
	}
	return nil
}

// pressUnderWay takes keys while the task is under way.
func (f *form) pressUnderWay(key tea.KeyPressMsg) decision {
	switch key.String() {
	case "esc":
		return errand(func(m *root) tea.Cmd {
			m.dropDialog(f)
			m.notice = capital(f.job.String()) + " goes on: its row is among the root filesystems, J shows it"
			return nil
		})
	case "c", "ctrl+c":
		f.job.cancel()
	case "tab":
		return errand((*root).showNextJob)
	}
	return nil
}

// begin starts what the fields say, or says what is wrong with them.
func (f *form) begin(m *root) tea.Cmd {
	f.note = ""
	t, err := f.task()
	if other := m.jobs.making(t.object); err == nil && t.makes && other != nil {
		err = &nameTakenError{formError{"the name " + visible(t.object) + " is being taken by another job: " + other.String(), "choose another name, or cancel that one"}}
	}
	if err != nil {
		f.refuse(err)
		return nil
	}
	return m.startJob(f, t)
}

// refuse says what is wrong, and goes to the field where it is.
func (f *form) refuse(err error) {
	f.err = err
	f.blame(err)
}

func (f *form) paste(text string) {
	if e, ok := f.fields[f.at].edit.(interface{ insert(string) }); ok && f.job == nil {
		e.insert(text)
	}
}

// formError is what is wrong with the fields, and the way out.
type formError struct{ what, way string }

func (e *formError) Error() string { return e.what }

// Hint is the way out.
func (e *formError) Hint() string { return e.way }

func (f *form) view(w, h int) dialogView {
	if f.job != nil {
		return f.job.view(f.theme, w, h)
	}
	below := f.below(w, h/2)
	room := max(1, h-len(below)-1)
	v := dialogView{keys: []hint{{"Enter", f.does}, tabHint(f.fields[f.at].edit), {"Esc", "back"}}}
	if !f.typing() {
		v.keys = slices.Insert(v.keys, 2, hint{"Space", "change"})
	}
	var rows []string
	at := 0
	for i := range f.fields {
		if !f.present(i) {
			continue
		}
		row, cursor := f.row(i, w)
		if i == f.at {
			at = len(rows)
			if cursor >= 0 {
				v.cursor = tea.NewCursor(cursor, at)
			}
		}
		rows = append(rows, row)
	}
	f.offset = max(min(f.offset, at), at-room+1)
	if v.cursor != nil {
		v.cursor.Y -= f.offset
	}
	v.rows = append(v.rows, rows[f.offset:min(len(rows), f.offset+room)]...)
	v.rows = append(v.rows, paint(f.theme.muted, f.theme.fit("  "+f.fields[f.at].about(), w)))
	v.rows = append(v.rows, below...)
	return v
}

// typing tells whether the field with the keys is a line of text.
func (f *form) typing() bool {
	_, ok := f.fields[f.at].edit.(interface{ insert(string) })
	return ok
}

// row draws a field; cursor is its column, -1 where there is none.
func (f *form) row(i, w int) (row string, cursor int) {
	t, field := f.theme, f.fields[i]
	value, cursor := field.edit.view(t, max(4, w-labelColumn-2))
	mark, label := "  ", t.fit(field.label, labelColumn)
	if i == f.at {
		mark, label = t.pointer+" ", paint(t.focus, label)
	}
	if cursor >= 0 {
		cursor += 2 + labelColumn
	}
	return mark + label + value, cursor
}

// below is what went wrong, or else the command line that does the same.
func (f *form) below(w, most int) []string {
	t := f.theme
	rows := []string{t.rule("", "", w)}
	if f.note != "" {
		return append(rows, wrap(f.note, w)...)
	}
	if f.err == nil {
		return append(rows, wrap("$ "+visible(quoteWords(f.command())), w)...)
	}
	for _, p := range errorText(t, f.err) {
		rows = append(rows, p.rows(w)...)
	}
	return rows[:min(len(rows), max(2, most))]
}

// errorText is an error in words, marked by more than colour, and its way out.
func errorText(t theme, err error) []paragraph {
	text := []paragraph{{paint(t.warn, t.problem) + " ", visible(err.Error())}}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		text = append(text, paragraph{"  Way out: ", visible(hinted.Hint())})
	}
	return text
}
