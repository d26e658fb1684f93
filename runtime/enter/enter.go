// Package enter runs a program inside namespaces that exist: what nsenter(1)
// does, from one static binary.
//
// The package imports only the standard library, so that supervisors can use
// it; package reexec says why.
package enter

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"aquarium/runtime/fork"
	"aquarium/runtime/kernel"
	"aquarium/runtime/step"
)

// Kind is a kind of namespace, as /proc/PID/ns names it.
type Kind struct {
	Name string
	Flag uintptr // of clone(2) and setns(2)
}

// Kinds lists the namespace kinds in the order in which they are joined: the
// user namespace first, because it gives the right to join those it owns, the
// mount namespace last, because /proc changes with it; see setns(2).
func Kinds() []Kind {
	return []Kind{
		{"user", syscall.CLONE_NEWUSER}, {"cgroup", syscall.CLONE_NEWCGROUP}, {"ipc", syscall.CLONE_NEWIPC},
		{"uts", syscall.CLONE_NEWUTS}, {"net", syscall.CLONE_NEWNET}, {"pid", syscall.CLONE_NEWPID},
		{"time", cloneNewTime}, {"mnt", syscall.CLONE_NEWNS},
	}
}

const cloneNewTime = 0x80 // CLONE_NEWTIME, see time_namespaces(7)

// Namespace is a namespace to join.
type Namespace struct {
	Kind Kind
	File *os.File // from /proc/PID/ns
}

// Command is a program to run inside.
type Command struct {
	Namespaces []Namespace // in the order of Kinds
	Root       *os.File    // becomes /; nil leaves it to the mount namespace
	Dir        string      // working directory, inside
	Argv       []string
	Env        []string
	Stdio      [3]*os.File
	Terminal   bool          // Stdio is a terminal that becomes the controlling one, in a session of its own
	Give       []int         // descriptors that become that user's: a terminal, pipes
	Identity   step.Identity // who the program runs as
	KeepGroups bool          // setgroups(2) is denied in the user namespace
	KeepUser   bool          // stay who one is
	Keep       []string      // bounding set; nil keeps all
	NoNewPrivs bool
	Limits     []step.Rlimit // raises that are refused are left out
	OOMScore   *int          // as step.OOMScore has it
	Keyring    bool          // a session keyring of its own
	Groups     []*os.File    // of control groups to join, see cgroup.Groups.Open
	Filter     []byte        // system calls, as step.Seccomp has it; nil for none
}

// Start runs the command and returns its process, a child of this one. A
// refused call is a *step.CallError.
func Start(c Command) (*os.Process, error) {
	fd, err := kernel.OpenProc()
	if err != nil {
		return nil, &step.CallError{Call: `open("/proc", O_PATH)`, Errno: err.(syscall.Errno)}
	}
	proc := os.NewFile(uintptr(fd), "proc")
	defer proc.Close()
	process, err := start(c.compile(proc))
	runtime.KeepAlive(c)
	return process, err
}

func start(p *program) (*os.Process, error) {
	child, err := p.Program.Start(0)
	if err != nil {
		return nil, refused(err)
	}
	process, err := child.Process()
	return process, refused(err)
}

// refused turns what package fork says into the error of a step.
func refused(err error) error {
	var call *fork.Refused
	if errors.As(err, &call) {
		return &step.CallError{Call: call.Call, Errno: call.Errno, Detail: call.Detail}
	}
	return err
}

// program is what the child does.
type program struct{ fork.Program }

// compile lists what the child does. It enters the sandbox's pid namespace, in
// which others can see it, as one that has no rights beyond theirs any more:
// what they could make of it, were they to trace it, they are (CVE-2016-9962).
func (c Command) compile(proc *os.File) *program {
	p := new(program)
	c.oomScore(p, proc)
	p.hide()
	forked := c.join(p)
	c.descriptors(p)
	c.confine(p)
	if forked {
		p.forkAgain()
	}
	c.settle(p)
	c.exec(p)
	return p
}

// hide keeps processes inside from looking at or tracing this one while it
// still is the host's binary (CVE-2016-9962, CVE-2019-5736); see
// PR_SET_DUMPABLE in prctl(2). The exec makes it dumpable again.
func (p *program) hide() {
	const setDumpable = 4
	p.Add(fork.MustWork, "prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)", syscall.SYS_PRCTL, setDumpable, 0)
}

// join joins the namespaces; forked tells whether that is true only of a
// process that is made later.
func (c Command) join(p *program) (forked bool) {
	for _, n := range c.Namespaces {
		p.Add(fork.MustWork, fmt.Sprintf("setns(%s namespace, %#x)", n.Kind.Name, n.Kind.Flag), kernel.SYS_SETNS, n.File.Fd(), n.Kind.Flag)
		forked = forked || n.Kind.Name == "pid" || n.Kind.Name == "time"
	}
	if c.Root != nil {
		p.Add(fork.MustWork, "fchdir(root)", syscall.SYS_FCHDIR, c.Root.Fd())
		p.Add(fork.MustWork, `chroot(".")`, syscall.SYS_CHROOT, p.Text("."))
	}
	c.workdir(p)
	return forked
}

