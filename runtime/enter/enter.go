// Package enter runs a program inside namespaces that exist: what nsenter(1)
// does, from one static binary.
//
// The package imports only the standard library, so that supervisors can use
// it; package reexec says why.
package enter

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

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
	Identity   step.Identity // who the program runs as
	KeepGroups bool          // setgroups(2) is denied in the user namespace
	KeepUser   bool          // stay who one is
	Keep       []string      // bounding set; nil keeps all
	NoNewPrivs bool
	Filter     []byte // system calls, as step.Seccomp has it; nil for none
}

// Start runs the command and returns its process, a child of this one. A
// refused call is a *step.CallError.
func Start(c Command) (*os.Process, error) {
	process, err := start(c.compile())
	runtime.KeepAlive(c)
	return process, err
}

// RestoreFileLimit gives back the soft limit on open files that this process
// was started with, so that what it starts here gets it too. Go raises it for
// itself, and lowers it again for others only in os.StartProcess and in an
// exec, even one that comes to nothing; see RLIMIT_NOFILE in getrlimit(2).
func RestoreFileLimit() { syscall.Exec("", nil, nil) }

func start(program *program) (*os.Process, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	pid, errno := fork(program.calls, int(writer.Fd()), 0)
	writer.Close()
	runtime.KeepAlive(program)
	if errno != 0 {
		return nil, &step.CallError{Call: "fork()", Errno: errno}
	}
	return follow(pid, reader, program)
}

// follow reads what the child says until exec closes the pipe.
func follow(pid int, reader *os.File, program *program) (*os.Process, error) {
	said, err := readOutcomes(reader)
	if err != nil {
		return nil, err
	}
	var refused error
	for _, o := range said { // the copy may fail before the original has reported it
		if o.call < 0 {
			reap(pid)
			pid = int(o.value)
		} else {
			refused = &step.CallError{Call: program.calls[o.call].shown, Errno: syscall.Errno(o.value)}
		}
	}
	if refused != nil {
		reap(pid)
		return nil, refused
	}
	return os.FindProcess(pid) // a child of ours: the number cannot be another's before it is waited for
}

func readOutcomes(reader *os.File) ([]outcome, error) {
	var all []outcome
	buffer := make([]byte, 4*outcomeSize)
	have := 0
	for {
		n, err := reader.Read(buffer[have:])
		have += n
		for have >= outcomeSize {
			all = append(all, *(*outcome)(unsafe.Pointer(&buffer[0])))
			have = copy(buffer, buffer[outcomeSize:have])
		}
		if n == 0 || err != nil {
			return all, nil // the end: exec, or exit after a report
		}
	}
}

func reap(pid int) {
	var status syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != syscall.EINTR {
			return
		}
	}
}

// program is the calls of a command, and the memory they point into.
type program struct {
	calls []rawCall
	keep  []any
}

func (p *program) add(f flow, shown string, number uintptr, args ...uintptr) {
	c := rawCall{number: number, flow: f, shown: shown}
	copy(c.args[:], args)
	p.calls = append(p.calls, c)
}

func (p *program) last() *rawCall { return &p.calls[len(p.calls)-1] }

// text returns a C string that lives as long as the program.
func (p *program) text(s string) uintptr {
	b, err := syscall.BytePtrFromString(s)
	if err != nil {
		b, _ = syscall.BytePtrFromString(strings.ReplaceAll(s, "\x00", "")) // Check refuses NUL earlier
	}
	p.keep = append(p.keep, b)
	return uintptr(unsafe.Pointer(b))
}

func (p *program) vector(list []string) uintptr {
	v, _ := syscall.SlicePtrFromStrings(list)
	p.keep = append(p.keep, v)
	return uintptr(unsafe.Pointer(&v[0]))
}

func (c Command) compile() *program {
	p := new(program)
	p.hide()
	c.join(p)
	c.descriptors(p)
	c.confine(p)
	c.exec(p)
	return p
}

// hide keeps processes inside from looking at or tracing this one while it
// still is the host's binary (CVE-2016-9962, CVE-2019-5736); see
// PR_SET_DUMPABLE in prctl(2). The exec makes it dumpable again.
func (p *program) hide() {
	const setDumpable = 4
	p.add(mustWork, "prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)", syscall.SYS_PRCTL, setDumpable, 0)
}

