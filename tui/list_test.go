package tui

import (
	"fmt"
	"testing"

	"aquarium/rootfs"

	tea "charm.land/bubbletea/v2"
)

func numbered(n int) []entry {
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = entry{key: fmt.Sprint(i), text: fmt.Sprintf("entry %d", i)}
	}
	return entries
}

func TestListKeepsItsSelection(t *testing.T) {
	t.Parallel()
	var l list
	l.resize(5)
	l.set(numbered(20))
	l.moveTo(12)
	if l.offset != 8 {
		t.Errorf("offset %d, want 8", l.offset)
	}
	l.set(numbered(30)[5:]) // entry 12 has moved up
	if key, _ := l.key(); key != "12" || l.cursor != 7 {
		t.Errorf("selected %s on row %d, want 12 on row 7", key, l.cursor)
	}
	l.set(numbered(3)) // it has gone
	if key, _ := l.key(); key != "2" {
		t.Errorf("selected %s, want the last", key)
	}
	l.set(nil)
	if _, ok := l.key(); ok {
		t.Error("something is selected in an empty list")
	}
}

func TestListFilter(t *testing.T) {
	t.Parallel()
	var l list
	l.resize(5)
	l.set(numbered(100))
	l.moveTo(42)
	l.setFilter("ENTRY 4")
	if key, _ := l.key(); key != "42" || len(l.shown) != 19 {
		t.Errorf("selected %s of %d", key, len(l.shown))
	}
	l.setFilter("nothing")
	if l.index() != -1 {
		t.Error("something is selected where nothing matches")
	}
	l.setFilter("")
	if len(l.shown) != 100 {
		t.Errorf("%d are shown", len(l.shown))
	}
}

func TestListMoves(t *testing.T) {
	t.Parallel()
	var l list
	l.resize(10)
	l.set(numbered(25))
	for _, c := range []struct {
		key    string
		cursor int
	}{{"j", 1}, {"down", 2}, {"k", 1}, {"pgdown", 11}, {"G", 24}, {"j", 24}, {"pgup", 14}, {"g", 0}, {"up", 0}} {
		if !l.press(c.key) || l.cursor != c.cursor {
			t.Errorf("%s: row %d, want %d", c.key, l.cursor, c.cursor)
		}
	}
	if l.press("x") {
		t.Error("x means something")
	}
	l.scroll(3)
	if l.offset != 3 || l.cursor != 3 {
		t.Errorf("after scrolling: offset %d, row %d", l.offset, l.cursor)
	}
	if l.click(99) || !l.click(4) || l.cursor != 7 {
		t.Errorf("after a click: row %d", l.cursor)
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	press := func(in *input, key tea.KeyPressMsg) {
		if !in.press(key) {
			t.Errorf("%s means nothing", key)
		}
	}
	ctrl := func(c rune) tea.KeyPressMsg { return tea.KeyPressMsg{Code: c, Mod: tea.ModCtrl} }
	in := newInput("two words")
	press(&in, ctrl('w'))
	press(&in, tea.KeyPressMsg{Code: 'x', Text: "x"})
	if in.value() != "two x" {
		t.Errorf("after ^W x: %q", in.value())
	}
	press(&in, ctrl('a'))
	press(&in, tea.KeyPressMsg{Code: tea.KeyDelete})
	press(&in, tea.KeyPressMsg{Code: 'ü', Text: "ü"})
	if in.value() != "üwo x" {
		t.Errorf("after ^A delete ü: %q", in.value())
	}
	press(&in, ctrl('k'))
	in.insert("a\x1b[31m\tb\r\n\u202e")
	if in.value() != "üa[31m b " {
		t.Errorf("after a hostile paste: %q", in.value())
	}
	press(&in, tea.KeyPressMsg{Code: tea.KeyBackspace})
	press(&in, ctrl('u'))
	if in.value() != "" {
		t.Errorf("after ^U: %q", in.value())
	}
	in.insert("0123456789")
	text, cursor := in.view(newTheme(true), 5)
	if text != "6789 " || cursor != 4 {
		t.Errorf("view is %q, %d", text, cursor)
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	for cols := 1; cols <= 200; cols += 7 {
		for rows := 1; rows <= 80; rows += 3 {
			for focus := range panels {
				for _, zoomed := range []bool{false, true} {
					l := newLayout(cols, rows, focus, zoomed, 50)
					for p, r := range l.body {
						if r.w < 0 || r.h < 0 || r.x+r.w > cols || r.y+r.h > rows-1 && r.h > 0 {
							t.Fatalf("%dx%d: panel %d is at %+v", cols, rows, p, r)
						}
					}
					if !l.tooSmall && l.body[focus].h == 0 && !zoomed {
						t.Fatalf("%dx%d: the panel with the focus has no room", cols, rows)
					}
				}
			}
		}
	}
	if l := newLayout(122, 40, panelRootfs, false, 3); l.body[panelWork].w != fullTerminal {
		t.Errorf("at 122 columns the terminal has %d", l.body[panelWork].w)
	}
}

// A job's row goes when the job is done: what it was about is selected then.
func TestSelectionAfterJob(t *testing.T) {
	t.Parallel()
	var l rootfsList
	l.set([]rootfs.Rootfs{{Name: "a"}, {Name: "b"}, {Name: "c"}})
	done, other := &job{task: task{verb: "export", object: "b"}, key: "job 1"}, &job{task: task{verb: "export", object: "c"}, key: "job 2"}
	l.setJobs([]*job{done, other})
	l.seek(done.key)
	l.setJobs([]*job{other})
	if r, _ := l.selected(); r.Name != "b" {
		t.Errorf("selected %q, want b", r.Name)
	}
	l.choose("a")
	l.setJobs(nil)
	if r, _ := l.selected(); r.Name != "a" {
		t.Errorf("selected %q, want a", r.Name)
	}
}
