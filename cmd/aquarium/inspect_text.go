package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"aquarium/rootfs"
	"aquarium/runtime/inspect"
)

// printer writes titled tables of aligned cells. Whatever a cell holds, it
// does nothing to a terminal.
type printer struct{ *tabwriter.Writer }

func (p printer) title(s string) { fmt.Fprintf(p, "\n%s\n", s) }

func (p printer) row(cells ...any) {
	line := "  "
	for i, cell := range cells {
		if i > 0 {
			line += "\t"
		}
		line += rootfs.Visible(fmt.Sprint(cell))
	}
	fmt.Fprintln(p, line)
}

// table writes rows under a head, or one line that there are none.
func (p printer) table(title string, rows int, none string, head []any, row func(i int) []any) {
	p.title(title)
	if rows == 0 {
		p.row(none)
		p.Flush()
		return
	}
	if head != nil {
		p.row(head...)
	}
	for i := range rows {
		p.row(row(i)...)
	}
	p.Flush()
}

func (i *inspection) writeText(w io.Writer) error {
	p := printer{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	p.row("name", i.Name)
	if i.ID != "" {
		p.row("id", i.ID)
		p.row("root", i.RootSwitch+" of "+i.Rootfs)
		if len(i.Weaker) > 0 {
			p.row("not isolation", strings.Join(i.Weaker, ", "))
		}
		for _, note := range i.Notes {
			p.row("note", note)
		}
	}
	p.row("command", strings.Join(i.Command, " "))
	p.row("status", i.status)
	if i.pid != 0 {
		p.row("pid", i.pid)
	} else {
		p.row("", "it has stopped: there is nothing left to look at")
	}
	p.Flush()
	for _, v := range i.views {
		if v.err != nil {
			p.title(strings.ToUpper(v.name))
			p.row(v.err)
			continue
		}
		p.print(v.value)
		for _, note := range notesOf(v.value) {
			p.row("note: " + note)
		}
	}
	return p.Flush()
}

func (p printer) print(value any) {
	switch v := value.(type) {
	case inspect.Namespaces:
		p.namespaces(v)
	case *inspect.Processes:
		p.processes(v)
	case *inspect.Mounts:
		p.mounts(v)
	case *inspect.Directory:
		p.files(v)
	case *inspect.Network:
		p.network(v)
	case *inspect.IPC:
		p.ipc(v)
	case *inspect.Users:
		p.users(v)
	case *inspect.Limits:
		p.limits(v)
	case *inspect.Environment:
		p.environment(v)
	}
}

func (p printer) namespaces(all inspect.Namespaces) {
	p.table("NAMESPACES", len(inspect.Kinds), "", []any{"KIND", "INODE", "", "OWNER", "FOR CHILDREN", "ALSO IN IT"}, func(i int) []any {
		kind := inspect.Kinds[i]
		n := all[kind]
		state := "isolated"
		switch {
		case n.Inode == 0:
			state = "the kernel has none"
		case n.Shared:
			state = "SHARED WITH THE HOST"
		}
		return []any{kind, orDash(n.Inode), state, orDash(n.Owner), orDash(n.ForChildren), cmp.Or(strings.Join(n.SharedWith, ", "), "-")}
	})
}

func orDash[N int | uint64](n N) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func (p printer) processes(v *inspect.Processes) {
	head := []any{"PID", "HOST PID", "PARENT", "USER", "HOST UID", "STATE", "CPU", "MEMORY", "COMMAND"}
	p.table("PROCESSES", len(v.List), "none", head, func(i int) []any {
		q := v.List[i]
		return []any{q.PID, q.HostPID, q.Parent, q.User, q.HostUser, q.State, q.CPU, size(q.Resident), strings.Repeat("  ", q.Depth) + q.Command}
	})
	p.row("PID 1 ignores: " + cmp.Or(strings.Join(v.Ignored, " "), "nothing"))
	p.row("PID 1 catches: " + cmp.Or(strings.Join(v.Caught, " "), "nothing"))
}

// size is a number of bytes in binary units.
func size(bytes uint64) string {
	const units = "KMGTPE"
	n, unit := float64(bytes), -1
	for n >= 1024 && unit < len(units)-1 {
		n, unit = n/1024, unit+1
	}
	if unit < 0 {
		return strconv.FormatUint(bytes, 10)
	}
	return fmt.Sprintf("%.1f%c", n, units[unit])
}

func (p printer) mounts(v *inspect.Mounts) {
	p.table("MOUNTS", len(v.List), "none", []any{"TARGET", "SOURCE", "TYPE", "OPTIONS", "PROPAGATION", ""}, func(i int) []any {
		m := v.List[i]
		source := m.Source
		if m.Root != "/" {
			source += "[" + m.Root + "]"
		}
		var notes []string
		for _, note := range []struct {
			holds bool
			word  string
		}{{m.Overmounted, "hidden"}, {m.AsOnHost, "as on the host"}, {m.FromHost && !m.AsOnHost, "from the host"}} {
			if note.holds {
				notes = append(notes, note.word)
			}
		}
		return []any{strings.Repeat("  ", m.Depth) + m.Target, source, m.Type, m.Options, strings.Join(m.Propagation, ", "), strings.Join(notes, ", ")}
	})
	if len(v.Missing) > 0 {
		p.row(fmt.Sprintf("%d mounts of the host are not here", len(v.Missing)))
	}
}

func (p printer) files(v *inspect.Directory) {
	p.table("FILES OF "+rootfs.Visible(v.Path), len(v.Entries), "none", []any{"NAME", "KIND", "MODE", "UID", "GID", "HOST UID", "SIZE", "LAYER"}, func(i int) []any {
		e := v.Entries[i]
		name := e.Name
		if e.Link != "" {
			name += " -> " + e.Link
		}
		layer := e.Layer
		if e.Mount {
			layer = "(mount)"
		}
		return []any{name, e.Kind, e.Mode, e.UID, e.GID, e.HostUID, e.Size, layer}
	})
	if len(v.Removed) > 0 {
		p.row("removed by the sandbox: " + strings.Join(v.Removed, " "))
	}
}
