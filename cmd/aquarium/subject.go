package main

import (
	"errors"
	"os"
	"strconv"

	"aquarium/rootfs"
	"aquarium/runtime/inspect"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
)

// subject is what is looked at or entered: a sandbox, or any process.
type subject struct {
	sandbox.Sandbox        // its ID is "" for a process that is none
	pid             int    // as the host numbers it; 0 for a sandbox that has stopped
	start           uint64 // clock ticks after boot; 0 is unknown
}

// findSubject looks up what a command line calls SANDBOX|PID: a sandbox's
// name, a process's number, the beginning of a sandbox's id.
func findSubject(ref string) (subject, error) {
	sb, err := find(ref)
	number, notNumber := strconv.Atoi(ref)
	isProcess := notNumber == nil && number > 0
	if err == nil && (!isProcess || sb.Name == ref) {
		return newSubject(sb), nil
	}
	if isProcess {
		if _, missing := os.Stat("/proc/" + strconv.Itoa(number)); missing == nil {
			return subject{pid: number}, nil
		}
		if err != nil {
			return subject{}, &sandbox.Error{What: "find process " + ref, Err: errors.New("no such process"), Way: "`aquarium ps` lists sandboxes, `ps -e` processes"}
		}
		return newSubject(sb), nil
	}
	return subject{}, err
}

func newSubject(sb sandbox.Sandbox) subject {
	s := subject{Sandbox: sb, pid: sb.PID, start: sb.PIDStart}
	if sb.Status == supervisor.Stopped {
		s.pid = 0
	}
	return s
}

// open holds on to the process, and makes sure that it is still the one that
// was found.
func (s subject) open(o *inspect.Observer) (*inspect.Target, error) {
	target, err := o.Open(s.pid)
	if err != nil {
		return nil, err
	}
	if s.start != 0 && s.start != target.Start {
		target.Close()
		return nil, &inspect.Error{What: "open process " + strconv.Itoa(s.pid), Err: inspect.ErrGone}
	}
	return target, nil
}

// title is how the subject is called in messages.
func (s subject) title() string {
	if s.ID != "" {
		return s.Name
	}
	return "process " + strconv.Itoa(s.pid)
}

// refusal words why a process could not be looked at or entered.
func refusal(what string, err error) error {
	way := ""
	switch {
	case errors.Is(err, inspect.ErrNeedsRoot) && os.Geteuid() == 0:
		way = "even root may not: it has more capabilities than you, or a security module forbids it"
	case errors.Is(err, inspect.ErrNeedsRoot):
		way = "its namespaces belong to another user: run as root"
	case errors.Is(err, inspect.ErrGone):
		way = "`aquarium ps -a` shows what became of a sandbox"
	}
	return &sandbox.Error{What: what, Err: errors.New(rootfs.Visible(err.Error())), Way: way}
}
