package inspect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Mount is one mount of a mount namespace; see proc_pid_mountinfo(5).
type Mount struct {
	ID          int      `json:"id"`
	Parent      int      `json:"parent"`
	Depth       int      `json:"depth"`  // in the tree, 0 at the top
	Target      string   `json:"target"` // as the process sees it
	Source      string   `json:"source"`
	Root        string   `json:"root"`   // directory of the filesystem that is mounted
	Device      string   `json:"device"` // major:minor
	Type        string   `json:"type"`
	Options     string   `json:"options"`      // of this mount
	Super       string   `json:"superOptions"` // of the filesystem
	Propagation []string `json:"propagation"`  // in words: "private", "shared in group 5", "slave of group 2"
	Overmounted bool     `json:"overmounted"`  // another mount lies on top, and hides it
	FromHost    bool     `json:"fromHost"`     // the host has this filesystem mounted too
	AsOnHost    bool     `json:"asOnHost"`     // and it has the same directory of it at the same target
}

// Mounts is the view of a mount namespace.
type Mounts struct {
	List []Mount `json:"list"` // as a tree: each followed by what is mounted below it
	// Missing are the targets that the host has and this namespace has not.
	Missing []string `json:"missing,omitempty"`
	// Unreadable counts lines that are longer than what is read, Partial that
	// there are more mounts than what is read.
	Unreadable int  `json:"unreadable,omitempty"`
	Partial    bool `json:"partial,omitempty"`
}

// mostMounts bounds a mount table; the kernel's own bound is
// /proc/sys/fs/mount-max, 100,000 for each namespace unless changed.
const mostMounts = 200_000

// Mounts lists what the process sees mounted, and how that differs from host.
// When the context ends it returns what it has.
func (t *Target) Mounts(ctx context.Context) (*Mounts, error) {
	view, err := t.mountTable(ctx)
	if err != nil {
		return nil, t.failure("list mounts", err)
	}
	view.List = mountTree(view.List)
	host, err := t.observer.Host()
	if err != nil {
		return view, nil
	}
	defer host.Close()
	theirs, err := host.mountTable(ctx)
	if err != nil {
		return view, nil
	}
	view.compare(theirs.List)
	return view, nil
}

func (t *Target) mountTable(ctx context.Context) (*Mounts, error) {
	fd, err := unix.Openat(t.dir, "mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == unix.EINVAL { // a zombie has no mounts
		err = unix.ESRCH
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	content, more, err := readTable(ctx, fd)
	if err != nil {
		return nil, err
	}
	view, err := parseMounts(ctx, content)
	if err != nil {
		return nil, err
	}
	view.Partial = view.Partial || more || ctx.Err() != nil
	return view, nil
}

// mountPatience bounds the reading of one mount table. The kernel walks from
// each mount up to the root to write its path: where a sandbox has stacked
// 50,000 mounts on each other, that takes it 15 seconds.
const mountPatience = 400 * time.Millisecond

// readTable reads whole lines of a mount table as long as there is time, and
// tells whether there is more. Pieces are small, so that none takes long.
func readTable(ctx context.Context, fd int) (content []byte, more bool, err error) {
	end := time.Now().Add(mountPatience)
	piece := make([]byte, 16<<10)
	for len(content) < mostTable {
		if ctx.Err() != nil || time.Now().After(end) {
			whole := bytes.LastIndexByte(content, '\n') + 1
			return content[:whole], true, nil
		}
		n, err := unix.Read(fd, piece)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, false, err
		case n == 0:
			return content, false, nil
		}
		content = append(content, piece[:n]...)
	}
	return content[:bytes.LastIndexByte(content, '\n')+1], true, nil
}

// parseMounts reads a mount table.
func parseMounts(ctx context.Context, content []byte) (*Mounts, error) {
	view := new(Mounts)
	table := &mountLines{rest: content, view: view}
	infos, err := mountinfo.GetMountsFromReader(table, func(*mountinfo.Info) (skip, stop bool) {
		return false, ctx.Err() != nil || table.taken > mostMounts
	})
	if err != nil {
		return nil, errors.Join(errFormat, err)
	}
	view.List = make([]Mount, len(infos))
	for i, info := range infos {
		view.List[i] = newMount(info)
	}
	return view, nil
}

