package main

import (
	"fmt"
	"strconv"
	"strings"

	"aquarium/rootfs"
	"aquarium/runtime/observe"
	"aquarium/runtime/step"
	"aquarium/runtime/wire"
)

// command does what a line says.
func (s *stepper) command(line string, more bool) error {
	if !more {
		return errLeft{}
	}
	line = strings.TrimSpace(line)
	if !s.known() {
		return nil // the launch went on meanwhile: the line was about a step that is past
	}
	if number, err := strconv.Atoi(line); err == nil {
		return s.goTo(number)
	}
	switch line {
	case "", "n":
		return s.goOn()
	case "r":
		s.until = len(s.plan.Steps)
		return s.goOn()
	case "s":
		return s.skip()
	case "p":
		s.printPlan()
	case "c":
		fmt.Fprintf(s.out, "\n%s", indent(s.plan.Steps[s.at.Before].Text(s.at.Before+1)))
	case "m":
		s.printMounts()
	case "a":
		s.at = wire.StepReport{}
		return s.conn.Abort()
	case "d":
		return errLeft{}
	default:
		fmt.Fprintln(s.out, stepKeys)
	}
	s.prompt()
	return nil
}

func (s *stepper) goTo(number int) error {
	if number <= s.at.Before+1 || number > len(s.plan.Steps) {
		fmt.Fprintf(s.out, "from here one can go on to steps %d to %d\n", s.at.Before+2, len(s.plan.Steps))
		s.prompt()
		return nil
	}
	s.until = number - 1
	return s.goOn()
}

func (s *stepper) skip() error {
	if why := s.plan.Unskippable(s.at.Before); why != "" {
		fmt.Fprintf(s.out, "this step cannot be left out: %s\n", why)
		s.prompt()
		return nil
	}
	before := s.at.Before
	s.at = wire.StepReport{}
	fmt.Fprintf(s.out, "step %d is left out on purpose; what goes wrong stays in the outer mount namespace\n", before+1)
	return s.conn.Skip(before)
}

// show tells where the launch stands.
func (s *stepper) show() {
	at := s.at.Before
	fmt.Fprintf(s.out, "\n=== %s: before step %d of %d ===\n", s.sb.Name, at+1, len(s.plan.Steps))
	if len(s.at.Events) == 0 {
		s.printPlan()
	} else {
		s.printDone(s.at.Events[len(s.at.Events)-1])
	}
	s.printNow()
	s.printNext(s.plan.Steps[at])
	s.prompt()
}

// maxParts is how many of a step's calls are shown unasked: more would push
// the state off a small screen.
const maxParts = 3

// printNext shows the step at hand.
func (s *stepper) printNext(next step.Step) {
	fmt.Fprintf(s.out, "\nNext:\n  %3d  %s: %s\n", s.at.Before+1, next.Actor, rootfs.Visible(next.Call()))
	parts := next.Parts()
	for _, part := range parts[:min(maxParts, len(parts))] {
		fmt.Fprintf(s.out, "         %s\n", rootfs.Visible(part.String()))
	}
	if more := len(parts) - maxParts; more > 0 {
		fmt.Fprintf(s.out, "         and %d more calls (c lists them)\n", more)
	}
	fmt.Fprintf(s.out, "       %s [%s; %s]\n", rootfs.Visible(next.Why), next.Man, next.Lands())
}

func (s *stepper) prompt() {
	fmt.Fprintf(s.out, "step %d of %d: Enter does it, r runs on, a aborts, d leaves, ? explains> ", s.at.Before+1, len(s.plan.Steps))
}

