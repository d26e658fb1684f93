package tui

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"aquarium/runtime/inspect"
	"aquarium/runtime/supervisor"
)

// overviewFacet is who the sandbox is, and its eight namespaces.
func overviewFacet() facet {
	return facet{name: "Overview", shortcut: "1", read: readOverview, dead: true}
}

// sharersPause is how long it is believed who else is in the namespaces: to
// find out, every process of the machine is looked at.
const sharersPause = 5 * time.Second

// sharers are the processes that hold namespaces, as they were a while ago.
type sharers struct {
	matrix *inspect.Matrix
	until  time.Time
}

func readOverview(ctx context.Context, l look) (sheet, error) {
	s := sheet{sections: []section{identity(l)}}
	if l.target == nil {
		return s, nil
	}
	all, err := l.target.Namespaces()
	if err != nil {
		s.note = "namespaces: " + problemWord(err)
		return s, nil
	}
	known, _ := l.kept.(sharers)
	if known.matrix == nil || time.Now().After(known.until) {
		known = findSharers(ctx, l.observer)
	}
	if known.matrix != nil {
		known.matrix.Complete(all)
	}
	s.kept = known
	s.sections = append(s.sections, namespaceSection(all))
	return s, nil
}

func findSharers(ctx context.Context, o *inspect.Observer) sharers {
	start := time.Now()
	matrix, err := o.Matrix(ctx)
	if err != nil {
		return sharers{}
	}
	return sharers{matrix, time.Now().Add(max(sharersPause, lookShare*time.Since(start)))}
}

// problemWord says in a word or two what stands in the way.
func problemWord(err error) string {
	for _, known := range []error{inspect.ErrGone, inspect.ErrNeedsRoot, inspect.ErrHangs} {
		if strings.HasSuffix(err.Error(), known.Error()) {
			return known.Error()
		}
	}
	return err.Error()
}

// identity is what is known of the sandbox, or of any other process.
func identity(l look) section {
	if l.who.subject != nil {
		return named("", facts(l.who.subject)...)
	}
	return named("", fact{"name", l.who.name}, fact{"pid", strconv.Itoa(l.target.PID)}, fact{"belongs to", l.target.ContainerName()})
}

// namespaceSection has a row for each of the eight kinds.
func namespaceSection(all inspect.Namespaces) section {
	s := section{title: "Namespaces", columns: []column{{name: "KIND"}, {name: "INODE", right: true}, {name: "WHOSE", flex: true}}}
	for _, kind := range inspect.Kinds {
		n, ok := all[kind]
		r := row{key: kind, cells: []string{kind, strconv.FormatUint(n.Inode, 10), "its own"}, data: n}
		switch {
		case !ok || n.Inode == 0:
			r.cells[1], r.cells[2], r.tone = "", "this kernel has none", toneMuted
		case n.Shared:
			r.cells[2], r.tone = "SHARED with the host", toneWarn
		case len(n.SharedWith) > 0:
			r.cells[2] = "its own, with " + strings.Join(n.SharedWith, ", ")
		}
		if n.ForChildren != 0 {
			r.cells[2] += "; children get " + strconv.FormatUint(n.ForChildren, 10)
		}
		r.more = namespaceDetails(all, n)
		s.rows = append(s.rows, r)
	}
	return s
}

func namespaceDetails(all inspect.Namespaces, n inspect.Namespace) []fact {
	var more []fact
	if n.Owner != 0 {
		owner := "user namespace " + strconv.FormatUint(n.Owner, 10)
		switch user := all["user"]; {
		case n.Owner == user.Inode && user.Shared:
			owner += ", the host's"
		case n.Owner == user.Inode:
			owner += ", its own"
		}
		more = append(more, fact{"owned by", owner})
	}
	if n.Creator != nil {
		more = append(more, fact{"made by", "uid " + strconv.Itoa(*n.Creator) + " of the host"})
	}
	return more
}

// fact is a name and what it stands for.
type fact struct{ name, value string }

// facts are what the state says, in words.
func facts(s *subject) []fact {
	out := []fact{
		{"name", s.Name},
		{"id", s.ID},
		{"status", string(s.Status)},
	}
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, value})
		}
	}
	if s.Status == supervisor.Stopped {
		add("ended", outcomeSentence(s.State))
	}
	if s.PID > 0 {
		add("pid", strconv.Itoa(s.PID)+" (its 1)")
		add("up for", uptime(s.Started))
	}
	if s.Keeper > 0 {
		add("supervisor", strconv.Itoa(s.Keeper))
	}
	if s.usage.known {
		add("cpu", s.usage.percent())
		add("memory", s.usage.size())
	}
	add("rootfs", s.Rootfs)
	add("command", quoteWords(s.Command))
	add("root switch", s.RootSwitch)
	add("not isolation", strings.Join(s.Weaker, ", "))
	for _, note := range s.Notes {
		add("note", note)
	}
	add("host's own", cmp.Or(strings.Join(s.Shared, ", "), "none"))
	terminal := "three pipes"
	if s.TTY {
		terminal = "pseudo-terminal"
	}
	add("terminal", terminal)
	if s.State.Remove {
		add("when it stops", "it is removed")
	}
	add("created", moment(s.Created))
	add("started", moment(s.Started))
	add("finished", moment(s.Finished))
	add("bundle", s.Bundle)
	return out
}

// uptime is how long something has run, in its two largest units.
func uptime(since time.Time) string {
	if since.IsZero() {
		return ""
	}
	d := time.Since(since)
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min " + strconv.Itoa(int(d.Seconds())%60) + " s"
	case d < 24*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h " + strconv.Itoa(int(d.Minutes())%60) + " min"
	}
	return strconv.Itoa(int(d.Hours())/24) + " d " + strconv.Itoa(int(d.Hours())%24) + " h"
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
