package main

import (
	"cmp"
	"fmt"
	"strings"

	"aquarium/rootfs"
	"aquarium/runtime/inspect"
)

func (p printer) network(v *inspect.Network) {
	p.table("INTERFACES", len(v.Interfaces), "none", []any{"NAME", "KIND", "STATE", "FLAGS", "MTU", "HARDWARE", "ADDRESSES"}, func(n int) []any {
		i := v.Interfaces[n]
		var addresses []string
		for _, a := range i.Addresses {
			addresses = append(addresses, a.Prefix)
		}
		return []any{i.Name, i.Kind, i.State, strings.Join(i.Flags, ","), i.MTU, cmp.Or(i.Hardware, "-"), strings.Join(addresses, " ")}
	})
	p.table("ROUTES", len(v.Routes), "none", []any{"DESTINATION", "GATEWAY", "INTERFACE", "TYPE", "TABLE", "PROTOCOL", "SCOPE", "SOURCE"}, func(n int) []any {
		r := v.Routes[n]
		return []any{r.Destination, cmp.Or(r.Gateway, "-"), cmp.Or(r.Interface, "-"), r.Type, r.Table, r.Protocol, r.Scope, cmp.Or(r.Source, "-")}
	})
	p.table("NEIGHBOURS", len(v.Neighbours), "none", []any{"ADDRESS", "HARDWARE", "INTERFACE", "STATE"}, func(n int) []any {
		m := v.Neighbours[n]
		return []any{m.Address, cmp.Or(m.Hardware, "-"), m.Interface, m.State}
	})
	p.table("SOCKETS", len(v.Sockets), "none", []any{"PROTOCOL", "STATE", "LOCAL", "REMOTE", "HOST PID", "PROCESS"}, func(n int) []any {
		s := v.Sockets[n]
		return []any{s.Protocol, s.State, cmp.Or(s.Local, "-"), cmp.Or(s.Remote, "-"), orDash(s.HostPID), s.Command}
	})
	p.table("WAY OUT", len(v.WayOut), "none", nil, func(n int) []any {
		h := v.WayOut[n]
		return []any{map[bool]string{true: "✓", false: "✗"}[h.OK], h.What, h.Detail}
	})
	p.row("forwards IPv4: "+onOff(v.Forwarding.IPv4), "IPv6: "+onOff(v.Forwarding.IPv6))
	p.Flush()
}

func onOff(b *bool) string {
	switch {
	case b == nil:
		return "unknown"
	case *b:
		return "yes"
	}
	return "no"
}

func (p printer) ipc(v *inspect.IPC) {
	p.title("HOSTNAME AND IPC")
	p.row("hostname", v.Hostname)
	p.row("domain", v.Domain)
	p.Flush()
	head := func(more ...any) []any { return append([]any{"KEY", "ID", "MODE", "OWNER"}, more...) }
	object := func(o inspect.Object, more ...any) []any {
		return append([]any{fmt.Sprintf("%#x", uint32(o.Key)), o.ID, o.Mode, o.Owner}, more...)
	}
	p.table("SYSTEM V QUEUES", len(v.Queues), "none", head("BYTES", "MESSAGES"), func(i int) []any {
		return object(v.Queues[i].Object, v.Queues[i].Bytes, v.Queues[i].Messages)
	})
	p.table("SYSTEM V SEMAPHORES", len(v.Semaphores), "none", head("SEMAPHORES"), func(i int) []any {
		return object(v.Semaphores[i].Object, v.Semaphores[i].Semaphores)
	})
	p.table("SYSTEM V SHARED MEMORY", len(v.SharedMemory), "none", head("BYTES", "ATTACHED", "CREATOR"), func(i int) []any {
		m := v.SharedMemory[i]
		return object(m.Object, m.Bytes, m.Attached, m.Creator)
	})
	p.table("POSIX QUEUES", len(v.PosixQueues), "none", []any{"NAME", "BYTES"}, func(i int) []any {
		return []any{v.PosixQueues[i].Name, v.PosixQueues[i].Bytes}
	})
}