func (c Command) join(p *program) {
	forked := false
	for _, n := range c.Namespaces {
		p.add(mustWork, fmt.Sprintf("setns(%s namespace, %#x)", n.Kind.Name, n.Kind.Flag), sysSetns, n.File.Fd(), n.Kind.Flag)
		forked = forked || n.Kind.Name == "pid" || n.Kind.Name == "time"
	}
	if c.Root != nil {
		p.add(mustWork, "fchdir(root)", syscall.SYS_FCHDIR, c.Root.Fd())
		p.add(mustWork, `chroot(".")`, syscall.SYS_CHROOT, p.text("."))
	}
	if forked {
		p.forkAgain()
	}
	dir := c.Dir
	if dir == "" {
		dir = "/"
	}
	p.add(mustWork, "chdir("+strconv.Quote(dir)+")", syscall.SYS_CHDIR, p.text(dir))
}

// forkAgain makes a process that is in the joined pid namespace: setns changes
// the namespace of children only, see pid_namespaces(7).
func (p *program) forkAgain() {
	const cloneParent = 0x8000 // CLONE_PARENT: the copy is a child of this process too
	p.add(forkAgain, "clone(CLONE_PARENT|SIGCHLD)", syscall.SYS_CLONE, cloneParent|uintptr(syscall.SIGCHLD))
}

func (c Command) descriptors(p *program) {
	if c.Terminal {
		p.add(mustWork, "setsid()", syscall.SYS_SETSID)
		p.add(mustWork, "ioctl(terminal, TIOCSCTTY, 0)", syscall.SYS_IOCTL, c.Stdio[0].Fd(), syscall.TIOCSCTTY, 0)
	}
	for fd, file := range c.Stdio {
		p.add(mustWork, fmt.Sprintf("dup3(%s, %d, 0)", file.Name(), fd), syscall.SYS_DUP3, file.Fd(), uintptr(fd), 0)
	}
}

func (c Command) confine(p *program) {
	if c.Keep != nil {
		for number, name := range kernel.Capabilities() {
			if !slices.Contains(c.Keep, name) {
				p.add(mayFail, "prctl(PR_CAPBSET_DROP, "+name+")", syscall.SYS_PRCTL, kernel.PR_CAPBSET_DROP, uintptr(number))
			}
		}
		p.add(mayFail, "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)", syscall.SYS_PRCTL, kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL)
	}
	if !c.KeepUser {
		c.become(p)
	}
	if c.NoNewPrivs {
		p.add(mustWork, "prctl(PR_SET_NO_NEW_PRIVS, 1)", syscall.SYS_PRCTL, kernel.PR_SET_NO_NEW_PRIVS, 1)
	}
	p.add(mustWork, "umask(022)", syscall.SYS_UMASK, 0o022)
	if len(c.Filter) > 0 {
		filter, _ := kernel.NewFilter(c.Filter) // nil for a malformed one, which the kernel refuses: EFAULT
		p.keep = append(p.keep, filter)
		p.add(mustWork, "prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER)", syscall.SYS_PRCTL, kernel.PR_SET_SECCOMP, kernel.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(filter)))
	}
}

func (c Command) become(p *program) {
	id := c.Identity
	if c.Terminal && id.UID != 0 {
		p.add(mayFail, "fchown(terminal)", syscall.SYS_FCHOWN, 0, uintptr(id.UID), ^uintptr(0))
	}
	if !c.KeepGroups {
		groups := make([]uint32, len(id.Groups)+1)
		for i, g := range id.Groups {
			groups[i] = uint32(g)
		}
		p.keep = append(p.keep, groups)
		p.add(mustWork, "setgroups()", syscall.SYS_SETGROUPS, uintptr(len(id.Groups)), uintptr(unsafe.Pointer(&groups[0])))
	}
	gid, uid := uintptr(id.GID), uintptr(id.UID)
	p.add(mustWork, fmt.Sprintf("setresgid(%d)", gid), syscall.SYS_SETRESGID, gid, gid, gid)
	p.add(mustWork, fmt.Sprintf("setresuid(%d)", uid), syscall.SYS_SETRESUID, uid, uid, uid)
}

func (c Command) exec(p *program) { p.exec(c.Argv, c.Env) }

// exec runs argv, looked for in the environment's PATH as execvp(3) does.
func (p *program) exec(arguments, environment []string) {
	argv, env := p.vector(arguments), p.vector(environment)
	name := arguments[0]
	if strings.Contains(name, "/") {
		p.add(mustWork, "execve("+strconv.Quote(name)+")", syscall.SYS_EXECVE, p.text(name), argv, env)
		return
	}
	path := step.LookupEnv(environment, "PATH")
	if path == "" {
		path = "/bin:/usr/bin"
	}
	for _, dir := range strings.Split(path, ":") {
		if dir != "" { // an empty entry would be the working directory
			p.add(tryExec, "execve("+strconv.Quote(name)+")", syscall.SYS_EXECVE, p.text(dir+"/"+name), argv, env)
		}
	}
}
