package inspect

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Matrix is which processes of the machine hold which namespaces.
type Matrix struct {
	Host   Row   `json:"host"`
	Groups []Row `json:"groups"` // processes with a namespace that is not the host's
	// Denied is how many processes could not be looked at: that needs root.
	Denied int `json:"denied"`
	// Partial tells that there was no time, or no room, for all.
	Partial bool `json:"partial,omitempty"`
}

// Row is processes that are in the same eight namespaces.
type Row struct {
	Name       string             `json:"name"` // of the container, as far as cgroup or command line tell
	PID        int                `json:"pid"`  // the first process
	Count      int                `json:"count"`
	Namespaces [len(Kinds)]uint64 `json:"-"` // inodes, by the order of Kinds
	ByKind     map[string]uint64  `json:"namespaces"`
	Shared     map[string]bool    `json:"shared"` // with the host
}

// mostProcesses is how many processes are looked at: Linux's own limit,
// PID_MAX_LIMIT, is 2^22, the usual one 2^15 or less.
const mostProcesses = 1 << 16

// Matrix looks at every process of the machine. It stops, and says so, when
// the context ends.
func (o *Observer) Matrix(ctx context.Context) (*Matrix, error) {
	pids, more, err := processIDs(mostProcesses)
	if err != nil {
		return nil, failure("list processes", err)
	}
	m := &Matrix{Partial: more}
	for i, kind := range Kinds {
		if m.Host.Namespaces[i], err = ownNamespace(kind); err != nil {
			return nil, failure("read own "+kind+" namespace", err)
		}
	}
	found := scan(ctx, pids)
	m.Denied, m.Partial = found.denied, more || ctx.Err() != nil
	for key, row := range found.rows {
		row.Namespaces = key
		if key == m.Host.Namespaces {
			m.Host = *row
			continue
		}
		row.Name = o.rowName(row)
		m.Groups = append(m.Groups, *row)
	}
	m.Host.Name = "host"
	m.describe()
	return m, nil
}

// describe gives the rows an order and their maps.
func (m *Matrix) describe() {
	slices.SortFunc(m.Groups, func(a, b Row) int { return cmp.Compare(a.PID, b.PID) })
	host := m.Host.Namespaces
	fill := func(r *Row) {
		r.ByKind, r.Shared = make(map[string]uint64, len(Kinds)), make(map[string]bool, len(Kinds))
		for i, kind := range Kinds {
			r.ByKind[kind], r.Shared[kind] = r.Namespaces[i], r.Namespaces[i] == host[i]
		}
	}
	fill(&m.Host)
	for i := range m.Groups {
		fill(&m.Groups[i])
	}
}

// Matrix is the same as the observer's.
func (t *Target) Matrix(ctx context.Context) (*Matrix, error) { return t.observer.Matrix(ctx) }

// Complete fills in who else is in a process's namespaces: other rows, by
// name and first process.
func (m *Matrix) Complete(all Namespaces) {
	own := func(r Row) bool {
		for i, kind := range Kinds {
			if all[kind].Inode != r.Namespaces[i] {
				return false
			}
		}
		return true
	}
	for i, kind := range Kinds {
		n := all[kind]
		if n.Shared {
			continue
		}
		for _, row := range m.Groups {
			if row.Namespaces[i] == n.Inode && !own(row) && len(n.SharedWith) < mostSharers {
				n.SharedWith = append(n.SharedWith, row.Name+" ("+strconv.Itoa(row.PID)+")")
			}
		}
		all[kind] = n
	}
}

// mostSharers is how many others are named at one namespace.
const mostSharers = 20

// found is what a scan has found so far.
type found struct {
	rows   map[[len(Kinds)]uint64]*Row
	denied int
}

// scan reads the namespaces of processes.
func scan(ctx context.Context, pids []int) found {
	parts := inParts(pids, func(pids []int) found { return scanPart(ctx, pids) })
	whole := parts[0]
	for _, part := range parts[1:] {
		whole.merge(part)
	}
	return whole
}

// inParts does the same to parts of a list of processes, on every processor:
// it is what a machine with 20,000 of them waits for.
func inParts[R any](pids []int, do func(pids []int) R) []R {
	const worthIt = 500
	parts := make([]R, min(runtime.GOMAXPROCS(0), 1+len(pids)/worthIt))
	var work sync.WaitGroup
	for i := range parts {
		from, to := len(pids)*i/len(parts), len(pids)*(i+1)/len(parts)
		work.Go(func() { parts[i] = do(pids[from:to]) })
	}
	work.Wait()
	return parts
}

func scanPart(ctx context.Context, pids []int) found {
	part := found{rows: make(map[[len(Kinds)]uint64]*Row)}
	buffer := make([]byte, 64)
	for i, pid := range pids {
		if i%64 == 0 && ctx.Err() != nil {
			break
		}
		key, err := namespacesOf(pid, buffer)
		switch {
		case err == nil:
			part.add(key, pid)
		case err == unix.EACCES || err == unix.EPERM:
			part.denied++
		}
	}
	return part
}

// namespacesOf reads the eight inodes of a process. A kind that the kernel
// does not have is 0; a process that has ended is ENOENT or ESRCH.
func namespacesOf(pid int, buffer []byte) (key [len(Kinds)]uint64, err error) {
	dir, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/ns", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return key, err
	}
	defer unix.Close(dir)
	for i, kind := range Kinds {
		n, err := unix.Readlinkat(dir, kind, buffer)
		if err == unix.ENOENT && kind == "time" {
			continue
		}
		if err != nil {
			return key, err
		}
		if key[i], err = namespaceInode(string(buffer[:n])); err != nil {
			return key, err
		}
	}
	return key, nil
}

func (f *found) add(key [len(Kinds)]uint64, pid int) {
	row := f.rows[key]
	if row == nil {
		row = &Row{PID: pid}
		f.rows[key] = row
	}
	row.PID = min(row.PID, pid)
	row.Count++
}

func (f *found) merge(other found) {
	f.denied += other.denied
	for key, row := range other.rows {
		have := f.rows[key]
		if have == nil {
			f.rows[key] = row
			continue
		}
		have.PID = min(have.PID, row.PID)
		have.Count += row.Count
	}
}
