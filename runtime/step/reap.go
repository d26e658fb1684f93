package step

import (
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Reap puts a reaper in init's place, which starts the program as its child;
// see Reaper. It returns only when that failed.
type Reap struct {
	Exec
	Terminal bool `json:"terminal"` // standard input is one: the program gets the foreground
	Adopt    bool `json:"adopt"`    // this is not PID 1 of a pid namespace, which is every orphan's parent
}

var (
	openSelf    = call("open", self, raw("O_PATH"))
	cloneChild  = call("clone", raw("SIGCHLD"))
	setGroup    = call("setpgid", raw("PID"), raw("PID"))
	foreground  = call("ioctl", 0, raw("TIOCSPGRP"), raw("&PID"))
	undumpable  = call("prctl", raw("PR_SET_DUMPABLE"), 0, 0, 0, 0)
	waitForever = call("wait4", -1, raw("&status"), 0, null)
)

// Calls implements Op.
func (r *Reap) Calls() []Call {
	calls := []Call{r.become(), openSelf.when("already when init began: later no path leads there"), pdeathsig.when("changing user has cleared it")}
	if r.Adopt {
		calls = append(calls, subreaper.when("without a pid namespace orphans would not come here"))
	}
	calls = append(calls, undumpable.when("from here on it is the reaper that calls: nobody inside may look into it"),
		cloneChild.when("for the program"), setGroup.when("it alone gets the terminal's signals"))
	if r.Terminal {
		calls = append(calls, foreground)
	}
	program := r.Exec.Calls()[0]
	program.Note = "the child"
	return append(calls, program, waitForever.when("again and again, until it is the program that has ended; signals are passed on to it"))
}

// become is the call that puts the reaper in init's place.
func (r *Reap) become() Call {
	return call("execveat", raw("self"), "", append([]string{ReaperName}, r.Argv...), raw("envp"), raw("AT_EMPTY_PATH"))
}

// Changes implements Op.
func (r *Reap) Changes() []observe.Change {
	return append([]observe.Change{{Kind: "program", After: ReaperName}}, r.Exec.Changes()...)
}

// Do implements Op.
func (r *Reap) Do(w *World) error {
	if err := kernel.Prctl(kernel.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL)); err != nil {
		return failed(pdeathsig, err)
	}
	if r.Adopt {
		if err := (*Adopt)(nil).Do(w); err != nil {
			return err
		}
	}
	keepOnExec(initSocket) // the reaper has to tell what comes of the program
	return failed(r.become(), kernel.Execveat(w.self, append([]string{ReaperName}, r.Argv...), r.environment(w)))
}

// keepOnExec leaves a descriptor to the program that this process becomes.
func keepOnExec(fd int) {
	syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFD, 0)
}

func (r *Reap) explain(refused *CallError) string {
	if refused.Call != r.become().String() {
		return ""
	}
	if refused.Errno == syscall.EBADF {
		return "this binary could not be opened when init began"
	}
	return ""
}

// holdSelf opens this binary, where the plan ends with a reaper. An error shows
// when that is to be started.
func holdSelf(p Plan) int {
	if n := len(p.Steps); n > 0 {
		if _, needed := p.Steps[n-1].Op.(*Reap); needed {
			if fd, err := syscall.Open(self, kernel.O_PATH|syscall.O_CLOEXEC, 0); err == nil {
				return fd
			}
		}
	}
	return -1
}