// printDone shows the step before, and what the kernel shows of it.
func (s *stepper) printDone(e step.Event) {
	done := s.plan.Steps[e.Seq]
	if e.Skipped {
		fmt.Fprintf(s.out, "\nLeft out:\n  %3d  %s\n", e.Seq+1, rootfs.Visible(done.Call()))
		return
	}
	fmt.Fprintf(s.out, "\nDone:\n  %3d  %s   (%d µs)\n", e.Seq+1, rootfs.Visible(done.Call()), e.Took.Microseconds())
	before, ok := s.states[e.Seq]
	after, ok2 := s.states[s.at.Before]
	if !ok || !ok2 {
		return
	}
	changes := observe.Summary(observe.Diff(before, after))
	if len(changes) == 0 {
		changes = []string{"nothing that the kernel shows of init"}
	}
	for _, line := range changes {
		fmt.Fprintf(s.out, "       changed: %s\n", rootfs.Visible(line))
	}
}

// printPlan lists the steps, a line each.
func (s *stepper) printPlan() {
	fmt.Fprintln(s.out, "\nThe plan:")
	if len(s.weaker) > 0 {
		fmt.Fprintf(s.out, "not isolation: %s\n", rootfs.Visible(strings.Join(s.weaker, ", ")))
	}
	done := make(map[int]step.Event)
	for _, e := range s.at.Events {
		done[e.Seq] = e
	}
	for i, planned := range s.plan.Steps {
		mark := "  "
		switch e, ok := done[i]; {
		case i == s.at.Before:
			mark = "=>"
		case ok && e.Skipped:
			mark = "--"
		case ok:
			mark = "ok"
		}
		fmt.Fprintf(s.out, "%s %3d  %-10s  %s\n", mark, i+1, planned.Actor, shorten(rootfs.Visible(planned.Call()), 100))
	}
}

// printNow shows what the kernel knows of the half-built sandbox.
func (s *stepper) printNow() {
	now := s.at.State
	fmt.Fprintln(s.out, "\nNow:")
	row := func(name, value string) { fmt.Fprintf(s.out, "  %-11s %s\n", name, rootfs.Visible(value)) }
	if s.at.PID == 0 {
		row("process", "none yet; this is what init will be a copy of")
	} else {
		row("process", fmt.Sprintf("%d on the host: %s", s.at.PID, now.Program))
	}
	row("namespaces", s.namespaces())
	row("root", now.Root+"   cwd "+now.Cwd)
	row("hostname", now.Hostname)
	if s.at.PID != 0 {
		var names []string
		for _, p := range now.Processes {
			names = append(names, fmt.Sprintf("%d %s", p.Inside, p.Command))
		}
		row("processes", strings.Join(names, "; "))
	}
	row("interfaces", strings.Join(now.Interfaces, " ")+"   addresses "+orNone(strings.Join(now.Addresses, " ")))
	row("mounts", fmt.Sprintf("%d (m lists them)", len(now.Mounts)))
	if s.at.Outer != 0 {
		row("WHAT IF", s.leaks())
	}
}

// leaks tells what of the sandbox's mounts shows in the outer mount namespace,
// as it would on the host.
func (s *stepper) leaks() string {
	outer, err := observe.Mounts(s.at.Outer)
	before, known := s.states[1] // of the outer namespace, before the clone
	if err != nil || !known {
		return "steps may be left out (s)"
	}
	leaked := observe.Diff(observe.State{Mounts: before.Mounts}, observe.State{Mounts: outer})
	if len(leaked) == 0 {
		return "steps may be left out (s); nothing shows in the outer mount namespace"
	}
	return "LEAKED to the outer mount namespace: " + strings.Join(observe.Summary(leaked), "; ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// namespaces lists them, those marked that are not the supervisor's.
func (s *stepper) namespaces() string {
	host := s.states[0]
	var list []string
	for _, kind := range observe.Kinds() {
		id, ok := s.at.State.Namespaces[kind]
		if !ok {
			continue
		}
		text := fmt.Sprintf("%s %d", kind, id)
		if s.at.PID != 0 && host.Namespaces[kind] != id {
			text += " NEW"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// printMounts lists the mounts as init sees them.
func (s *stepper) printMounts() {
	for _, m := range s.at.State.Mounts {
		fmt.Fprintf(s.out, "  %-40s %s  %s  %s\n", rootfs.Visible(m.Point), rootfs.Visible(m.What()), m.Options, m.Propagation)
	}
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}
