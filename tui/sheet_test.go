package tui

import (
	"slices"
	"strings"
	"testing"

	"aquarium/runtime/inspect"
)

func TestLayoutDropsColumnsByRank(t *testing.T) {
	s := sheet{sections: []section{{
		columns: []column{{name: "A", right: true}, {name: "B", rank: 2}, {name: "C", rank: 1}, {name: "D", flex: true}},
		rows:    []row{{key: "1", cells: []string{"12345", "bbbbbbbb", "cccccccc", strings.Repeat("d", 40)}}},
	}}}
	s.finish()
	for _, c := range []struct {
		w    int
		want []int
	}{{80, []int{5, 8, 8, 56}}, {41, []int{5, 8, 8, 17}}, {35, []int{5, 0, 8, 20}}, {25, []int{5, 0, 0, 19}}, {8, []int{5, 0, 0, 2}}} {
		if got := s.sections[0].layout(c.w); !slices.Equal(got, c.want) {
			t.Errorf("%d columns: %v, want %v", c.w, got, c.want)
		}
		text := s.sections[0].draw(newTheme(true), s.sections[0].rows[0].cells, s.sections[0].layout(c.w))
		if width(text) != c.w {
			t.Errorf("%d columns: a row of %d", c.w, width(text))
		}
	}
}

func TestSheetEscapesEverything(t *testing.T) {
	evil := "a\x1b[2Jb\nc"
	s := sheet{sections: []section{{title: evil, columns: []column{{flex: true}}, rows: []row{{key: evil, cells: []string{evil}, more: []fact{{"x", evil}}}}}}}
	s.finish()
	p := page{theme: newTheme(true), focused: true}
	p.set(s)
	screen := strings.Join(p.view(40, 6), "\n")
	if strings.Contains(screen, "\x1b[2J") || !strings.Contains(screen, `a\x1b[2Jb\x0ac`) {
		t.Errorf("%q", screen)
	}
	for _, p := range p.dialog().(*messageDialog).text {
		if strings.Contains(p.text, "\x1b[2J") {
			t.Errorf("%q", p.text)
		}
	}
}

func TestSelectionStaysOnItsLine(t *testing.T) {
	of := func(keys ...string) sheet {
		s := sheet{sections: []section{{columns: []column{{flex: true}}}}}
		for _, key := range keys {
			s.sections[0].rows = append(s.sections[0].rows, row{key: key, cells: []string{key}})
		}
		s.finish()
		return s
	}
	p := page{theme: newTheme(true)}
	p.set(of("a", "b", "c"))
	p.press("j")
	p.set(of("x", "y", "a", "b", "c"))
	if p.text() != "b" {
		t.Errorf("%q is selected", p.text())
	}
}

func TestMergeSheets(t *testing.T) {
	of := func(pairs ...string) sheet {
		s := sheet{sections: []section{named("Facts (3)")}}
		for _, pair := range pairs {
			name, value, _ := strings.Cut(pair, "=")
			s.sections[0].add(name, value, tonePlain)
		}
		s.finish()
		return s
	}
	host, box := of("a=1", "b=2", "c=3"), of("a=1", "b=9", "d=4")
	var marks []mark
	for _, p := range mergeSheets(&host, &box, false)[1:] {
		marks = append(marks, p.mark())
	}
	if want := []mark{markSame, markDiffers, markBoxOnly, markHostOnly}; !slices.Equal(marks, want) {
		t.Errorf("%v, want %v", marks, want)
	}
	if n := len(mergeSheets(&host, &box, true)); n != 4 { // with the heading
		t.Errorf("%d differences", n)
	}
}

func TestGraph(t *testing.T) {
	plain, ascii := newTheme(true), newTheme(false)
	for _, c := range []struct {
		theme  theme
		values []float64
		top    float64
		want   string
	}{
		{plain, []float64{0, 50, 100}, 100, "▁▅█"}, {ascii, []float64{0, 50, 100}, 100, "_+#"},
		{plain, []float64{1, 2, 4}, 0, "▃▅█"}, {plain, nil, 0, ""}, {plain, []float64{-1, 0}, -1, "▁▁"},
	} {
		if got := graph(c.theme, c.values, c.top); got != c.want {
			t.Errorf("%v of %v: %s, want %s", c.values, c.top, got, c.want)
		}
	}
}

func TestLetters(t *testing.T) {
	for n, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 27: "AB", 51: "AZ", 52: "BA"} {
		if got := letter(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
	row := func(pid int, net uint64) inspect.Row {
		r := inspect.Row{PID: pid}
		r.Namespaces[0] = net
		return r
	}
	got := lettersOf([]inspect.Row{row(1, 10), row(2, 20), row(3, 30), row(4, 20), row(5, 10)}, 0)
	if got[20] != "A" || got[30] != "own" || got[10] != "" {
		t.Errorf("%v", got)
	}
}

func TestEnterWords(t *testing.T) {
	own := inspect.Namespaces{}
	for i, kind := range inspect.Kinds {
		own[kind] = inspect.Namespace{Inode: uint64(i + 1), Shared: kind == "user" || kind == "time"}
	}
	for _, c := range []struct {
		joined string
		root   string
		want   string
		flags  string
	}{
		{"pid", "/", "ps still reads the host's /proc", "-p"},
		{"mnt", "/", "you are not among them", "-m"},
		{"mnt", "/var/bb", "you see the host's files", "-m"},
		{"net", "/", "/etc/resolv.conf", "-n"},
		{"", "/", "entered: nothing", ""},
		{"uts pid mnt net ipc cgroup", "/", "not: nothing", "-u -p -m -n -i -C"},
	} {
		choice := newEnterChoice(who{pid: 7, name: "x"}, own, c.root)
		choice.root = false
		for kind := range choice.joined {
			choice.joined[kind] = slices.Contains(strings.Fields(c.joined), kind)
		}
		if words := strings.Join(choice.words(), " "); !strings.Contains(words, c.want) {
			t.Errorf("%s: %s", c.joined, words)
		}
		if got := strings.Join(choice.flags(), " "); got != c.flags {
			t.Errorf("%s: %s, want %s", c.joined, got, c.flags)
		}
	}
}

func TestEveryCapabilityHasWords(t *testing.T) {
	o := inspect.New()
	target, err := o.Host()
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	users, err := target.Users()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range users.Bounding {
		if capabilityWords[strings.ToLower(strings.TrimPrefix(name, "CAP_"))] == "" {
			t.Errorf("%s has no words", name)
		}
	}
}
