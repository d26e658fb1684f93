package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aquarium/runtime/observe"
	"aquarium/runtime/step"
)

// stepDetails is how many rows the selected step has below the plan.
const stepDetails = 5

func (s *stepScreen) view(w, h int) tabView {
	t := s.theme
	left := (w - 1) / 2
	right := w - left - 1
	height := max(1, h-2-stepDetails)
	rows := []string{t.rule(s.heading(s.planTitle(left-4), !s.right), "", left) + t.teeDown +
		t.rule(s.heading(s.placeTitle(), s.right), "", right)}
	s.plan.resize(height)
	plan := t.padRows(s.plan.rows(t, left, !s.right, func(i int) string { return s.planRow(i) }), left, height)
	state := t.padRows(s.state.view(right, height), right, height)
	for i := range height {
		rows = append(rows, plan[i]+t.column+state[i])
	}
	rows = append(rows, t.rule("", "", left)+t.teeUp+t.rule("", "", right))
	return tabView{rows: t.padRows(append(rows, s.details(w)...), w, h)}
}

func (s *stepScreen) heading(title string, focused bool) string {
	if focused {
		return paint(s.theme.focus, s.theme.pointer+strings.TrimLeft(title, " "))
	}
	return title
}

// planTitle says whose plan it is, and what that gives away.
func (s *stepScreen) planTitle(w int) string {
	title := " Plan: " + visible(s.sandbox.Name)
	if len(s.sandbox.Weaker) == 0 {
		return title + " "
	}
	if full := title + ", " + notIsolation(s.sandbox.Weaker) + " "; width(full) <= w {
		return full
	}
	return title + ", not isolation "
}

// placeTitle says what the right side is.
func (s *stepScreen) placeTitle() string {
	place := s.place()
	switch {
	case place < s.at:
		return fmt.Sprintf(" Recorded: before step %d ", place+1)
	case s.started():
		return " Now: the program runs "
	case s.ended != nil:
		return fmt.Sprintf(" FAILED at step %d ", s.at+1)
	}
	return fmt.Sprintf(" Now: before step %d of %d ", s.at+1, len(s.entries))
}

// planRow is a step in one line: what came of it, and its call.
func (s *stepScreen) planRow(i int) string {
	if i == len(s.entries) {
		return paint(s.theme.good, "=>    the program runs as process "+strconv.Itoa(s.pid))
	}
	e, t := s.entries[i], s.theme
	word, n := "  ", toneMuted
	switch {
	case e.Refused():
		word, n = "!!", toneBad
	case e.Skipped:
		word, n = "--", toneWarn
	case e.Done():
		word, n = "ok", tonePlain
	case i == s.at && s.ended == nil:
		word, n = "=>", toneGood
	case i == s.mark:
		word, n = "m ", toneWarn
	}
	return paint(t.tone(n), fmt.Sprintf("%s %2d %s", word, e.Seq, visible(s.brief(e.Text))))
}

// brief leaves the sandbox's own directory out of a call, which is in full
// below the plan.
func (s *stepScreen) brief(call string) string {
	return strings.ReplaceAll(call, s.sandbox.Bundle, s.theme.ellipsis)
}

// details is the selected step in full, or why the launch has ended.
func (s *stepScreen) details(w int) []string {
	t := s.theme
	if s.err != nil {
		return indented(visible(s.err.Error()), w)
	}
	i := s.plan.index()
	if i < 0 || i >= len(s.entries) {
		return nil
	}
	e := s.entries[i]
	last := string(e.Actor) + "; " + e.Man + "; " + e.Lands
	if e.Micros != nil {
		last += fmt.Sprintf("; errno %d; %d microseconds", *e.Errno, *e.Micros)
	}
	call := wrap(visible(e.Text), w-8)
	if len(call) > 2 {
		call = append(call[:1], t.cut(call[1], w-10)+t.ellipsis)
	}
	var rows []string
	for n, text := range call {
		head := spaces(6)
		if n == 0 {
			head = t.fit(" "+strconv.Itoa(e.Seq), 6)
		}
		rows = append(rows, head+paint(t.bold, text))
	}
	why := visible(e.Why)
	if e.Refused() {
		rows = append(rows, spaces(6)+paint(t.bad, visible("FAILED with "+e.Error)))
		if e.Detail != "" {
			why = "because: " + visible(e.Detail)
		}
	}
	for _, text := range wrap(why, w-8) {
		rows = append(rows, spaces(6)+text)
	}
	return append(rows[:min(len(rows), stepDetails-1)], spaces(6)+paint(t.muted, visible(last)))
}

