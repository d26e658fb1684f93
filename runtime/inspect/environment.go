package inspect

import (
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Environment is the view of what the process was given and has open.
type Environment struct {
	Variables   []string     `json:"variables"` // NAME=VALUE, as at its start: what it changed since does not show
	Descriptors []Descriptor `json:"descriptors"`
	Cwd         string       `json:"cwd"`  // as the host sees it, from the root of the process's mount namespace
	Root        string       `json:"root"` // likewise: "/" unless it did chroot(2)
	Executable  string       `json:"executable"`
	Arguments   []string     `json:"arguments"`
	// Denied are the parts that need root, Hung those that do not answer,
	// Partial those that are longer than what is read.
	Denied  []string `json:"needsRoot,omitempty"`
	Hung    []string `json:"doesNotAnswer,omitempty"`
	Partial []string `json:"partial,omitempty"`
}

// Descriptor is an open file descriptor.
type Descriptor struct {
	Number int    `json:"number"`
	Target string `json:"target"` // a path, or "socket:[INODE]", "pipe:[INODE]", "anon_inode:[…]"
	Flags  string `json:"flags"`  // "r", "w" or "rw", see open(2)
}

const (
	mostEnvironment = 1 << 20 // bytes
	mostDescriptors = 4096    // shown; RLIMIT_NOFILE is usually below
)

// Environment reads environment, descriptors and places of the process.
func (t *Target) Environment() (*Environment, error) {
	if _, err := t.stat(); err != nil {
		return nil, t.failure("read environment", err)
	}
	e := &Environment{Variables: []string{}, Descriptors: []Descriptor{}, Arguments: []string{}}
	content, more, err := t.memory("environ", mostEnvironment)
	e.note("variables", more, err)
	e.Variables = append(e.Variables, splitCommand(content)...)
	arguments, more, err := t.command()
	e.note("arguments", more, err)
	e.Arguments = append(e.Arguments, arguments...)
	for name, to := range map[string]*string{"cwd": &e.Cwd, "root": &e.Root, "exe": &e.Executable} {
		*to, err = t.link(name)
		e.note(name, false, err)
	}
	more, err = t.descriptors(e)
	e.note("descriptors", more, err)
	slices.Sort(e.Denied)
	return e, nil
}

// note keeps why a part is missing.
func (e *Environment) note(part string, more bool, err error) {
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM), errors.Is(err, ErrNeedsRoot):
		e.Denied = append(e.Denied, part)
	case errors.Is(err, ErrHangs):
		e.Hung = append(e.Hung, part)
	case more:
		e.Partial = append(e.Partial, part)
	}
}

func (t *Target) descriptors(e *Environment) (more bool, err error) {
	fds, err := t.open("fd", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return false, err
	}
	defer fds.Close()
	numbers, more, err := descriptorNumbers(fds)
	if err != nil {
		return false, err
	}
	for _, number := range numbers {
		name := strconv.Itoa(number)
		target, err := linkAt(int(fds.Fd()), name)
		if err != nil {
			continue // closed since
		}
		e.Descriptors = append(e.Descriptors, Descriptor{number, target, t.descriptorFlags(name)})
	}
	return more, nil
}

// descriptorNumbers lists an fd directory of /proc, in order.
func descriptorNumbers(fds *os.File) (numbers []int, more bool, err error) {
	entries, err := fds.Readdirnames(mostDescriptors + 1)
	if err != nil && len(entries) == 0 {
		if err == io.EOF {
			return nil, false, nil
		}
		return nil, false, err
	}
	for _, entry := range entries {
		if number, err := strconv.Atoi(entry); err == nil {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers[:min(len(numbers), mostDescriptors)], len(numbers) > mostDescriptors, nil
}

func (t *Target) descriptorFlags(number string) string {
	content, err := t.text("fdinfo/" + number)
	if err != nil {
		return ""
	}
	word := ""
	lines(content, func(line string) {
		value, ok := strings.CutPrefix(line, "flags:")
		if !ok {
			return
		}
		flags, err := strconv.ParseUint(strings.TrimSpace(value), 8, 64)
		if err == nil {
			word = [...]string{"r", "w", "rw", ""}[flags&unix.O_ACCMODE]
		}
	})
	return word
}
