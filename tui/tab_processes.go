package tui

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/inspect"
)

// processesFacet is the processes of the sandbox's pid namespace, and below.
func processesFacet() facet {
	return facet{name: "Processes", shortcut: "2", read: readProcesses, press: pressProcesses, hints: []hint{{"K", "signal"}}}
}

// processTimes is the processor time that processes had used, by the host's
// number and start.
type processTimes struct {
	at   time.Time
	used map[processKey]time.Duration
}

type processKey struct {
	pid     int
	started int64 // seconds: the same process does not always give the same nanosecond
}

func keyOf(p inspect.Process) processKey { return processKey{p.HostPID, p.Started.Unix()} }

func readProcesses(ctx context.Context, l look) (sheet, error) {
	view, err := l.target.Processes(ctx)
	if err != nil {
		return sheet{}, err
	}
	before, _ := l.kept.(processTimes)
	now := processTimes{time.Now(), make(map[processKey]time.Duration, len(view.List))}
	table := section{name: "Processes", columns: []column{
		{name: "PID", right: true}, {name: "HOST", right: true, rank: 1}, {name: "USER", rank: 3}, {name: "STATE", rank: 2, moves: true},
		{name: "CPU", right: true, rank: 4, moves: true}, {name: "MEM", right: true, rank: 5, moves: true}, {name: "COMMAND", flex: true},
	}}
	zombies := 0
	for _, p := range view.List {
		now.used[keyOf(p)] = p.CPU
		if p.State == "zombie" {
			zombies++
		}
		table.rows = append(table.rows, processRow(l, p, before, now))
	}
	s := sheet{kept: now, sections: []section{pid1Section(view, zombies), table}, first: 1}
	if len(s.sections[0].rows) == 0 {
		s.sections, s.first = s.sections[1:], 0
	}
	if view.Denied > 0 {
		s.note = fmt.Sprintf("%d not looked at: needs root", view.Denied)
	} else if view.Partial {
		s.note = "not all"
	}
	return s, nil
}

// pid1Section is what may surprise about PID 1: a signal without a handler
// does nothing to it when it comes from inside.
func pid1Section(view *inspect.Processes, zombies int) section {
	s := named("")
	s.name = "PID 1"
	if len(view.List) > 0 && view.List[0].PID == 1 {
		s.add("PID 1 ignores", cmp.Or(shortSignals(view.Ignored), "no signal"), tonePlain)
		s.add("PID 1 catches", cmp.Or(shortSignals(view.Caught), "no signal: SIGTERM from inside does nothing"), tonePlain)
	}
	if zombies > 0 {
		s.add("zombies", fmt.Sprintf("%d: ended, and their parent has not asked how", zombies), toneWarn)
	}
	return s
}

// shortSignals names signals without what all of their names have.
func shortSignals(names []string) string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = strings.TrimPrefix(name, "SIG")
	}
	return strings.Join(short, " ")
}

func processRow(l look, p inspect.Process, before, now processTimes) row {
	user := p.User
	if inside, err := strconv.Atoi(p.User); err != nil && p.HostUser != 0 || err == nil && inside != p.HostUser {
		user += l.theme.arrow() + strconv.Itoa(p.HostUser)
	}
	r := row{
		key: strconv.Itoa(p.HostPID), data: p,
		cells: []string{
			strconv.Itoa(p.PID), strconv.Itoa(p.HostPID), user, p.State, cpuShare(p, before, now), bytesText(p.Resident),
			indent(p.Depth) + p.Command,
		},
		more: []fact{{"parent", strconv.Itoa(p.Parent)}, {"started", moment(p.Started)}, {"cpu used", p.CPU.String()}, {"threads", strconv.Itoa(p.Threads)}},
	}
	if p.Nested {
		r.more = append(r.more, fact{"nested", "in a pid namespace further down"})
	}
	switch p.State {
	case "zombie":
		r.cells[3], r.tone = "ZOMBIE", toneBad
	case "running":
		r.tone = toneGood
	}
	return r
}

// cpuShare is processor use since the reading before, in percent of a core.
func cpuShare(p inspect.Process, before, now processTimes) string {
	used, known := before.used[keyOf(p)]
	if !known || !now.at.After(before.at) {
		return ""
	}
	share := float64(p.CPU-used) / float64(now.at.Sub(before.at))
	return strconv.Itoa(int(share*100+0.5)) + "%"
}

// pressProcesses sends a signal to the selected process.
func pressProcesses(in *inspection, key string) (tea.Cmd, bool) {
	_, r := in.page.selected()
	if key != "K" || r == nil {
		return nil, false
	}
	p, ok := r.data.(inspect.Process)
	if !ok {
		return nil, false
	}
	return in.ask(func(m *root) tea.Cmd {
		m.open(newProcessSignalDialog(m.theme, p))
		return nil
	})
}