// redraw makes the right side anew: the place or the state is another one.
func (s *stepScreen) redraw() {
	before, now, known := s.now()
	s.state.clear()
	if !known {
		return
	}
	host, _ := s.trace.StateBefore(0)
	changes := observe.Diff(before, now)
	sections := []section{s.changedSection(changes)}
	if s.leaks != "" && s.place() == s.at {
		leak := section{title: "LEAKED to the outer mount namespace, as it would to the host", columns: []column{{flex: true}}}
		leak.rows = []row{{key: "leak", cells: []string{s.leaks}, tone: toneBad}}
		sections = append(sections, leak)
	}
	v := stepState{now: now, host: host, changed: changes, pid: s.pid}
	if s.trace.PID == 0 && s.pid == 0 || s.place() == 0 {
		v.pid = 0
	}
	sections = append(sections, v.process(), v.namespaces(), v.mounts())
	sheet := sheet{sections: sections}
	sheet.finish()
	s.state.set(sheet)
	s.state.list.moveTo(0)
}

// changedSection is what the step before the place changed.
func (s *stepScreen) changedSection(changes []observe.Change) section {
	place := s.place()
	sec := section{title: "Nothing is done yet", name: "changed", columns: []column{{flex: true}}}
	if place == 0 || place > len(s.entries) {
		return sec
	}
	sec.title = "Changed by step " + strconv.Itoa(place)
	lines, n := observe.Summary(changes), toneGood
	switch last := s.entries[place-1]; {
	case last.Skipped:
		lines, n = []string{"it was left out on purpose"}, toneWarn
	case len(lines) == 0:
		lines, n = s.unseen(last), toneMuted
	}
	for i, line := range lines {
		sec.rows = append(sec.rows, row{key: strconv.Itoa(i), cells: []string{line}, tone: n})
	}
	return sec
}

// unseen is what a step says of itself where the kernel shows nothing of it.
func (s *stepScreen) unseen(e step.Entry) []string {
	if lines := entryChanges(e); len(lines) > 0 {
		return lines
	}
	return []string{"nothing that the kernel shows of init"}
}

// stepState is the sandbox as the kernel sees it, as tables.
type stepState struct {
	now, host observe.State
	changed   []observe.Change
	pid       int
}

// mark is "*" beside what the last step changed.
func (v stepState) mark(kind, name string) (string, tone) {
	if slices.ContainsFunc(v.changed, func(c observe.Change) bool { return c.Kind == kind && (c.Name == name || name == "") }) {
		return "*", toneGood
	}
	return "", tonePlain
}

func (v stepState) process() section {
	s := section{title: "The sandbox as the kernel sees it", columns: []column{{}, {}, {flex: true}}}
	add := func(kind, name, value string) {
		mark, n := v.mark(kind, "")
		s.rows = append(s.rows, row{key: name, cells: []string{mark, name, value}, tone: n})
	}
	process := "none yet: init will be a copy of this one"
	if v.pid != 0 {
		process = strconv.Itoa(v.pid) + " on the host: " + v.now.Program
	}
	add("program", "process", process)
	add("root", "root", v.now.Root)
	add("cwd", "cwd", v.now.Cwd)
	add("hostname", "hostname", cmp.Or(v.now.Hostname, "cannot be read from here"))
	add("user", "user", v.now.User.UIDs+", groups "+v.now.User.Groups)
	add("effective capabilities", "capabilities", v.now.User.Effective)
	if v.pid != 0 {
		var names []string
		for _, p := range v.now.Processes {
			names = append(names, strconv.Itoa(p.Inside)+" "+p.Command)
		}
		add("process", "processes", strings.Join(names, "; "))
	}
	add("interface", "interfaces", strings.Join(v.now.Interfaces, " "))
	add("address", "addresses", strings.Join(v.now.Addresses, " "))
	return s
}

// namespaces marks those that are not the supervisor's.
func (v stepState) namespaces() section {
	s := section{title: "Namespaces", columns: []column{{}, {}, {right: true}, {flex: true}}}
	for _, kind := range observe.Kinds() {
		id, ok := v.now.Namespaces[kind]
		if !ok {
			continue
		}
		mark, n := v.mark("namespace", kind)
		whose := "the supervisor's"
		if v.host.Namespaces[kind] != id {
			whose = "NEW"
		}
		s.rows = append(s.rows, row{key: kind, cells: []string{mark, kind, strconv.FormatUint(id, 10), whose}, tone: n})
	}
	return s
}

func (v stepState) mounts() section {
	s := section{title: fmt.Sprintf("Mounts (%d)", len(v.now.Mounts)), columns: []column{{}, {flex: true}, {}, {rank: 2}, {rank: 1}}}
	for _, m := range v.now.Mounts {
		mark, n := v.mark("mount", m.Point)
		s.rows = append(s.rows, row{key: strconv.Itoa(m.ID), cells: []string{mark, m.Point, m.What(), m.Options, m.Propagation}, tone: n})
	}
	return s
}
