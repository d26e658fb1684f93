package tui

import (
	"context"
	"fmt"
	"strings"

	"aquarium/runtime/inspect"
)

// mountsFacet is the tree of mounts, and how it differs from the host's.
func mountsFacet() facet {
	return facet{name: "Mounts", shortcut: "3", read: readMounts}
}

func readMounts(ctx context.Context, l look) (sheet, error) {
	view, err := l.target.Mounts(ctx)
	if err != nil {
		return sheet{}, err
	}
	table := section{title: "Mounts", columns: []column{
		{name: "TARGET", flex: true}, {name: "TYPE", rank: 1}, {name: "SOURCE", rank: 4}, {name: "PROPAGATION", rank: 3}, {name: "OPTIONS", rank: 5}, {name: "NOTE", rank: 2, moves: true},
	}}
	table.rows = make([]row, 0, len(view.List))
	seen := make(map[string]int)
	for _, m := range view.List {
		r := mountRow(m, l.who.host)
		if n := seen[m.Target]; n > 0 {
			r.key = fmt.Sprintf("%s\x00%d", m.Target, n) // mounted over each other
		}
		seen[m.Target]++
		table.rows = append(table.rows, r)
	}
	s := sheet{sections: []section{table}}
	if len(view.Missing) > 0 {
		s.sections = append(s.sections, missingMounts(view.Missing))
	}
	switch {
	case view.Partial:
		s.note = fmt.Sprintf("the first %d mounts", len(view.List))
	case view.Unreadable > 0:
		s.note = fmt.Sprintf("%d lines too long to read", view.Unreadable)
	}
	return s, nil
}

func mountRow(m inspect.Mount, host bool) row {
	var notes []string
	r := row{key: m.Target, data: m}
	switch {
	case host:
	case m.AsOnHost:
		notes, r.tone = append(notes, "as on the host"), toneWarn
	case m.FromHost:
		notes, r.tone = append(notes, "from the host"), toneWarn
	default:
		notes = append(notes, "only here")
	}
	if m.Overmounted {
		notes, r.tone = append(notes, "HIDDEN by another"), toneMuted
	}
	r.cells = []string{
		indent(m.Depth) + m.Target, m.Type, m.Source, strings.Join(m.Propagation, ", "), m.Options, strings.Join(notes, ", "),
	}
	r.more = []fact{
		{"directory", m.Root + " of the filesystem"}, {"device", m.Device}, {"filesystem", m.Super},
		{"mount id", fmt.Sprintf("%d, below %d", m.ID, m.Parent)},
	}
	return r
}

// missingMounts are what the host has mounted and the sandbox does not see.
func missingMounts(targets []string) section {
	s := section{title: fmt.Sprintf("Only on the host (%d)", len(targets)), columns: []column{{flex: true}}, beside: true}
	for _, target := range targets {
		s.rows = append(s.rows, row{key: target, cells: []string{target}, tone: toneMuted})
	}
	return s
}
