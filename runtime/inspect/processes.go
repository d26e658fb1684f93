package inspect

import (
	"cmp"
	"context"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Process is one process, as its pid namespace numbers it and as the host does.
type Process struct {
	PID       int           `json:"pid"` // inside
	HostPID   int           `json:"hostPid"`
	Parent    int           `json:"ppid"`  // inside; 0 where the parent is outside
	Depth     int           `json:"depth"` // in the tree, 0 at the top
	State     string        `json:"state"` // in a word: "running", "sleeping", "zombie", …
	User      string        `json:"user"`  // inside: "root" for 0, the number otherwise
	HostUser  int           `json:"hostUser"`
	CPU       time.Duration `json:"-"` // that it has used since its start
	CPUMillis int64         `json:"cpuMillis"`
	Started   time.Time     `json:"started"`
	Resident  uint64        `json:"resident"` // bytes
	Threads   int           `json:"threads"`
	Command   string        `json:"command"`          // arguments with blanks between; [name] where there are none
	More      bool          `json:"more,omitempty"`   // the command line is longer
	Nested    bool          `json:"nested,omitempty"` // in a pid namespace further down

	parent int // as the host numbers it
}

// Processes is the view of a pid namespace.
type Processes struct {
	List []Process `json:"list"` // as a tree: each followed by its children
	// Signals of PID 1 that it ignores, and for which it has a handler. Others
	// that come from inside it never gets; see pid_namespaces(7).
	Ignored []string `json:"ignored"`
	Caught  []string `json:"caught"`
	Denied  int      `json:"denied,omitempty"` // how many could not be looked at
	Partial bool     `json:"partial,omitempty"`

	denied []int // processes that may be in it or not
}

// Processes lists what runs in the process's pid namespace and in those below
// it. When the context ends it returns what it has, and says so.
func (t *Target) Processes(ctx context.Context) (*Processes, error) {
	scope, err := t.pidScope()
	if err != nil {
		return nil, t.failure("list processes", err)
	}
	pids, more, err := processIDs(mostProcesses)
	if err != nil {
		return nil, failure("list processes", err)
	}
	view := scope.processes(ctx, t.observer, pids)
	view.Partial = view.Partial || more
	view.List = tree(view.List)
	view.signals(t.observer)
	return view, nil
}

// processes reads many processes, on every processor.
func (s *pidScope) processes(ctx context.Context, o *Observer, pids []int) *Processes {
	parts := inParts(pids, func(pids []int) *Processes {
		own := *s // each part learns by itself which namespaces are below
		own.below = maps.Clone(s.below)
		part := new(Processes)
		for _, pid := range pids {
			if ctx.Err() != nil {
				part.Partial = true
				break
			}
			p, ok, err := own.process(o, pid)
			if err == unix.EACCES || err == unix.EPERM {
				part.denied = append(part.denied, pid)
			}
			if ok {
				part.List = append(part.List, p)
			}
		}
		return part
	})
	whole := &Processes{List: []Process{}, Ignored: []string{}, Caught: []string{}}
	for _, part := range parts {
		whole.List = append(whole.List, part.List...)
		whole.denied = append(whole.denied, part.denied...)
		whole.Partial = whole.Partial || part.Partial
	}
	whole.countDenied(o)
	return whole
}

// countDenied counts the children of what is listed: other users' processes
// in namespaces of their own are none of this one's.
func (p *Processes) countDenied(o *Observer) {
	listed := make(map[int]bool, len(p.List))
	for _, process := range p.List {
		listed[process.HostPID] = true
	}
	for _, pid := range p.denied {
		t, err := o.Open(pid)
		if err != nil {
			continue
		}
		if st, err := t.stat(); err == nil && listed[st.parent] {
			p.Denied++
		}
		t.Close()
	}
}

// pidScope tells which processes a pid namespace sees, and by which numbers.
type pidScope struct {
	whole bool   // all of this /proc's
	inode uint64 // of the namespace
	level int    // index of its numbers in NSpid
	below map[uint64]bool
	users idMap
	boot  time.Time
	page  uint64
}

func (t *Target) pidScope() (*pidScope, error) {
	link, err := t.link("ns/pid")
	if err != nil {
		return nil, err
	}
	s := &pidScope{boot: bootTime(), page: uint64(os.Getpagesize())}
	if s.inode, err = namespaceInode(link); err != nil {
		return nil, err
	}
	own, err := ownNamespace("pid")
	if err != nil {
		return nil, err
	}
	st, err := t.status()
	if err != nil {
		return nil, err
	}
	s.whole, s.level = s.inode == own, len(st.pids)-1
	s.below = map[uint64]bool{s.inode: true}
	content, err := t.text("uid_map")
	if err != nil {
		return nil, err
	}
	s.users, err = parseIDMap(content)
	return s, err
}

// process reads one process; ok is false where the namespace does not see it.
func (s *pidScope) process(o *Observer, pid int) (p Process, ok bool, err error) {
	dir, err := unix.Open("/proc/"+strconv.Itoa(pid), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return p, false, err
	}
	t := Target{PID: pid, dir: dir, observer: o}
	defer t.Close()
	status, err := t.status()
	if err != nil || len(status.pids) <= s.level {
		return p, false, err
	}
	nested := false
	if !s.whole {
		if nested, ok, err = s.sees(&t); !ok {
			return p, false, err
		}
	}
	st, err := t.stat()
	if err != nil {
		return p, false, err
	}
	p = s.describe(st, status)
	p.Nested = nested
	p.Command, p.More = t.commandLine(st)
	return p, true, nil
}

// sees tells whether a process is in the namespace, or in one below it.
// A zombie has left all its namespaces but this one.
func (s *pidScope) sees(t *Target) (nested, ok bool, err error) {
	link, err := t.link("ns/pid")
	if err != nil {
		return false, false, err
	}
	number, err := namespaceInode(link)
	if err != nil {
		return false, false, err
	}
	seen, known := s.below[number]
	if !known {
		seen = s.isBelow(t)
		s.below[number] = seen
	}
	return number != s.inode, seen, nil
}

// isBelow walks up from a process's pid namespace; see ioctl_ns(2).
func (s *pidScope) isBelow(t *Target) bool {
	file, err := t.OpenNamespace("pid")
	if err != nil {
		return false
	}
	fd := int(file.Fd())
	defer file.Close()
	const deepest = 32 // MAX_PID_NS_LEVEL
	for range deepest {
		parent, err := unix.IoctlRetInt(fd, unix.NS_GET_PARENT)
		if err != nil {
			return false
		}
		defer unix.Close(parent)
		if number, err := inode(parent); err == nil && number == s.inode {
			return true
		}
		fd = parent
	}
	return false
}

func (s *pidScope) describe(st stat, status status) Process {
	started := time.Duration(st.start) * (time.Second / ticks)
	inside := status.pids[s.level]
	return Process{
		PID: inside, HostPID: st.pid, parent: st.parent,
		State: stateWord(st.state), User: s.users.name(status.uids[1]), HostUser: status.uids[1],
		CPU: st.cpu, CPUMillis: st.cpu.Milliseconds(), Started: s.boot.Add(started),
		Resident: st.rss * s.page, Threads: st.threads,
	}
}

// commandLine is the command line for people: the name in brackets where
// there is none, as ps(1) shows it.
func (t *Target) commandLine(st stat) (line string, more bool) {
	if st.state == zombie || st.flags&flagKernThread != 0 {
		return "[" + st.name + "]", false
	}
	arguments, more, err := t.command()
	if err != nil || len(arguments) == 0 {
		return "[" + st.name + "]", false
	}
	return strings.Join(arguments, " "), more
}

// bootTime is when the machine's boot clock began; see proc_uptime(5).
func bootTime() time.Time {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(now.Nano()))
}

