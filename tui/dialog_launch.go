package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/spec"
)

// Decisions of the launch form. It stays open until the launch has succeeded,
// so that nothing typed is lost.
type (
	launchDecided struct{ options spec.Options }
	planAsked     struct{ options spec.Options }
	refused       struct{ err error }
)

// launchDialog is the form of all options of a launch.
type launchDialog struct {
	theme  theme
	rootfs string
	fields []field
	at     int // the field with the keys
	offset int
}

func newLaunchDialog(t theme, rootfs string) *launchDialog {
	return &launchDialog{theme: t, rootfs: rootfs, fields: launchFields()}
}

func (d *launchDialog) title() string { return "Launch " + visible(d.rootfs) }

// options is what the fields say.
func (d *launchDialog) options() (spec.Options, error) {
	o := spec.Options{Rootfs: d.rootfs, RootSwitch: spec.PivotRoot}
	for _, f := range d.fields {
		if err := f.store(&o); err != nil {
			return o, err
		}
	}
	return o, o.Check()
}

func (d *launchDialog) press(key tea.KeyPressMsg) decision {
	switch key.String() {
	case "esc", "ctrl+c":
		return dismissed{}
	case "enter":
		return d.decide(func(o spec.Options) decision { return launchDecided{o} })
	case "ctrl+p":
		return d.decide(func(o spec.Options) decision { return planAsked{o} })
	case "tab":
		return pressTab(d.fields[d.at].edit, d.moveUnless)
	case "down":
		d.move(1)
	case "up", "shift+tab":
		d.move(-1)
	default:
		d.fields[d.at].edit.press(key)
	}
	return nil
}

func (d *launchDialog) move(step int) { d.at = (d.at + step + len(d.fields)) % len(d.fields) }

// moveUnless goes on to the next field where Tab was of no other use.
func (d *launchDialog) moveUnless(useful bool) {
	if !useful {
		d.move(1)
	}
}

func (d *launchDialog) decide(to func(spec.Options) decision) decision {
	o, err := d.options()
	if err != nil {
		return refused{err}
	}
	return to(o)
}

func (d *launchDialog) paste(text string) {
	if e, ok := d.fields[d.at].edit.(interface{ insert(string) }); ok {
		e.insert(text)
	}
}

// Columns of the form.
const (
	labelColumn = 13
	flagColumn  = 14
)

func (d *launchDialog) view(w, h int) dialogView {
	line := d.equivalent(w)
	room := max(1, h-len(line)-2)
	d.offset = max(min(d.offset, d.at), d.at-room+1)
	v := dialogView{keys: []hint{{"Enter", "launch"}, tabHint(d.fields[d.at].edit), {"Ctrl-P", "plan"}, {"Esc", "back"}}}
	for i := d.offset; i < len(d.fields) && i < d.offset+room; i++ {
		row, cursor := d.row(i, w)
		if i == d.at && cursor >= 0 {
			v.cursor = tea.NewCursor(cursor, len(v.rows))
		}
		v.rows = append(v.rows, row)
	}
	more := ""
	if below := len(d.fields) - d.offset - room; below > 0 {
		more = fmt.Sprintf(" %d more below ", below)
	}
	v.rows = append(v.rows, paint(d.theme.muted, d.theme.fit("  "+d.about(), w)), d.theme.rule("", more, w))
	v.rows = append(v.rows, line...)
	return v
}

// about is what there is to say of the field with the keys.
func (d *launchDialog) about() string {
	f := d.fields[d.at]
	if e, ok := f.edit.(*pathEditor); ok {
		return e.about(f.about)
	}
	return f.about
}

// row draws a field; cursor is its column, -1 where there is none.
func (d *launchDialog) row(i, w int) (row string, cursor int) {
	t, f := d.theme, d.fields[i]
	value, cursor := f.edit.view(t, max(4, w-labelColumn-flagColumn-2))
	mark, label := "  ", t.fit(f.label, labelColumn)
	if i == d.at {
		mark, label = t.pointer+" ", paint(t.focus, label)
	}
	if cursor >= 0 {
		cursor += 2 + labelColumn + flagColumn
	}
	return mark + label + paint(t.muted, t.fit(f.flag, flagColumn)) + value, cursor
}

// equivalent is the command line that does the same.
func (d *launchDialog) equivalent(w int) []string {
	o, err := d.options()
	if err != nil {
		return []string{paint(d.theme.warn, d.theme.cut(visible(err.Error()), w))}
	}
	rows := wrap("$ "+visible(commandLine(o)), w)
	for i := range rows {
		rows[i] = strings.TrimRight(rows[i], " ")
	}
	return rows
}

// openLaunchForm edits the options of a launch.
func (m *root) openLaunchForm() tea.Cmd {
	if r, ok := m.trees.selected(); ok {
		m.open(newLaunchDialog(m.theme, r.Name))
	}
	return nil
}

// showPlan shows what a launch would do, over the form.
func (m *root) showPlan(msg planMade) {
	if msg.err != nil {
		m.fail(msg.err)
		return
	}
	m.open(newPlanDialog(m.theme, msg.plan))
}