// mountLines feeds the parser lines that are short enough for it: it stops at
// a long one.
type mountLines struct {
	rest  []byte
	line  []byte
	taken int
	view  *Mounts
}

// mostMountLine is what the parser takes, bufio.MaxScanTokenSize, and a bit less.
const mostMountLine = 60 << 10

func (m *mountLines) Read(p []byte) (int, error) {
	for len(m.line) == 0 {
		if len(m.rest) == 0 {
			return 0, io.EOF
		}
		m.next()
	}
	n := copy(p, m.line)
	m.line = m.line[n:]
	return n, nil
}

func (m *mountLines) next() {
	line, rest, _ := bytes.Cut(m.rest, []byte{'\n'})
	m.rest = rest
	m.taken++
	if m.taken > mostMounts {
		m.view.Partial, m.rest = true, nil
		return
	}
	if len(line) > mostMountLine {
		// What is long is either the superblock's options, which come last, or
		// the path of a deep directory, without which the line tells nothing.
		line = line[:mostMountLine]
		_, behind, ok := bytes.Cut(line, []byte(" - "))
		if !ok || bytes.Count(behind, []byte{' '}) < 2 {
			m.view.Unreadable++
			return
		}
	}
	m.line = append(append(m.line[:0], line...), '\n')
}

func newMount(info *mountinfo.Info) Mount {
	return Mount{
		ID: info.ID, Parent: info.Parent, Target: info.Mountpoint, Source: info.Source, Root: info.Root,
		Device: strconv.Itoa(info.Major) + ":" + strconv.Itoa(info.Minor), Type: info.FSType,
		Options: info.Options, Super: info.VFSOptions, Propagation: propagation(info.Optional),
	}
}

// propagation words the optional fields of mountinfo; see "SHARED SUBTREES" in
// mount_namespaces(7).
func propagation(optional string) []string {
	var words []string
	for _, field := range strings.Fields(optional) {
		tag, group, _ := strings.Cut(field, ":")
		switch tag {
		case "shared":
			words = append(words, "shared in group "+group)
		case "master":
			words = append(words, "slave of group "+group)
		case "propagate_from":
			words = append(words, "gets from group "+group)
		case "unbindable":
			words = append(words, "unbindable")
		}
	}
	if words == nil {
		words = []string{"private"}
	}
	return words
}

// mountTree puts each mount behind the one it is on, marks what is hidden,
// and gives depths. A parent outside of what the process sees makes a top.
func mountTree(list []Mount) []Mount {
	at := make(map[int]int, len(list))
	for i, m := range list {
		at[m.ID] = i
	}
	children := make(map[int][]int)
	var tops []int
	for i, m := range list {
		parent, ok := at[m.Parent]
		if !ok || parent == i {
			tops = append(tops, i)
			continue
		}
		children[m.Parent] = append(children[m.Parent], i)
		if list[parent].Target == m.Target {
			list[parent].Overmounted = true
		}
	}
	ordered := make([]Mount, 0, len(list))
	walk(tops, func(i, depth int) []int {
		m := list[i]
		m.Depth = depth
		ordered = append(ordered, m)
		return children[m.ID]
	})
	return ordered
}

// compare marks what the host has mounted too, and lists what only it has.
func (v *Mounts) compare(host []Mount) {
	type place struct{ device, root, target string }
	devices, places := make(map[string]bool), make(map[place]bool)
	for _, m := range host {
		devices[m.Device] = true
		places[place{m.Device, m.Root, m.Target}] = true
	}
	here := make(map[string]bool)
	for i := range v.List {
		m := &v.List[i]
		m.FromHost = devices[m.Device]
		m.AsOnHost = places[place{m.Device, m.Root, m.Target}]
		here[m.Target] = true
	}
	for _, m := range host {
		if !here[m.Target] && len(v.Missing) < mostMissing {
			v.Missing = append(v.Missing, m.Target)
			here[m.Target] = true
		}
	}
}

// mostMissing is how many of the host's mounts are listed as not here.
const mostMissing = 1000