// workdir goes where the program shall start. No link of /proc's leads there,
// which could be to a descriptor of this process's (CVE-2024-21626).
func (c Command) workdir(p *program) {
	dir := c.Dir
	if dir == "" {
		dir = "/"
	}
	const cwd = ^uintptr(99) // AT_FDCWD
	how := &kernel.OpenHow{Flags: kernel.O_PATH | syscall.O_DIRECTORY | syscall.O_CLOEXEC, Resolve: kernel.RESOLVE_NO_MAGICLINKS}
	p.Keep(how)
	p.Add(fork.MustWork, "openat2(AT_FDCWD, "+strconv.Quote(dir)+", {O_PATH|O_DIRECTORY, RESOLVE_NO_MAGICLINKS})", kernel.SYS_OPENAT2,
		cwd, p.Text(dir), uintptr(unsafe.Pointer(how)), unsafe.Sizeof(*how))
	p.Last().Feeds, p.Last().Fed = len(p.Calls)+1, 1
	p.Add(fork.MustWork, "fchdir("+strconv.Quote(dir)+")", syscall.SYS_FCHDIR, 0)
}

// settle is what only the process that will be the program can do.
func (c Command) settle(p *program) {
	// After the last fork: a group that has all the processes it may have
	// takes one more, but lets none be made.
	for _, file := range c.Groups {
		p.Add(fork.MustWork, "write("+strconv.Quote(file.Name())+`, "0")`, syscall.SYS_WRITE, file.Fd(), p.Text("0"), 1)
	}
	if c.Terminal {
		p.Add(fork.MustWork, "setsid()", syscall.SYS_SETSID)
		p.Add(fork.MustWork, "ioctl(0, TIOCSCTTY, 0)", syscall.SYS_IOCTL, 0, syscall.TIOCSCTTY, 0)
	}
}

// forkAgain makes a process that is in the joined pid namespace: setns changes
// the namespace of children only, see pid_namespaces(7).
func (p *program) forkAgain() {
	const cloneParent = 0x8000 // CLONE_PARENT: the copy is a child of this process too
	p.Add(fork.Again, "clone(CLONE_PARENT|SIGCHLD)", syscall.SYS_CLONE, cloneParent|uintptr(syscall.SIGCHLD))
}

func (c Command) descriptors(p *program) {
	for fd, file := range c.Stdio {
		p.Add(fork.MustWork, fmt.Sprintf("dup3(%s, %d, 0)", file.Name(), fd), syscall.SYS_DUP3, file.Fd(), uintptr(fd), 0)
	}
}

func (c Command) confine(p *program) {
	if c.Keep != nil {
		for number, name := range kernel.Capabilities() {
			if !slices.Contains(c.Keep, name) {
				p.Add(fork.MayFail, "prctl(PR_CAPBSET_DROP, "+name+")", syscall.SYS_PRCTL, kernel.PR_CAPBSET_DROP, uintptr(number))
			}
		}
		p.Add(fork.MayFail, "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)", syscall.SYS_PRCTL, kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL)
	}
	c.limits(p)
	if !c.KeepUser {
		c.become(p)
	}
	c.keyring(p)
	if c.NoNewPrivs {
		p.Add(fork.MustWork, "prctl(PR_SET_NO_NEW_PRIVS, 1)", syscall.SYS_PRCTL, kernel.PR_SET_NO_NEW_PRIVS, 1)
	}
	p.Add(fork.MustWork, "umask(022)", syscall.SYS_UMASK, 0o022)
	if len(c.Filter) > 0 {
		filter, _ := kernel.NewFilter(c.Filter) // nil for a malformed one, which the kernel refuses: EFAULT
		p.Keep(filter)
		p.Add(fork.MustWork, "prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER)", syscall.SYS_PRCTL, kernel.PR_SET_SECCOMP, kernel.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(filter)))
	}
	c.keep(p)
}

func (c Command) become(p *program) {
	id := c.Identity
	if id.UID != 0 {
		for _, fd := range c.Give {
			p.Add(fork.MayFail, "fchown()", syscall.SYS_FCHOWN, uintptr(fd), uintptr(id.UID), ^uintptr(0))
		}
	}
	if !c.KeepGroups {
		groups := make([]uint32, len(id.Groups)+1)
		for i, g := range id.Groups {
			groups[i] = uint32(g)
		}
		p.Keep(groups)
		p.Add(fork.MustWork, "setgroups()", syscall.SYS_SETGROUPS, uintptr(len(id.Groups)), uintptr(unsafe.Pointer(&groups[0])))
	}
	gid, uid := uintptr(id.GID), uintptr(id.UID)
	p.Add(fork.MustWork, fmt.Sprintf("setresgid(%d)", gid), syscall.SYS_SETRESGID, gid, gid, gid)
	p.Add(fork.MustWork, fmt.Sprintf("setresuid(%d)", uid), syscall.SYS_SETRESUID, uid, uid, uid)
}

func (c Command) exec(p *program) { p.exec(c.Argv, c.Env) }

// exec runs argv, looked for in the environment's PATH as execvp(3) does.
func (p *program) exec(arguments, environment []string) {
	argv, env := p.Vector(arguments), p.Vector(environment)
	name := arguments[0]
	if strings.Contains(name, "/") {
		p.Add(fork.MustWork, "execve("+strconv.Quote(name)+")", syscall.SYS_EXECVE, p.Text(name), argv, env)
		return
	}
	path := step.LookupEnv(environment, "PATH")
	if path == "" {
		path = "/bin:/usr/bin"
	}
	for _, dir := range strings.Split(path, ":") {
		if dir != "" { // an empty entry would be the working directory
			p.Add(fork.TryExec, "execve("+strconv.Quote(name)+")", syscall.SYS_EXECVE, p.Text(dir+"/"+name), argv, env)
		}
	}
}
