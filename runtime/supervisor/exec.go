package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"aquarium/runtime/enter"
	"aquarium/runtime/fork"
	"aquarium/runtime/step"
	"aquarium/runtime/wire"
)

// exec runs one more program in all of the sandbox's namespaces. The viewer
// becomes the program's; it stays the old session's when the program could
// not be started.
func (s *supervisor) exec(v *viewer, current *session, payload []byte) *session {
	var request wire.ExecRequest
	err := json.Unmarshal(payload, &request)
	if err == nil && len(request.Argv) == 0 {
		err = errors.New("exec: no command")
	}
	var started *session
	if err == nil {
		started, err = s.startExec(request)
	}
	if err != nil {
		v.send(wire.Started, failure(err))
		return current
	}
	current.detach(v)
	v.send(wire.Started, wire.StartedReport{PID: started.process.Pid})
	started.attach(v, wire.AttachRequest{History: true, Follow: true, Lossless: true})
	go func() { started.finish(started.wait()) }()
	return started
}

// execHistory is enough for what a program puts out before its viewer is
// attached, in bytes.
const execHistory = 256 << 10

func (s *supervisor) startExec(request wire.ExecRequest) (*session, error) {
	if err := s.awaitProgram(); err != nil {
		return nil, err
	}
	if s.paused() {
		return nil, errPaused
	}
	pid, err := s.session.pid()
	if err != nil {
		return nil, err
	}
	started, err := s.startBeside(pid, request)
	if _, gone := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/mnt"); err != nil && errors.Is(gone, fs.ErrNotExist) {
		return nil, errEnded // it is about to: the namespaces go first
	}
	return started, err
}

// awaitProgram waits for the end of a launch under way: until then init stands,
// for a while, in the host's tree, with all of root's rights. One that is
// stepped may wait for ever.
func (s *supervisor) awaitProgram() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.begun == nil {
		if s.boot.Plan.Stepped {
			return ErrWaits
		}
		s.changed.Wait()
	}
	return nil
}

// ErrWaits says that a stepped launch has not come to the program yet.
var ErrWaits = errors.New("its launch waits between two steps")

// startBeside starts a program in the namespaces of the process pid.
func (s *supervisor) startBeside(pid int, request wire.ExecRequest) (*session, error) {
	target, err := enter.Open(pid)
	if err != nil {
		return nil, err
	}
	defer target.Close()
	if _, err := s.session.pid(); err != nil {
		return nil, err // what was opened may be another's
	}
	command, err := s.command(target, request)
	if err != nil {
		return nil, err
	}
	if command.Groups, err = s.boot.State.Groups.Open(); err != nil {
		return nil, err
	}
	defer closeAll(command.Groups)
	started := newSession(execHistory, request.Dimensions)
	if err := started.open(&command, target, request); err != nil {
		return nil, err
	}
	if err := s.boot.State.IDs.Give(command.Stdio[:]...); err != nil {
		started.abandon()
		closeAll(command.Stdio[:])
		return nil, err
	}
	fork.RestoreFileLimit()
	process, err := enter.Start(command)
	closeAll(command.Stdio[:])
	if err != nil {
		started.abandon()
		return nil, err
	}
	started.started(process)
	if started.terminal != nil {
		started.drain(wire.Output, started.terminal)
	}
	return started, nil
}

var errEnded = errors.New("its program does not run")

// pid is the program's number, as long as it cannot be another's: it has been
// started, and not yet waited for.
func (s *session) pid() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil || s.exit != nil {
		return 0, errEnded
	}
	return s.process.Pid, nil
}

// command describes the program, confined like the sandbox's first.
func (s *supervisor) command(target *enter.Target, request wire.ExecRequest) (enter.Command, error) {
	defaults := s.boot.Exec
	c := enter.Command{
		Namespaces: target.Namespaces, Root: target.Root,
		Dir: request.Workdir, Argv: request.Argv,
		Terminal: request.TTY, KeepGroups: defaults.KeepGroups,
		Keep: defaults.Keep, NoNewPrivs: defaults.NoNewPrivs, Filter: defaults.Filter, Limits: defaults.Limits, OOMScore: defaults.OOMScore, Keyring: true,
	}
	if c.Dir == "" {
		c.Dir = defaults.Dir
	}
	user := request.User
	if user == "" {
		user = defaults.User
	}
	var err error
	if c.Identity, err = step.LookupUser(rootOf(target.PID), user); err != nil {
		return c, fmt.Errorf("look up user %q: %w", user, err)
	}
	c.Env = mergeEnv(defaults.Env, request.Env)
	if request.TTY {
		c.Env = mergeEnv([]string{"TERM=xterm-256color"}, c.Env)
	}
	c.Env = mergeEnv([]string{"HOME=" + c.Identity.Home}, c.Env)
	return c, nil
}

// rootOf is the root of a process, by the magic link of proc_pid_root(5).
func rootOf(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/root" }

// mergeEnv is base with the variables of more set or replaced.
func mergeEnv(base, more []string) []string {
	merged := slices.Clone(base)
	for _, entry := range more {
		name, _, _ := strings.Cut(entry, "=")
		i := slices.IndexFunc(merged, func(old string) bool { return strings.HasPrefix(old, name+"=") })
		if i >= 0 {
			merged[i] = entry
		} else {
			merged = append(merged, entry)
		}
	}
	return merged
}

// open gives the command a terminal of the sandbox's, or pipes.
func (s *session) open(c *enter.Command, target *enter.Target, request wire.ExecRequest) (err error) {
	if !request.TTY {
		if c.Give = []int{1, 2}; request.Stdin {
			c.Give = []int{0, 1, 2}
		}
		c.Stdio, err = s.pipes(request.Stdin)
		return err
	}
	c.Give = []int{0}
	root, ptmx := rootOf(target.PID), "/dev/pts/ptmx"
	if !target.Has("mnt") {
		root, ptmx = "/", "/dev/ptmx"
	}
	master, slave, err := step.OpenTerminal(root, ptmx)
	if err != nil {
		return err
	}
	syscall.SetNonblock(master, true) // so that reads wait in Go's poller
	s.terminal = os.NewFile(uintptr(master), "console")
	if request.Cols > 0 && request.Rows > 0 {
		setSize(s.terminal, request.Dimensions)
	}
	terminal := os.NewFile(uintptr(slave), "terminal")
	c.Stdio = [3]*os.File{terminal, terminal, terminal}
	return nil
}

// abandon closes what a program that did not start would have used.
func (s *session) abandon() {
	if s.terminal != nil {
		s.terminal.Close()
	}
	s.endOfInput()
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
