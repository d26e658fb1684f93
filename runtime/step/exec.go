package step

import (
	"errors"
	"strings"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Workdir makes Path the working directory, creating it when it is missing,
// and checks that the kernel agrees it lies inside the root.
type Workdir struct {
	Path string `json:"path"`
}

// Calls implements Op.
func (d *Workdir) Calls() []Call {
	calls := []Call{call("chdir", d.Path)}
	if d.Path != "/" {
		calls = append(calls, call("mkdir", d.Path, raw("0755")).when("if it is missing"))
	}
	return append(calls, getcwd)
}

var getcwd = call("getcwd", raw("buf"), raw("PATH_MAX"))

// Changes implements Op.
func (d *Workdir) Changes() []observe.Change { return []observe.Change{{Kind: "cwd", After: d.Path}} }

// Do implements Op.
func (d *Workdir) Do(*World) error {
	err := syscall.Chdir(d.Path)
	if err == syscall.ENOENT {
		fd, making := kernel.OpenBeneath("/", d.Path, kernel.InRoot, kernel.Directory)
		if making != nil {
			return failed(call("mkdir", d.Path, raw("0755")), making)
		}
		err = syscall.Fchdir(fd)
		syscall.Close(fd)
	}
	if err != nil {
		return failed(d.Calls()[0], err)
	}
	// getcwd(3): a directory outside the root reads "(unreachable)/…".
	if cwd, err := syscall.Getwd(); err != nil || !strings.HasPrefix(cwd, "/") {
		return &CallError{Call: getcwd.String(), Errno: syscall.ENOENT, Detail: "the working directory is outside the sandbox's root"}
	}
	return nil
}

// Exec replaces init by the program. It returns only when that failed.
type Exec struct {
	Argv []string `json:"argv"`
	Env  []string `json:"env"` // "NAME=value"; HOME is added from the user's entry when absent
}

// Calls implements Op.
func (e *Exec) Calls() []Call {
	name := e.Argv[0]
	program := e.render(name)
	if !strings.Contains(name, "/") {
		program = program.when("in the first directory of PATH that has it")
	}
	return []Call{program, pdeathsig.when("changing user has cleared it")}
}

func (e *Exec) render(path string) Call {
	return call("execve", path, e.Argv, raw("envp"))
}

func (e *Exec) size() int { return len(e.Argv) }

// Changes implements Op.
func (e *Exec) Changes() []observe.Change {
	return []observe.Change{{Kind: "program", After: strings.Join(e.Argv, " ")}}
}

// Do implements Op.
func (e *Exec) Do(w *World) error {
	// Changing user clears the parent-death signal (prctl(2)): set it again.
	if err := kernel.Prctl(kernel.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL)); err != nil {
		return failed(pdeathsig, err)
	}
	return e.run(e.environment(w), syscall.Exec)
}

// environment is Env with the home directory of the user that init became.
func (e *Exec) environment(w *World) []string {
	if w.home != "" && LookupEnv(e.Env, "HOME") == "" {
		return append(e.Env[:len(e.Env):len(e.Env)], "HOME="+w.home)
	}
	return e.Env
}

// run starts the program by a function with execve's arguments and errors.
func (e *Exec) run(env []string, start func(path string, argv, env []string) error) error {
	name := e.Argv[0]
	if !strings.Contains(name, "/") {
		return e.search(name, env, start)
	}
	if err := start(name, e.Argv, env); err != nil {
		return e.refused(name, err)
	}
	return nil
}

// search tries each directory of PATH, as execvp(3) does: EACCES is
// remembered while the search goes on, anything but "not there" ends it.
func (e *Exec) search(name string, env []string, start func(path string, argv, env []string) error) error {
	path := LookupEnv(env, "PATH")
	refused := e.refused(name, syscall.ENOENT)
	refused.Detail = "not found in PATH=" + path
	for _, dir := range strings.Split(path, ":") {
		if dir == "" {
			continue // an empty entry would be the working directory
		}
		candidate := dir + "/" + name
		err := start(candidate, e.Argv, env)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR):
			if _, statErr := lstat(candidate); statErr == nil {
				return e.refused(candidate, err) // there, but its interpreter is not
			}
		case errors.Is(err, syscall.EACCES):
			refused = e.refused(candidate, err)
		default:
			return e.refused(candidate, err)
		}
	}
	return refused
}

// refused is the execve of a path that failed.
func (e *Exec) refused(path string, err error) *CallError {
	refused := failed(e.render(path), err).(*CallError)
	refused.path = path
	return refused
}

// programOf is what an operation starts, if it is the last of a plan.
func programOf(op Op) (*Exec, bool) {
	switch op := op.(type) {
	case *Exec:
		return op, true
	case *Reap:
		return &op.Exec, true
	}
	return nil, false
}

func lstat(path string) (syscall.Stat_t, error) {
	var stat syscall.Stat_t
	return stat, syscall.Lstat(path, &stat)
}

// LookupEnv is the value of a variable in a list of "NAME=value"; "" where it
// is not set.
func LookupEnv(env []string, name string) string {
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// ExitCode is the status that a failed exec gives, as shells and docker use
// it: 127 when the command does not exist, 126 when it cannot be executed.
func ExitCode(err error) int {
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) {
		return 127
	}
	return 126
}
