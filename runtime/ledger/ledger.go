// Package ledger keeps the list of what a launch makes outside the sandbox's
// own namespaces: directories, mounts, cgroups, network links. Each is
// written down before it is made and ticked off once it is undone, so that
// whatever is killed in between, the next command knows what may be left.
//
// The list is a file of lines, only ever appended to, each with one write:
//
//	+cgroup "/sys/fs/cgroup/aquarium/4be1"      it will be made
//	-cgroup "/sys/fs/cgroup/aquarium/4be1"      it is gone
//
// It lies in the sandbox's running directory and goes with it. That directory
// needs no line: the ledger itself shows that it is there. Nothing on the list
// outlives a restart of the machine but directories of the bundle, which are
// found by their names.
//
// The package imports only the standard library; package reexec says why.
package ledger

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// FileName is the ledger's name in a sandbox's running directory.
const FileName = "ledger"

// Kind is what sort of thing an entry names, which decides how it is undone.
type Kind string

// The kinds, and what the name of an entry is.
const (
	Dir     Kind = "dir"     // absolute path of a tree
	Name    Kind = "name"    // sandbox name, held by a symlink
	Mount   Kind = "mount"   // absolute path of a mount point
	Cgroup  Kind = "cgroup"  // absolute path of a cgroup's directory
	Link    Kind = "link"    // network interface of the host
	Rules   Kind = "rules"   // nftables table or chain
	Address Kind = "address" // IP address taken from a range
	Process Kind = "process" // helper, as "PID START", see proc_pid_stat(5)
)

// Entry is one thing outside the sandbox.
type Entry struct {
	Kind Kind
	Name string
}

func (e Entry) String() string { return string(e.Kind) + " " + e.Name }

// Ledger is an open list. Several processes may have the same one open.
type Ledger struct{ file *os.File }

// Open opens the ledger in a sandbox's running directory, and makes it when
// there is none.
func Open(dir string) (*Ledger, error) { return open(dir, os.O_CREATE) }

// OpenExisting is Open where there is one, and fs.ErrNotExist otherwise.
func OpenExisting(dir string) (*Ledger, error) { return open(dir, 0) }

func open(dir string, flags int) (*Ledger, error) {
	file, err := os.OpenFile(dir+"/"+FileName, flags|os.O_RDWR|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	return &Ledger{file}, nil
}

// Close closes the file.
func (l *Ledger) Close() error { return l.file.Close() }

// Will writes down that a thing is about to be made. Where that cannot be
// written, the thing must not be made.
func (l *Ledger) Will(kind Kind, name string) error { return l.WillAll(Entry{kind, name}) }

// WillAll is Will for several things with one write.
func (l *Ledger) WillAll(entries ...Entry) error { return l.write('+', entries) }

// Done ticks off a thing that is gone.
func (l *Ledger) Done(kind Kind, name string) error { return l.write('-', []Entry{{kind, name}}) }

// write appends one line for each entry. A line begins with the end of the one
// before, which a full disk may have cut.
func (l *Ledger) write(mark byte, entries []Entry) error {
	var lines []byte
	for _, e := range entries {
		lines = append(append(lines, '\n', mark), e.Kind...)
		lines = strconv.AppendQuote(append(lines, ' '), e.Name)
	}
	_, err := l.file.Write(append(lines, '\n'))
	return err
}

// maxSize bounds what is read of a ledger, in bytes: a launch writes some
// hundred.
const maxSize = 1 << 20

// Left lists what may still be there, in the order it was written down. Lines
// that are none of ours, or not whole, are passed over: what they were to name
// was never made.
func (l *Ledger) Left() ([]Entry, error) {
	text, err := l.read()
	return parse(text), err
}

// Damaged tells whether lines are passed over, or none is ours: of what may
// still be there something may have been lost.
func (l *Ledger) Damaged() (bool, error) {
	text, err := l.read()
	ours := false
	for line := range strings.SplitSeq(text, "\n") {
		_, _, ok := parseLine(line)
		if !ok && line != "" {
			return true, err
		}
		ours = ours || ok
	}
	return !ours, err
}

func (l *Ledger) read() (string, error) {
	info, err := l.file.Stat()
	if err != nil {
		return "", err
	}
	text := make([]byte, min(info.Size(), maxSize))
	n, err := l.file.ReadAt(text, 0)
	if n < len(text) {
		return "", err
	}
	return string(text), nil
}

func parse(text string) []Entry {
	var written []Entry
	at := make(map[Entry]int) // what is left, where in written it is
	for line := range strings.SplitSeq(text, "\n") {
		mark, e, ok := parseLine(line)
		if !ok {
			continue
		}
		delete(at, e)
		if mark == '+' {
			at[e] = len(written)
			written = append(written, e)
		}
	}
	var left []Entry
	for i, e := range written {
		if latest, ok := at[e]; ok && latest == i {
			left = append(left, e)
		}
	}
	return left
}

func parseLine(line string) (mark byte, e Entry, ok bool) {
	if line == "" || line[0] != '+' && line[0] != '-' {
		return 0, e, false
	}
	kind, quoted, _ := strings.Cut(line[1:], " ")
	name, err := strconv.Unquote(quoted)
	if err != nil || kind == "" || name == "" || quoted[0] != '"' {
		return 0, e, false
	}
	return line[0], Entry{Kind(kind), name}, true
}
