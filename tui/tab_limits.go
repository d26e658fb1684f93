package tui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aquarium/runtime/inspect"
)

// limitsFacet is what the process may use and uses, with a short history.
func limitsFacet() facet {
	return facet{name: "Limits", shortcut: "8", read: readLimits}
}

// history is what was used at the last readings, the latest at the end.
type history struct {
	samples []usageSample
}

type usageSample struct {
	at          time.Time
	memory, cpu int64 // bytes; microseconds so far
	tasks       int64
}

// keptSamples is how long the history is, in readings.
const keptSamples = 60

func readLimits(_ context.Context, l look) (sheet, error) {
	view, err := l.target.Limits()
	if err != nil {
		return sheet{}, err
	}
	u := view.Usage()
	before, _ := l.kept.(history)
	samples := append(slices.Clip(before.samples), usageSample{time.Now(), u.Memory, u.CPU, u.Tasks})
	now := history{samples[max(0, len(samples)-keptSamples):]}
	s := sheet{kept: now, sections: []section{now.section(l.theme, u, sharesGroup(view.Cgroups)), groupSection(view.Cgroups), resourceSection(view)}}
	for _, g := range view.Cgroups {
		if len(g.Values) > 0 {
			s.sections = append(s.sections, valueSection(g))
		}
	}
	return s, nil
}

// section is what is used now, of how much, and the graph of it.
func (h history) section(t theme, u inspect.Usage, shared bool) section {
	s := section{title: "Use", columns: []column{{}, {right: true}, {}, {flex: true}}}
	add := func(name, now, of string, values []float64, top float64) {
		s.rows = append(s.rows, row{key: name, cells: []string{name, now, of, graph(t, values, top)}})
	}
	var memory, tasks []float64
	for _, sample := range h.samples {
		memory, tasks = append(memory, float64(sample.memory)), append(tasks, float64(sample.tasks))
	}
	shares := h.shares()
	cpu := ""
	if len(shares) > 0 {
		cpu = strconv.Itoa(int(shares[len(shares)-1]*100+0.5)) + "%"
	}
	processors := "no limit"
	if u.CPULimit > 0 {
		processors = fmt.Sprintf("of %.0f%%", u.CPULimit*100)
	}
	size := func(n int64) string { return bytesText(uint64(n)) }
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	add("memory", amount(u.Memory, size), limitWord(u.MemoryLimit, size), memory, float64(u.MemoryLimit))
	if u.MemoryPeak >= 0 {
		s.rows = append(s.rows, row{key: "peak", cells: []string{"", size(u.MemoryPeak), "at most so far", ""}})
	}
	if u.OOMKills > 0 {
		s.rows = append(s.rows, row{key: "killed", cells: []string{"", number(u.OOMKills), "KILLED: out of memory", ""}, tone: toneWarn})
	}
	add("cpu", cmp.Or(cpu, amount(u.CPU, func(n int64) string { return time.Duration(n * 1000).Round(time.Millisecond).String() })), processors, shares, u.CPULimit)
	add("tasks", amount(u.Tasks, number), limitWord(u.TasksLimit, number), tasks, float64(u.TasksLimit))
	if shared {
		s.rows = append(s.rows, row{key: "shared", cells: []string{"", "", "", "of all in a group that is SHARED with the host"}, tone: toneWarn})
	}
	return s
}

// shares are the parts of a processor that were used between readings.
func (h history) shares() []float64 {
	var shares []float64
	for i := 1; i < len(h.samples); i++ {
		a, b := h.samples[i-1], h.samples[i]
		if took := b.at.Sub(a.at).Microseconds(); took > 0 && a.cpu >= 0 && b.cpu >= a.cpu {
			shares = append(shares, float64(b.cpu-a.cpu)/float64(took))
		}
	}
	return shares
}

// amount words a number of which -1 is unknown.
func amount(n int64, word func(int64) string) string {
	if n < 0 {
		return "unknown"
	}
	return word(n)
}

func limitWord(n int64, word func(int64) string) string {
	if n < 0 {
		return "no limit"
	}
	return "of " + word(n)
}

// graphColumns is how many readings a graph shows.
const graphColumns = 30

// graph draws values as columns of different height: up to top, or, without
// one, up to the largest.
func graph(t theme, values []float64, top float64) string {
	steps := []rune("▁▂▃▄▅▆▇█")
	if t.ascii {
		steps = []rune("_.-=+*%#")
	}
	values = values[max(0, len(values)-graphColumns):]
	if top <= 0 {
		for _, v := range values {
			top = max(top, v)
		}
	}
	var b strings.Builder
	for _, v := range values {
		at := 0
		if top > 0 && v > 0 {
			at = min(len(steps)-1, int(v/top*float64(len(steps))))
		}
		b.WriteRune(steps[at])
	}
	return b.String()
}

// sharesGroup tells whether what is counted is not the sandbox's alone.
func sharesGroup(groups []inspect.Cgroup) bool {
	return slices.ContainsFunc(groups, func(g inspect.Cgroup) bool {
		_, memory1 := g.Values["memory.usage_in_bytes"]
		_, memory2 := g.Values["memory.current"]
		return g.Shared && (memory1 || memory2)
	})
}

func groupSection(groups []inspect.Cgroup) section {
	s := section{title: counted("Control groups", len(groups)), columns: []column{{name: "V", right: true}, {name: "CONTROLLERS", rank: 1}, {name: "WHOSE"}, {name: "PATH", flex: true}}}
	for _, g := range groups {
		r := row{
			key:   strconv.Itoa(g.Version) + strings.Join(g.Controllers, ","),
			cells: []string{strconv.Itoa(g.Version), cmp.Or(strings.Join(g.Controllers, ","), "-"), "its own", g.Path},
			more:  []fact{{"directory", g.Directory}},
		}
		if g.Shared {
			r.cells[2], r.tone = "SHARED", toneWarn
		}
		s.rows = append(s.rows, r)
	}
	return s
}

// valueSection is a group's files as they are.
func valueSection(g inspect.Cgroup) section {
	s := named("Group " + cmp.Or(strings.Join(g.Controllers, ","), g.Path))
	var names []string
	for name := range g.Values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		s.add(name, strings.ReplaceAll(g.Values[name], "\n", ", "), tonePlain)
	}
	return s
}

func resourceSection(view *inspect.Limits) section {
	s := section{title: "Resource limits of PID 1", columns: []column{{name: "LIMIT", flex: true}, {name: "SOFT", right: true}, {name: "HARD", right: true}, {name: "UNIT", rank: 1}}}
	for _, r := range view.Resources {
		s.rows = append(s.rows, row{key: r.Name, cells: []string{r.Name, r.Soft, r.Hard, r.Unit}})
	}
	score := fmt.Sprintf("%+d", view.OOMScore)
	s.rows = append(s.rows, row{key: "oom score", cells: []string{"OOM score", score, "+1000", "when memory runs out, the higher is killed first"}})
	return s
}
