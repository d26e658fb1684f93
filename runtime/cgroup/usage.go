package cgroup

import (
	"os"
	"strconv"
	"strings"
)

// Usage is what a sandbox's processes use together; -1 is unknown.
type Usage struct {
	Memory int64 // bytes that cannot be given up: the processes' own, and files in memory filesystems
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

// memory is from memory.stat. (memory.current, and usage_in_bytes of version 1,
// count what the kernel has cached of files, and go up and down in a sandbox in
// which nothing happens.)
func (g Group) memory() int64 {
	own, shared := "anon", "shmem"
	if g.Version == V1 {
		own, shared = "total_rss", "total_shmem"
	}
	stat := g.fields("memory.stat")
	used, known := stat[own]
	if !known {
		return -1
	}
	return used + stat[shared]
}

func (g Group) cpu() int64 {
	if g.Version == V2 {
		if used, known := g.fields("cpu.stat")["usage_usec"]; known {
			return used
		}
		return -1
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
	return g.fields(file)["oom_kill"]
}

// MemoryLimit is how many bytes the sandbox may have; 0 is no limit.
func (gs Groups) MemoryLimit() int64 {
	g, ok := gs.Of(memory)
	if !ok {
		return 0
	}
	file := "memory.max"
	if g.Version == V1 {
		file = "memory.limit_in_bytes"
	}
	const none = 1 << 60 // without one version 1 has the largest multiple of a page
	if limit := g.number(file); limit < none {
		return max(0, limit)
	}
	return 0
}

// number reads a file that holds one; -1 where there is none.
func (g Group) number(file string) int64 {
	content, err := os.ReadFile(g.Directory() + "/" + file)
	if err != nil {
		return -1
	}
	if n, ok := amount(strings.TrimSpace(string(content))); ok {
		return n
	}
	return -1
}

// amount reads a number that is small enough to be added to another one; the
// kernel writes larger ones for no limit only.
func amount(text string) (n int64, ok bool) {
	const bits = 62
	u, err := strconv.ParseUint(text, 10, bits)
	return int64(u), err == nil
}

// fields reads a file with lines "NAME NUMBER"; what is not like that is left
// out.
func (g Group) fields(file string) map[string]int64 {
	content, err := os.ReadFile(g.Directory() + "/" + file)
	if err != nil {
		return nil
	}
	fields := make(map[string]int64)
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, ok := amount(value); ok {
			fields[name] = n
		}
	}
	return fields
}
