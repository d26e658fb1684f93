package enter

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"aquarium/runtime/fork"
	"aquarium/runtime/kernel"
	"aquarium/runtime/step"
)

// Join is what nsenter(1) does: join namespaces, change the root and the
// working directory, become a user, and run a program there. What it does not
// name stays as it is: environment, descriptors, terminal, process group.
type Join struct {
	Namespaces []Namespace // in the order of Kinds
	Root       *os.File    // becomes /; nil leaves it to the mount namespace
	Dir        *os.File    // becomes the working directory; nil leaves it likewise
	UID, GID   int         // Unchanged stays who one is
	Argv       []string    // none is a login shell
	Env        []string
}

// Unchanged is the id of who does not become another.
const Unchanged = -1

// Start runs the program and returns its process, a child of this one. A
// refused call is a *step.CallError.
func (j Join) Start() (*os.Process, error) {
	p := new(program)
	p.hide()
	if j.has("user") && j.GID != Unchanged {
		// Dropping groups may be allowed on this side of the user namespace only.
		j.dropGroups(p, fork.MayFail)
	}
	dropped := len(p.Calls)
	p.join(j.Namespaces)
	j.place(p)
	if j.has("pid") {
		p.forkAgain()
	}
	j.become(p, dropped)
	j.exec(p)
	process, err := start(p)
	runtime.KeepAlive(j)
	return process, err
}

func (j Join) has(kind string) bool {
	for _, n := range j.Namespaces {
		if n.Kind.Name == kind {
			return true
		}
	}
	return false
}

// join joins namespaces in two passes. Who gains rights by the user namespace
// can join the others only after it, who loses rights only before it: so all
// others are tried first, and what was refused is tried again after it.
func (p *program) join(namespaces []Namespace) {
	first := make(map[string]int)
	for _, n := range namespaces {
		if n.Kind.Name != "user" {
			p.Add(fork.MayFail, "", kernel.SYS_SETNS, n.File.Fd(), n.Kind.Flag)
			first[n.Kind.Name] = len(p.Calls)
		}
	}
	for _, n := range namespaces {
		p.Add(fork.MustWork, fmt.Sprintf("setns(%s namespace, %#x)", n.Kind.Name, n.Kind.Flag), kernel.SYS_SETNS, n.File.Fd(), n.Kind.Flag)
		p.Last().Unless = first[n.Kind.Name]
	}
}

// place changes root and working directory. Joining a mount namespace has
// moved both to that namespace's root, see setns(2).
func (j Join) place(p *program) {
	stay := 0
	if j.Root != nil {
		if j.Dir == nil {
			const cwd = ^uintptr(99) // AT_FDCWD
			p.Add(fork.MustWork, `openat(AT_FDCWD, ".", O_PATH)`, syscall.SYS_OPENAT, cwd, p.Text("."), kernel.O_PATH|syscall.O_CLOEXEC)
			stay = len(p.Calls)
		}
		p.Add(fork.MustWork, "fchdir(root)", syscall.SYS_FCHDIR, j.Root.Fd())
		p.Add(fork.MustWork, `chroot(".")`, syscall.SYS_CHROOT, p.Text("."))
	}
	switch {
	case j.Dir != nil:
		p.Add(fork.MustWork, "fchdir(working directory)", syscall.SYS_FCHDIR, j.Dir.Fd())
	case stay > 0:
		p.Add(fork.MustWork, "fchdir(working directory)", syscall.SYS_FCHDIR)
		p.Calls[stay-1].Feeds, p.Calls[stay-1].Fed = len(p.Calls), 1
	}
}

// become changes the user; dropped is the call that may have dropped the
// supplementary groups already.
func (j Join) become(p *program, dropped int) {
	if j.GID != Unchanged {
		if j.has("user") {
			j.dropGroups(p, fork.MayFail) // denied for good where /proc/PID/setgroups says so
			p.Last().Unless = dropped
		} else {
			j.dropGroups(p, fork.MustWork)
		}
		p.Add(fork.MustWork, fmt.Sprintf("setgid(%d)", j.GID), syscall.SYS_SETGID, uintptr(j.GID))
	}
	if j.UID != Unchanged {
		p.Add(fork.MustWork, fmt.Sprintf("setuid(%d)", j.UID), syscall.SYS_SETUID, uintptr(j.UID))
	}
}

func (j Join) dropGroups(p *program, f fork.Flow) {
	none := new(uint32)
	p.Keep(none)
	p.Add(f, "setgroups(0, [])", syscall.SYS_SETGROUPS, 0, uintptr(unsafe.Pointer(none)))
}

func (j Join) exec(p *program) {
	if len(j.Argv) > 0 {
		p.exec(j.Argv, j.Env)
		return
	}
	env := p.Vector(j.Env)
	for _, shell := range []string{step.LookupEnv(j.Env, "SHELL"), "/bin/sh"} {
		if strings.HasPrefix(shell, "/") {
			_, base := kernel.Split(shell)
			p.Add(fork.TryExec, "execve("+strconv.Quote(shell)+")", syscall.SYS_EXECVE, p.Text(shell), p.Vector([]string{"-" + base}), env)
		}
	}
}
