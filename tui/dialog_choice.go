package tui

import (
	"strings"
	"syscall"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
)

// choiceDialog lets the user choose one of several things, by moving or by
// typing a part of its name: the palette, the signals.
type choiceDialog struct {
	theme   theme
	heading string
	list    list
	query   input
	choose  func(index int) decision
}

func newChoice(t theme, heading string, names []string, choose func(index int) decision) *choiceDialog {
	d := &choiceDialog{theme: t, heading: heading, choose: choose}
	entries := make([]entry, len(names))
	for i, name := range names {
		entries[i] = entry{key: name, text: name}
	}
	d.list.set(entries)
	return d
}

// offered are the signals that people send, the usual ones first.
var offered = [...]syscall.Signal{
	syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
	syscall.SIGSTOP, syscall.SIGCONT, syscall.SIGWINCH, syscall.SIGALRM, syscall.SIGABRT, syscall.SIGPIPE,
}

func newSignalDialog(t theme, sb sandbox.Sandbox) *choiceDialog {
	names := make([]string, len(offered))
	for i, number := range offered {
		names[i] = signalName(int(number)) + "  " + number.String()
	}
	return newChoice(t, "Signal to "+visible(sb.Name), names, func(i int) decision {
		return signalDecided{sb, offered[i]}
	})
}

func (d *choiceDialog) title() string { return d.heading }

func (d *choiceDialog) press(key tea.KeyPressMsg) decision {
	switch key.String() {
	case "esc", "ctrl+c":
		return dismissed{}
	case "enter":
		if i := d.list.index(); i >= 0 {
			return d.choose(i)
		}
		return nil
	case "down", "ctrl+n":
		d.list.moveBy(1)
	case "up", "ctrl+p":
		d.list.moveBy(-1)
	case "pgdown", "pgup":
		d.list.press(key.String())
	default:
		if d.query.press(key) {
			d.list.setFilter(d.query.value())
			d.list.moveTo(0)
		}
	}
	return nil
}

func (d *choiceDialog) paste(text string) {
	d.query.insert(text)
	d.list.setFilter(d.query.value())
}

func (d *choiceDialog) view(w, h int) dialogView {
	d.list.resize(min(len(d.list.all), max(1, h-1)))
	text, column := d.query.view(d.theme, w-2)
	rows := []string{"> " + text}
	rows = append(rows, d.list.rows(d.theme, w, true, func(i int) string { return d.list.all[i].text })...)
	for len(rows) < d.list.height+1 {
		rows = append(rows, "")
	}
	for i := range rows {
		rows[i] = strings.TrimRight(rows[i], " ")
	}
	return dialogView{rows: rows, cursor: tea.NewCursor(2+column, 0), keys: []hint{{"Enter", "choose"}, {"Esc", "back"}}}
}
