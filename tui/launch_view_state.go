package tui

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"aquarium/runtime/observe"
)

// redraw makes the right side anew: the place or the state is another one.
func (v *launchView) redraw() {
	v.state.clear()
	sheet := sheet{sections: v.recorded()}
	if sheet.sections == nil && len(v.entries) > 0 {
		sheet.sections = v.said()
	}
	v.abbreviate(sheet.sections)
	sheet.finish()
	v.state.set(sheet)
	v.state.list.moveTo(0)
}

// abbreviate leaves the sandbox's own directory out of all cells: paths in it
// would be nothing but that.
func (v *launchView) abbreviate(sections []section) {
	for _, s := range sections {
		for _, r := range s.rows {
			for i, cell := range r.cells {
				r.cells[i] = v.brief(cell)
			}
		}
	}
}

// recorded is the place as the kernel saw it; nil where that is not known.
func (v *launchView) recorded() []section {
	place := v.place()
	now, known := v.trace.StateBefore(place)
	if !known {
		return nil
	}
	host, _ := v.trace.StateBefore(0)
	sections := []section{v.changedSection("nothing that the kernel shows of init")}
	if v.leaks != "" && place == v.at {
		leak := section{title: "LEAKED to the outer mount namespace, as it would to the host", columns: []column{{flex: true}}}
		leak.rows = []row{{key: "leak", cells: []string{v.leaks}, tone: toneBad}}
		sections = append(sections, leak)
	}
	s := newStepState(now, host, v.changes(), v.pid)
	return append(sections, s.process(), s.namespaces(), s.mounts())
}

// changes are those of the step before the place, where they were recorded.
func (v *launchView) changes() []observe.Change {
	place := v.place()
	if _, known := v.trace.StateBefore(place - 1); !known || place > len(v.entries) {
		return nil
	}
	return v.entries[place-1].Changed
}

// said is the place as the steps before it tell of themselves: a launch that
// was not stepped halted nowhere, and nothing was recorded on the way.
func (v *launchView) said() []section {
	sections := []section{v.changedSection("nothing that it tells of")}
	earlier := section{title: "Changed before that", columns: []column{{right: true}, {flex: true}}}
	for i := v.place() - 2; i >= 0; i-- {
		e := v.entries[i]
		lines := entryChanges(e)
		switch {
		case e.Skipped:
			lines = []string{"left out on purpose: " + v.brief(e.Text)}
		case e.Idle:
			lines = nil
		}
		for n, line := range bounded(lines) {
			earlier.rows = append(earlier.rows, row{key: strconv.Itoa(i) + "." + strconv.Itoa(n), cells: []string{strconv.Itoa(e.Seq), line}})
		}
	}
	if len(earlier.rows) > 0 {
		sections = append(sections, earlier)
	}
	note := section{columns: []column{{flex: true}}}
	for i, line := range wrap("What the kernel knew at each step is recorded only of a launch that is stepped (S, or run --step).", 36) {
		note.rows = append(note.rows, row{key: strconv.Itoa(i), cells: []string{line}, tone: toneMuted})
	}
	return append(sections, note)
}

// changedSection is what the step before the place changed; none is said where
// that is nothing.
func (v *launchView) changedSection(none string) section {
	place := v.place()
	sec := section{title: "Nothing is done yet", name: "changed", columns: []column{{flex: true}}}
	if place == 0 || place > len(v.entries) {
		return sec
	}
	sec.title = "Changed by step " + strconv.Itoa(place)
	last := v.entries[place-1]
	lines, n := entryChanges(last), toneGood
	switch {
	case last.Skipped:
		lines, n = []string{"it was left out on purpose"}, toneWarn
	case len(lines) == 0:
		lines, n = []string{none}, toneMuted
	}
	for i, line := range bounded(lines) {
		sec.rows = append(sec.rows, row{key: strconv.Itoa(i), cells: []string{line}, tone: n})
	}
	return sec
}

// stepState is the sandbox as the kernel sees it, as tables.
type stepState struct {
	now, host observe.State
	changed   map[changed]bool
	pid       int
}

// changed is what a change is about; a name of "" is any.
type changed struct{ kind, name string }

func newStepState(now, host observe.State, changes []observe.Change, pid int) stepState {
	v := stepState{now: now, host: host, changed: make(map[changed]bool), pid: pid}
	for _, c := range changes {
		v.changed[changed{c.Kind, c.Name}] = true
		v.changed[changed{c.Kind, ""}] = true
	}
	if now.PID != pid {
		v.pid = 0 // it is the supervisor, before it has started init
	}
	return v
}

// mark is "*" beside what the last step changed.
func (v stepState) mark(kind, name string) (string, tone) {
	if v.changed[changed{kind, name}] {
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

// mostMounts is how many are listed.
const mostMounts = 5000

func (v stepState) mounts() section {
	s := section{title: fmt.Sprintf("Mounts (%d)", len(v.now.Mounts)), columns: []column{{}, {flex: true}, {}, {rank: 2}, {rank: 1}}}
	for i, m := range v.now.Mounts {
		if i == mostMounts {
			s.rows = append(s.rows, row{key: "more", cells: []string{"", fmt.Sprintf("and %d more", len(v.now.Mounts)-i)}, tone: toneMuted})
			break
		}
		mark, n := v.mark("mount", m.Point)
		s.rows = append(s.rows, row{key: strconv.Itoa(m.ID), cells: []string{mark, m.Point, m.What(), m.Options, m.Propagation}, tone: n})
	}
	return s
}
