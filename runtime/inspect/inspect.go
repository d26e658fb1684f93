// Package inspect tells what a process sees: its namespaces, and what is in
// each of them.
//
// Everything is read from the kernel: files of /proc, netlink, and single
// system calls made inside a namespace (package enter). No program and no
// library of the sandbox's runs, and no file of its is believed. Names come
// back as they are: whoever shows them escapes them.
//
// Every amount is bounded, and what might wait for ever (memory and files
// that a FUSE server of the sandbox's serves) is left after a while: see
// Observer.
package inspect

import (
	"errors"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Observer looks at the processes of this machine. It remembers what hung, so
// that looking again every second costs nothing more. Its methods, and those
// of its targets, may be called from several goroutines.
type Observer struct {
	patience time.Duration // with what may hang, see patiently

	mu    sync.Mutex
	stuck map[string]bool // what a goroutine still waits for
}

// New returns an observer.
func New() *Observer { return &Observer{patience: defaultPatience, stuck: make(map[string]bool)} }

// Target is a process that is looked at. It stays the same process: once that
// has ended every method returns ErrGone, even if another has its number.
type Target struct {
	PID      int    // as this process numbers it
	Start    uint64 // clock ticks after boot, see proc_pid_stat(5)
	observer *Observer
	dir      int // /proc/PID: the directory belongs to the process, not to its number
}

// Open returns process pid. The error is ErrGone where there is none.
func (o *Observer) Open(pid int) (*Target, error) {
	what := "inspect process " + strconv.Itoa(pid)
	dir, err := unix.Open("/proc/"+strconv.Itoa(pid), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, failure(what, err)
	}
	t := &Target{PID: pid, observer: o, dir: dir}
	st, err := t.stat()
	if err != nil {
		t.Close()
		return nil, failure(what, err)
	}
	t.Start = st.start
	return t, nil
}

// Host returns the process that stands for the host: this one.
func (o *Observer) Host() (*Target, error) { return o.Open(os.Getpid()) }

// Close lets go of the process.
func (t *Target) Close() error { return unix.Close(t.dir) }

// OpenNamespace opens a namespace of the process, such as "net" or
// "pid_for_children"; see namespaces(7).
func (t *Target) OpenNamespace(name string) (*os.File, error) {
	return t.open("ns/"+name, unix.O_RDONLY)
}

// OpenRoot opens what the process sees as /.
func (t *Target) OpenRoot() (*os.File, error) { return t.open("root", unix.O_PATH|unix.O_DIRECTORY) }

// OpenDir opens the working directory of the process.
func (t *Target) OpenDir() (*os.File, error) { return t.open("cwd", unix.O_PATH|unix.O_DIRECTORY) }

func (t *Target) open(name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(t.dir, name, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, t.failure("open "+name, err)
	}
	return os.NewFile(uintptr(fd), "/proc/"+strconv.Itoa(t.PID)+"/"+name), nil
}

// Errors that a viewer words by itself.
var (
	ErrGone      = errors.New("the process has ended")
	ErrNeedsRoot = errors.New("needs root")
	ErrHangs     = errors.New("does not answer")
)

// Error is what could not be looked at, and why. It wraps ErrGone,
// ErrNeedsRoot or ErrHangs where one of these is the reason.
type Error struct {
	What string
	Err  error
}

func (e *Error) Error() string { return e.What + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// failure words an error of reading /proc or joining a namespace.
func failure(what string, err error) error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.ENOENT):
		err = ErrGone
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		err = ErrNeedsRoot
	}
	return &Error{what, err}
}

// failure is like the function, but a file that is missing although the
// process lives stays fs.ErrNotExist.
func (t *Target) failure(what string, err error) error {
	what += " of process " + strconv.Itoa(t.PID)
	if errors.Is(err, unix.ENOENT) {
		if st, gone := t.stat(); gone == nil && st.state != zombie {
			return &Error{what, err}
		}
	}
	return failure(what, err)
}
