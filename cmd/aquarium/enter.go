package main

import (
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"aquarium/runtime/enter"
	"aquarium/runtime/fork"
	"aquarium/runtime/inspect"
	"aquarium/runtime/kernel"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
)

func newEnter() *cobra.Command {
	f := newEnterFlags()
	c := &cobra.Command{
		Use:   "enter -t SANDBOX|PID [flags] [COMMAND [ARG…]]",
		Short: "Join chosen namespaces and run a command there",
		Long: `Join the chosen namespaces of a sandbox or of any process, as nsenter does, and
run COMMAND there with this environment: without one, your shell, or /bin/sh
where the other side does not have it. Namespaces, root and working directory
that are not chosen stay yours. COMMAND is the other side's with -m or -r: then
it has no descriptors of yours but 0, 1 and 2. It has your rights, environment
and terminal, so in what you do not trust use exec instead. Of a sandbox whose
launch waits between two steps it joins what is there so far, to look at it:
before the root switch -m shows the host's own tree.

A FILE instead of the target's is written with "=", as in --net=/run/netns/x.

The exit status is COMMAND's own, 128+N where signal N ended it; 125 is an error
of Aquarium's, 126 a command that cannot be executed, 127 one that does not exist.`,
		Example: `  aquarium enter -t web -a                     a shell in all of its namespaces
  aquarium enter -t web -n ss -ltnp            your ss, its network
  aquarium enter -t web -m -r ls -l /          your ls must exist there
  aquarium enter -t 4711 -p -m ps -e           of any process`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	f.register(c.Flags())
	c.RegisterFlagCompletionFunc("target", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return sandboxNames(running, nil), cobra.ShellCompDirectiveNoFileComp
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		if !f.anything() {
			return usageError(c, errors.New("no namespace is chosen: -a joins all"))
		}
		return f.enter(args)
	}
	return c
}

// optionalFile is a flag that means the target's own unless a file is given.
type optionalFile struct {
	given bool
	file  string
}

func (f *optionalFile) String() string { return f.file }
func (f *optionalFile) Type() string   { return "count" } // so that the help shows no default value

// ownMark is the value of a flag without one.
const ownMark = "+1"

func (f *optionalFile) Set(value string) error {
	if f.given = true; value != ownMark {
		f.file = value
	}
	return nil
}

// enterFlags are those of nsenter(1).
type enterFlags struct {
	target     string
	namespaces map[string]*optionalFile // by kind
	root, dir  optionalFile
	all, keep  bool
	uid, gid   int
}

// namespaceFlags are the flags by kind of namespace.
var namespaceFlags = []struct{ kind, name, short, what string }{
	{"mnt", "mount", "m", "mount"}, {"uts", "uts", "u", "UTS"}, {"ipc", "ipc", "i", "IPC"}, {"net", "net", "n", "network"},
	{"pid", "pid", "p", "PID"}, {"user", "user", "U", "user"}, {"cgroup", "cgroup", "C", "cgroup"}, {"time", "time", "T", "time"},
}

func newEnterFlags() *enterFlags {
	f := &enterFlags{namespaces: make(map[string]*optionalFile)}
	for _, n := range namespaceFlags {
		f.namespaces[n.kind] = new(optionalFile)
	}
	return f
}

func (f *enterFlags) register(flags *pflag.FlagSet) {
	flags.SetInterspersed(false)
	flags.SortFlags = false
	flags.StringVarP(&f.target, "target", "t", "", "join those of this `SANDBOX|PID`")
	flags.BoolVarP(&f.all, "all", "a", false, "join all namespaces that are not yours already")
	optional := func(value *optionalFile, name, short, usage string) {
		flags.VarP(value, name, short, usage)
		flags.Lookup(name).NoOptDefVal = ownMark
	}
	for _, n := range namespaceFlags {
		optional(f.namespaces[n.kind], n.name, n.short, "join the "+n.what+" namespace, the target's or `[=FILE]`")
	}
	flags.IntVarP(&f.uid, "setuid", "S", enter.Unchanged, "become `UID` inside (default: 0 with -U)")
	flags.IntVarP(&f.gid, "setgid", "G", enter.Unchanged, "become `GID` inside, without other groups (default: 0 with -U)")
	for _, name := range []string{"setuid", "setgid"} {
		flags.Lookup(name).DefValue = "0" // a zero value is not shown
	}
	flags.BoolVar(&f.keep, "preserve-credentials", false, "keep uid, gid and groups with -U")
	optional(&f.root, "root", "r", "change the root to the target's or `[=DIR]`")
	optional(&f.dir, "wd", "w", "start in the working directory of the target or in `[=DIR]`")
}

func (f *enterFlags) anything() bool {
	given := f.all || f.root.given || f.dir.given || f.uid != enter.Unchanged || f.gid != enter.Unchanged
	for _, n := range f.namespaces {
		given = given || n.given
	}
	return given
}

// needsTarget tells whether anything is the target's own.
func (f *enterFlags) needsTarget() bool {
	own := func(o optionalFile) bool { return o.given && o.file == "" }
	needs := f.all || own(f.root) || own(f.dir)
	for _, n := range f.namespaces {
		needs = needs || own(*n)
	}
	return needs
}

func (f *enterFlags) enter(argv []string) error {
	what := "enter"
	var target *inspect.Target
	switch {
	case f.target != "":
		s, err := findSubject(f.target)
		if err != nil {
			return err
		}
		if s.Status == supervisor.Stopped {
			return stopped("enter", s.Sandbox)
		}
		what += " " + s.title()
		if target, err = s.open(inspect.New()); err != nil {
			return refusal(what, err)
		}
		defer target.Close()
	case f.needsTarget():
		return &sandbox.Error{What: what, Err: errors.New("no target"), Way: "-t SANDBOX or -t PID says whose namespaces, --net=FILE and its siblings name files"}
	}
	join := enter.Join{UID: f.uid, GID: f.gid, Argv: argv, Env: os.Environ()}
	if err := f.open(target, &join); err != nil {
		return refusal(what, err)
	}
	if err := f.guard(); err != nil {
		return &enterError{what, err}
	}
	fork.RestoreFileLimit()
	signals := listen() // before there is anybody to pass them on to
	process, err := join.Start()
	if err != nil {
		return &enterError{what, err}
	}
	go func() {
		for s := range signals {
			process.Signal(s)
		}
	}()
	return follow(process)
}

// guard keeps what this process was left with from a command that is the other
// side's: through a directory that is open it would come out (CVE-2024-21626).
// Your own command may have been given descriptors on purpose.
func (f *enterFlags) guard() error {
	if !f.all && !f.root.given && !f.namespaces["mnt"].given {
		return nil
	}
	return kernel.CloseOnExecFrom(3)
}

// open opens what is joined.
func (f *enterFlags) open(target *inspect.Target, join *enter.Join) (err error) {
	for _, kind := range enter.Kinds() {
		flag := f.namespaces[kind.Name]
		var file *os.File
		switch {
		case flag.file != "":
			file, err = os.Open(flag.file)
		case flag.given:
			file, err = target.OpenNamespace(kind.Name)
		case f.all:
			file, err = openOther(target, kind.Name)
		}
		if err != nil {
			return err
		}
		if file != nil {
			join.Namespaces = append(join.Namespaces, enter.Namespace{Kind: kind, File: file})
			if kind.Name == "user" {
				f.credentials(join)
			}
		}
	}
	if join.Root, err = openPlace(f.root, target, (*inspect.Target).OpenRoot); err != nil {
		return err
	}
	join.Dir, err = openPlace(f.dir, target, (*inspect.Target).OpenDir)
	return err
}

// credentials are root's in a user namespace, where nothing else is asked for.
func (f *enterFlags) credentials(join *enter.Join) {
	if f.keep {
		return
	}
	join.UID, join.GID = max(join.UID, 0), max(join.GID, 0)
}

// openOther opens a namespace unless it is this process's own; nil where it
// is, or where the kernel has none of that kind.
func openOther(target *inspect.Target, kind string) (*os.File, error) {
	own, err := os.Stat("/proc/self/ns/" + kind)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := target.OpenNamespace(kind)
	if err != nil {
		return nil, err
	}
	theirs, err := file.Stat()
	if err != nil || os.SameFile(own, theirs) {
		file.Close()
		return nil, err
	}
	return file, nil
}

func openPlace(flag optionalFile, target *inspect.Target, own func(*inspect.Target) (*os.File, error)) (*os.File, error) {
	switch {
	case !flag.given:
		return nil, nil
	case flag.file == "":
		return own(target)
	}
	return os.OpenFile(flag.file, os.O_RDONLY|syscall.O_DIRECTORY, 0)
}

// listen takes the signals that are the command's: some are passed on, and
// those of the terminal's keys reach it by themselves. What is ignored (see
// nohup(1)) stays so, for the command too.
func listen() <-chan os.Signal {
	passed, dropped := make(chan os.Signal, 8), make(chan os.Signal, 1)
	take := func(to chan<- os.Signal, signals ...os.Signal) {
		for _, s := range signals {
			if !signal.Ignored(s) {
				signal.Notify(to, s)
			}
		}
	}
	take(passed, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	take(dropped, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	return passed
}

// follow waits for the command. It stops when the command stops, so that the
// shell that started this process can go on, and lets the command go on when
// it goes on itself. (Were it stopped by Ctrl-Z directly, it could see the
// command's stop only after both were to go on, and stop once more.)
func follow(process *os.Process) error {
	for {
		var status unix.WaitStatus
		_, err := unix.Wait4(process.Pid, &status, unix.WUNTRACED, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return &sandbox.Error{What: "wait for the command", Err: err}
		case status.Stopped():
			unix.Kill(os.Getpid(), unix.SIGSTOP)
			process.Signal(unix.SIGCONT)
		case status.Signaled():
			return exitCode(exitSignal + int(status.Signal()))
		case status.ExitStatus() != 0:
			return exitCode(status.ExitStatus())
		default:
			return nil
		}
	}
}

// enterError is a call that the kernel refused.
type enterError struct {
	what string
	err  error
}

func (e *enterError) Error() string { return e.what + ": " + e.err.Error() }

// refused is the call, nil where it was none.
func (e *enterError) refused() *step.CallError {
	var call *step.CallError
	errors.As(e.err, &call)
	return call
}

// ExitCode is 127 or 126 where it is the command that cannot be executed.
func (e *enterError) ExitCode() int {
	if call := e.refused(); call != nil && strings.HasPrefix(call.Call, "execve(") {
		return step.ExitCode(call.Errno)
	}
	return exitError
}

// Hint says what would be allowed.
func (e *enterError) Hint() string {
	call := e.refused()
	switch {
	case call == nil:
		return ""
	case strings.HasPrefix(call.Call, "setns(user") && call.Errno == syscall.EINVAL:
		return "you are in that user namespace already: leave -U out"
	case strings.HasPrefix(call.Call, "setns(") && call.Errno == syscall.EPERM:
		return "it belongs to another user's namespace: join its user namespace too (-U), or run as root"
	case strings.HasPrefix(call.Call, "setns(") && call.Errno == syscall.EINVAL:
		return "the file is no namespace of that kind"
	case strings.HasPrefix(call.Call, "execve(") && call.Errno == syscall.ENOENT:
		return "commands are looked for inside: what the joined mount namespace or root has"
	}
	return ""
}
