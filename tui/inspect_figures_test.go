package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"aquarium/runtime/inspect"
	"aquarium/runtime/spec"
)

// BenchmarkViews is what a view costs from nothing to its rows, one reading
// and one drawing. The aim for the first paint is less than 50 ms, and less
// than 1 % of a core when that is repeated every second: 10 ms.
func BenchmarkViews(b *testing.B) {
	h := newHome(b)
	sb := h.launch(b, spec.Options{Name: "figures", Rootfs: busybox(b), TTY: true, Command: []string{"sleep", "100000"}})
	observer := inspect.New()
	for _, f := range facets() {
		b.Run(strings.ReplaceAll(f.name, " ", ""), func(b *testing.B) {
			l := look{observer: observer, theme: newTheme(true), who: who{pid: sb.PID, start: sb.PIDStart, name: sb.Name, subject: &subject{Sandbox: sb}}}
			for b.Loop() {
				s, err := l.read(f)
				if err != nil {
					b.Fatal(err)
				}
				s.finish()
				l.kept = s.kept
				p := page{theme: l.theme}
				p.set(s)
				p.view(47, 20)
			}
		})
	}
}

// BenchmarkLooking is what the whole user interface costs while a view is
// shown: processor use in percent of a core. The aim is less than 1 % more
// than the idle screen.
func BenchmarkLooking(b *testing.B) {
	h := newHome(b)
	h.launch(b, spec.Options{Name: "looked-at", Rootfs: busybox(b), TTY: true, Command: []string{"sleep", "100000"}})
	for _, f := range facets() {
		b.Run(strings.ReplaceAll(f.name, " ", ""), func(b *testing.B) {
			u := h.open(b, 80, 24)
			u.sees("looked-at ● running", "0%")
			u.types("\t\t" + f.shortcut)
			u.sees("▸" + f.shortcut + " ")
			for b.Loop() {
				used := processorTime(b, u.cmd.Process.Pid)
				<-time.After(idleTime)
				b.ReportMetric(100*float64(processorTime(b, u.cmd.Process.Pid)-used)/float64(idleTime), "%core")
			}
		})
	}
}

// BenchmarkLargeTable is 100,000 mounts on the screen: what Update and View do
// with them, which is what a key has to wait for. The aim is less than 50 ms.
func BenchmarkLargeTable(b *testing.B) {
	table := facet{name: "Large", read: func(context.Context, look) (sheet, error) {
		s := section{title: "Mounts", columns: []column{{name: "TARGET", flex: true}, {name: "TYPE"}, {name: "SOURCE", rank: 1}}}
		for i := range 100_000 {
			s.rows = append(s.rows, row{key: fmt.Sprint(i), cells: []string{fmt.Sprintf("/mnt/of/many/%d", i), "tmpfs", "tmpfs"}})
		}
		return sheet{sections: []section{s}}, nil
	}}
	s, _ := table.read(context.Background(), look{})
	s.finish()
	p := page{theme: newTheme(true), focused: true}
	for b.Loop() {
		p.set(s)
		p.press("j")
		p.view(80, 24)
	}
}
