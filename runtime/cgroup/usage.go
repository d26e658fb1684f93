package cgroup

import (
	"os"
	"strconv"
	"strings"
)

// Usage is what a sandbox's processes use together; -1 is unknown.
type Usage struct {
	Memory int64 // bytes, without what the kernel caches of files and can give up at once
	CPU    int64 // microseconds of processor time so far
}

// Usage reads what is used.
func (gs Groups) Usage() Usage {
	u := Usage{-1, -1}
	if g, ok := gs.Of(memory); ok {
		u.Memory = g.memory()
	}
	if g, ok := gs.Of(cpuacct); ok {
		u.CPU = g.cpu()
	}
	return u
}

func (g Group) memory() int64 {
	current, cached := "memory.current", "inactive_file"
	if g.Version == V1 {
		current, cached = "memory.usage_in_bytes", "total_inactive_file"
	}
	used := g.number(current)
	if used < 0 {
		return used
	}
	return max(0, used-max(0, g.field("memory.stat", cached)))
}

func (g Group) cpu() int64 {
	if g.Version == V2 {
		return g.field("cpu.stat", "usage_usec")
	}
	const micro = 1000 // nanoseconds
	if nanos := g.number("cpuacct.usage"); nanos >= 0 {
		return nanos / micro
	}
	return -1
}

// OOMKills counts the processes that the kernel has killed because the
// sandbox had no memory left.
func (gs Groups) OOMKills() int64 {
	g, ok := gs.Of(memory)
	if !ok {
		return 0
	}
	file := "memory.events"
	if g.Version == V1 {
		file = "memory.oom_control"
	}
	return max(0, g.field(file, "oom_kill"))
}

// number reads a file that holds one; -1 where there is none.
func (g Group) number(file string) int64 {
	content, err := os.ReadFile(g.Directory() + "/" + file)
	if err != nil {
		return -1
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// field reads a number out of a file with lines "NAME NUMBER"; -1 where there
// is none.
func (g Group) field(file, name string) int64 {
	content, err := os.ReadFile(g.Directory() + "/" + file)
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(content)) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" ")
		if n, err := strconv.ParseInt(value, 10, 64); ok && err == nil {
			return n
		}
	}
	return -1
}