func (p printer) users(v *inspect.Users) {
	p.title("USERS")
	p.row("user inside", v.UID, "on the host", v.HostUID)
	p.row("group inside", v.GID, "on the host", v.HostGID)
	p.row("other groups", fmt.Sprint(v.Groups))
	p.row("setgroups", v.SetGroups)
	p.row("no_new_privs", v.NoNewPrivs)
	p.row("seccomp", fmt.Sprintf("%s, %d filters", v.Seccomp, v.SeccompFilters))
	p.row("security label", cmp.Or(v.Label, "none"))
	p.row("traced by", orDash(v.Tracer))
	p.Flush()
	for _, m := range []struct {
		title  string
		ranges []inspect.Range
	}{{"UID MAP", v.UIDs}, {"GID MAP", v.GIDs}} {
		p.table(m.title, len(m.ranges), "none: every id is 65534", []any{"INSIDE", "", "HOST", "COUNT"}, func(i int) []any {
			r := m.ranges[i]
			return []any{span(r.Inside, r.Count), "=", span(r.Outside, r.Count), r.Count}
		})
	}
	p.title("CAPABILITIES")
	for _, set := range []struct {
		name  string
		names []string
	}{{"permitted", v.Permitted}, {"effective", v.Effective}, {"inheritable", v.Inheritable}, {"bounding", v.Bounding}, {"ambient", v.Ambient}} {
		p.row(set.name, cmp.Or(strings.Join(set.names, " "), "none"))
	}
	p.Flush()
}

func span(from, count int) string {
	if count == 1 {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d…%d", from, from+count-1)
}

func (p printer) limits(v *inspect.Limits) {
	p.table("CGROUPS", len(v.Cgroups), "none", []any{"VERSION", "CONTROLLERS", "", "PATH"}, func(i int) []any {
		g := v.Cgroups[i]
		whose := "own"
		if g.Shared {
			whose = "SHARED WITH THE HOST"
		}
		return []any{g.Version, cmp.Or(strings.Join(g.Controllers, ","), "-"), whose, g.Path}
	})
	u := v.Usage()
	p.title("USE")
	p.row("memory", amount(u.Memory, bytesOf), "of", amount(u.MemoryLimit, bytesOf))
	p.row("", "at most so far", "", amount(u.MemoryPeak, bytesOf))
	if u.OOMKills > 0 {
		p.row("", "out of memory", "", fmt.Sprintf("%d killed", u.OOMKills))
	}
	p.row("tasks", amount(u.Tasks, plain), "of", amount(u.TasksLimit, plain))
	processors := "unlimited"
	if u.CPULimit > 0 {
		processors = fmt.Sprintf("%.2f processors", u.CPULimit)
	}
	p.row("cpu", amount(u.CPU, seconds), "of", processors)
	p.Flush()
	p.title("WHEN MEMORY RUNS OUT")
	p.row("oom score", fmt.Sprintf("%+d", v.OOMScore))
	p.Flush()
	p.table("RESOURCE LIMITS", len(v.Resources), "none", []any{"NAME", "SOFT", "HARD", "UNIT"}, func(i int) []any {
		r := v.Resources[i]
		return []any{r.Name, r.Soft, r.Hard, r.Unit}
	})
}

// amount words a number of which -1 is none.
func amount(n int64, word func(int64) string) string {
	if n < 0 {
		return "unlimited or unknown"
	}
	return word(n)
}

func bytesOf(n int64) string { return size(uint64(n)) }
func plain(n int64) string   { return fmt.Sprint(n) }
func seconds(n int64) string { return fmt.Sprintf("%.1f s", float64(n)/1e6) }

func (p printer) environment(v *inspect.Environment) {
	p.title("ENVIRONMENT")
	p.row("executable", v.Executable)
	p.row("working directory", v.Cwd)
	p.row("root", v.Root)
	p.Flush()
	for i, argument := range v.Arguments {
		p.row(fmt.Sprintf("argument %d", i), argument)
	}
	p.Flush()
	p.title("VARIABLES")
	for _, variable := range v.Variables {
		fmt.Fprintln(p, "  "+rootfs.Visible(variable))
	}
	p.table("DESCRIPTORS", len(v.Descriptors), "none", []any{"NUMBER", "ACCESS", "TARGET"}, func(i int) []any {
		d := v.Descriptors[i]
		return []any{d.Number, d.Flags, d.Target}
	})
}
