package fork

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// Program is the calls of a child, in order, and the memory they point into.
type Program struct {
	Calls []Call
	Group *os.File // directory of a control group of version 2 to begin in; nil is that of this process
	keep  []any
}

// Add adds a call.
func (p *Program) Add(f Flow, shown string, number uintptr, args ...uintptr) {
	c := Call{Number: number, Flow: f, Shown: shown}
	copy(c.Args[:], args)
	p.Calls = append(p.Calls, c)
}

// Last is the call that was added last.
func (p *Program) Last() *Call { return &p.Calls[len(p.Calls)-1] }

// Append adds the calls of another program; what they refer to by number moves
// along.
func (p *Program) Append(q *Program) {
	shift := len(p.Calls)
	p.keep = append(p.keep, q.keep)
	for _, c := range q.Calls {
		if c.Feeds > 0 {
			c.Feeds += shift
		}
		if c.Unless > 0 {
			c.Unless += shift
		}
		p.Calls = append(p.Calls, c)
	}
}

// Keep lets memory live as long as the program.
func (p *Program) Keep(memory any) { p.keep = append(p.keep, memory) }

// Text returns the address of a C string that lives as long as the program. A
// NUL byte, which no C string holds, is left out.
func (p *Program) Text(s string) uintptr {
	b, err := syscall.BytePtrFromString(s)
	if err != nil {
		b, _ = syscall.BytePtrFromString(strings.ReplaceAll(s, "\x00", ""))
	}
	p.Keep(b)
	return uintptr(unsafe.Pointer(b))
}

// Vector returns the address of a list of C strings, as execve(2) takes them.
func (p *Program) Vector(list []string) uintptr {
	v, _ := syscall.SlicePtrFromStrings(list)
	p.Keep(v)
	return uintptr(unsafe.Pointer(&v[0]))
}

func (p *Program) group() int {
	if p.Group == nil {
		return -1
	}
	return int(p.Group.Fd())
}

// Waiting is a program that begins with waiting for a byte on a pipe, or for
// the end of the process that has its other end.
func Waiting(pipe, other int) *Program {
	p := new(Program)
	buffer := new([8]byte)
	p.Keep(buffer)
	p.Add(MustWork, "close(pipe)", syscall.SYS_CLOSE, uintptr(other))
	p.Add(MustWork, "read(pipe)", syscall.SYS_READ, uintptr(pipe), uintptr(unsafe.Pointer(buffer)), 1)
	return p
}

// Refused is a call that the kernel refused to the child.
type Refused struct {
	Call   string // as C
	Errno  syscall.Errno
	Detail string // what the errno does not say
}

func (r *Refused) Error() string {
	if r.Detail != "" {
		return r.Call + ": " + r.Errno.Error() + " (" + r.Detail + ")"
	}
	return r.Call + ": " + r.Errno.Error()
}

func (r *Refused) Unwrap() error { return r.Errno }

// Child is a process that performs a program.
type Child struct {
	PID     int
	program *Program
	pipe    *os.File // on which it says what failed
}

// Start makes a child, with flags of clone(2). An error is a *Refused.
func (p *Program) Start(flags uintptr) (*Child, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, &Refused{Call: "pipe2()", Errno: syscall.EMFILE, Detail: err.Error()}
	}
	pid, errno := fork(p.Calls, int(writer.Fd()), flags, p.group())
	writer.Close()
	runtime.KeepAlive(p)
	if errno != 0 {
		reader.Close()
		return nil, &Refused{Call: "clone()", Errno: errno}
	}
	return &Child{pid, p, reader}, nil
}

// Process waits until the child has become another program, and returns it.
// An error is the *Refused call, and there is no child any more.
func (c *Child) Process() (*os.Process, error) {
	defer c.pipe.Close()
	var refused error
	for _, o := range readOutcomes(c.pipe) { // the copy may fail before the original has reported it
		if o.call < 0 {
			reap(c.PID)
			c.PID = int(o.value)
		} else {
			refused = &Refused{Call: c.program.Calls[o.call].Shown, Errno: syscall.Errno(o.value)}
		}
	}
	runtime.KeepAlive(c.program)
	if refused != nil {
		reap(c.PID)
		return nil, refused
	}
	return os.FindProcess(c.PID) // a child of ours: the number cannot be another's before it is waited for
}

// Kill ends a child that has not become another program, and reaps it.
func (c *Child) Kill() {
	syscall.Kill(c.PID, syscall.SIGKILL)
	reap(c.PID)
	c.pipe.Close()
}

// Run performs a program that ends by itself, without an execve. With
// CLONE_FILES the pipe's writing end is the child's too, so its end is waited
// for before the pipe is read.
func (p *Program) Run(flags uintptr) error {
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
		return &Refused{Call: "pipe2()", Errno: err.(syscall.Errno)}
	}
	defer syscall.Close(pipe[0])
	pid, errno := fork(p.Calls, pipe[1], flags, p.group())
	if errno == 0 {
		reap(pid)
	}
	runtime.KeepAlive(p)
	syscall.Close(pipe[1])
	if errno != 0 {
		return &Refused{Call: "clone()", Errno: errno}
	}
	var said outcome
	n, err := syscall.Read(pipe[0], (*[outcomeSize]byte)(unsafe.Pointer(&said))[:])
	switch {
	case err != nil:
		return &Refused{Call: "read(pipe)", Errno: err.(syscall.Errno)}
	case n != outcomeSize:
		return &Refused{Call: "read(pipe)", Errno: syscall.EPIPE, Detail: "the child was killed"}
	case said.value != 0:
		return &Refused{Call: p.Calls[said.call].Shown, Errno: syscall.Errno(said.value)}
	}
	return nil
}

// readOutcomes reads what the child says until exec, or its end, closes the
// pipe.
func readOutcomes(reader *os.File) []outcome {
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
			return all
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

// RestoreFileLimit gives back the soft limit on open files that this process
// was started with, so that what it starts here gets it too. Go raises it for
// itself, and lowers it again for others only in os.StartProcess and in an
// exec, even one that comes to nothing; see RLIMIT_NOFILE in getrlimit(2).
func RestoreFileLimit() { syscall.Exec("", nil, nil) }
