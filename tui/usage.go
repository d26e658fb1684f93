package tui

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"aquarium/runtime/sandbox"
)

// usage is what a sandbox's processes use.
type usage struct {
	known  bool
	memory uint64        // bytes: of the control group, or else resident
	used   time.Duration // processor time so far
	at     time.Time
	share  float64 // of one processor, since the measurement before
}

// percent is processor use as a whole number; an idle sandbox keeps showing
// the same.
func (u usage) percent() string {
	if !u.known {
		return ""
	}
	return strconv.Itoa(int(u.share*100+0.5)) + "%"
}

func (u usage) size() string {
	if !u.known {
		return ""
	}
	return bytesText(u.memory)
}

// bytesText is a size in at most four characters and a unit of 1024.
func bytesText(n uint64) string {
	if n < 1<<10 {
		return strconv.FormatUint(n, 10)
	}
	value, unit := float64(n), 0
	const units = "KMGTPE"
	for value >= 1000 && unit < len(units) {
		value /= 1 << 10
		unit++
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f%c", value, units[unit-1])
	}
	return fmt.Sprintf("%.0f%c", value, units[unit-1])
}

// measure reads the use of sandboxes: what their control groups count, and
// without those what the first process and all below it use. before is the
// last measurement.
func measure(sandboxes []sandbox.Sandbox, before map[string]usage) map[string]usage {
	var children tree
	after := make(map[string]usage, len(sandboxes))
	for _, sb := range sandboxes {
		u, ok := countedUsage(sb)
		if !ok {
			if children.self == nil {
				children = processTree()
			}
			u = usage{at: time.Now()}
			children.add(&u, sb.PID)
		}
		if last := before[sb.ID]; last.known && u.known && u.at.After(last.at) {
			u.share = max(0, float64(u.used-last.used)/float64(u.at.Sub(last.at)))
		}
		after[sb.ID] = u
	}
	return after
}

// countedUsage is what the sandbox's control groups have counted; ok is false
// where they do not count memory and processor time.
func countedUsage(sb sandbox.Sandbox) (u usage, ok bool) {
	counted := sb.Groups.Usage()
	if counted.Memory < 0 || counted.CPU < 0 {
		return u, false
	}
	return usage{known: true, memory: uint64(counted.Memory), used: time.Duration(counted.CPU) * time.Microsecond, at: time.Now()}, true
}

// process is one line of the process table.
type process struct {
	pid, parent  int
	ticks, pages uint64
}

// tree is the process table by parent, and by number under its own key.
type tree struct {
	self     map[int]process
	children map[int][]int
}

// processTree reads the process table once, for all sandboxes. Few kernels
// have /proc/PID/task/TID/children, and asking each process costs more.
func processTree() tree {
	t := tree{map[int]process{}, map[int][]int{}}
	dir, err := os.Open("/proc")
	if err != nil {
		return t
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	buffer := make([]byte, 1024)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		p, ok := parseStat(readSmall("/proc/"+name+"/stat", buffer))
		if !ok {
			continue
		}
		p.pid = pid
		t.self[pid] = p
		t.children[p.parent] = append(t.children[p.parent], pid)
	}
	return t
}

// readSmall reads a file that fits the buffer, without the costs of package os.
func readSmall(path string, buffer []byte) string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buffer)
	if err != nil {
		return ""
	}
	return string(buffer[:n])
}

// add counts a process and all below it. The table was not read at one
// instant, so a process may seem to be its own ancestor: each counts once.
func (t tree) add(u *usage, pid int) {
	p, ok := t.self[pid]
	if !ok {
		return
	}
	delete(t.self, pid)
	u.known = true
	u.used += time.Duration(p.ticks) * time.Second / clockTicks
	u.memory += p.pages * uint64(unix.Getpagesize())
	for _, child := range t.children[pid] {
		t.add(u, child)
	}
}

// clockTicks is USER_HZ, which Linux has fixed at 100 for every architecture
// that Go runs on.
const clockTicks = 100

// parseStat reads the parent, processor time (utime and stime, in clock ticks)
// and resident pages from /proc/PID/stat: fields 4, 14, 15 and 24 of
// proc_pid_stat(5).
func parseStat(stat string) (process, bool) {
	end := strings.LastIndexByte(stat, ')') // the command may hold anything
	if end < 0 {
		return process{}, false
	}
	const afterCommand = 3 // number of the first field after it
	fields := strings.Fields(stat[end+1:])
	if len(fields) <= 24-afterCommand {
		return process{}, false
	}
	var values [4]uint64
	for i, number := range []int{4, 14, 15, 24} {
		value, err := strconv.ParseUint(fields[number-afterCommand], 10, 64)
		if err != nil {
			return process{}, false
		}
		values[i] = value
	}
	return process{parent: int(values[0]), ticks: values[1] + values[2], pages: values[3]}, true
}