// tree puts each process behind its parent, and gives it its depth. Parents
// that are not in the list make their children tops.
func tree(list []Process) []Process {
	slices.SortFunc(list, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
	children, inside := make(map[int][]int), make(map[int]int)
	for _, p := range list {
		inside[p.HostPID] = p.PID
	}
	var tops []int
	for i, p := range list {
		number, ok := inside[p.parent]
		list[i].Parent = number
		if ok && p.parent != p.HostPID {
			children[p.parent] = append(children[p.parent], i)
		} else {
			tops = append(tops, i)
		}
	}
	ordered := make([]Process, 0, len(list))
	walk(tops, func(i, depth int) []int {
		p := list[i]
		p.Depth = depth
		ordered = append(ordered, p)
		return children[p.HostPID]
	})
	return ordered
}

// signals reads what PID 1 does with signals.
func (p *Processes) signals(o *Observer) {
	first := slices.IndexFunc(p.List, func(p Process) bool { return p.PID == 1 && !p.Nested })
	if first < 0 {
		return
	}
	t, err := o.Open(p.List[first].HostPID)
	if err != nil {
		return
	}
	defer t.Close()
	if st, err := t.status(); err == nil {
		p.Ignored, p.Caught = signalNames(st.ignored), signalNames(st.caught)
	}
}

// signalNames names the signals of a mask; bit 0 is signal 1.
func signalNames(mask uint64) []string {
	names := []string{}
	for number := 1; number <= 64; number++ {
		if mask&(1<<(number-1)) == 0 {
			continue
		}
		name := unix.SignalName(unix.Signal(number))
		if name == "" {
			name = "SIG" + strconv.Itoa(number)
		}
		names = append(names, name)
	}
	return names
}
