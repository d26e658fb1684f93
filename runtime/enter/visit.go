package enter

import (
	"runtime"
	"syscall"
	"unsafe"

	"aquarium/runtime/step"
)

// Visit makes single system calls inside namespaces, without running a
// program there. Its child shares this process's descriptors: what it opens
// there (a socket of a network namespace, say) is open here afterwards.
//
// The calls must be such that cannot wait for anything in the sandbox.
type Visit struct {
	Namespaces []Namespace // in the order of Kinds
	program    program
	visited    []*Visited
	wants      []*Filled
}

// Visited is what a call of a visit gave.
type Visited struct {
	Value int           // what the call returned
	Errno syscall.Errno // 0 where it went well
}

// Filled is memory for a call to write to.
type Filled struct {
	Bytes []byte // what was written, after Run
	call  int    // index of the call, argument 0
	size  int
}

// outcomeRoom is the size of a Visited in shared memory, rounded up.
const outcomeRoom = int(unsafe.Sizeof(Visited{}))

// Call adds a system call. Arguments that point into memory are made with Text.
func (v *Visit) Call(shown string, number uintptr, args ...uintptr) *Visited {
	v.program.add(recorded, shown, number, args...)
	result := new(Visited)
	v.visited = append(v.visited, result)
	return result
}

// Text returns the address of a C string that lives as long as the visit.
func (v *Visit) Text(s string) uintptr { return v.program.text(s) }

// Open adds an openat(2) of a path of the host, or in the directory whose
// descriptor an earlier call of the visit returned.
func (v *Visit) Open(path string, flags int) *Visited {
	const cwd = ^uintptr(99) // AT_FDCWD
	return v.Call("openat("+path+")", syscall.SYS_OPENAT, cwd, v.Text(path), uintptr(flags|syscall.O_CLOEXEC))
}

// Feed makes the calls added next, so many, take what the last one returns as
// their first argument.
func (v *Visit) Feed(calls int) {
	v.program.last().feeds, v.program.last().fed = len(v.program.calls)+1, calls
}

// Fill adds a call whose first argument is memory of size bytes to write to.
func (v *Visit) Fill(size int, shown string, number uintptr) (*Visited, *Filled) {
	result := v.Call(shown, number)
	filled := &Filled{call: len(v.program.calls) - 1, size: size}
	v.wants = append(v.wants, filled)
	return result, filled
}

// Run joins the namespaces and makes the calls in order, whatever comes of
// each. A namespace that cannot be joined is a *step.CallError, and nothing
// has been called.
func (v *Visit) Run() error {
	memory, err := v.share()
	if err != nil {
		return err
	}
	defer syscall.Munmap(memory)
	whole := new(program)
	whole.keep = append(whole.keep, v.program.keep)
	whole.hide()
	whole.join(v.Namespaces)
	shift := len(whole.calls)
	for _, c := range v.program.calls {
		if c.feeds > 0 {
			c.feeds += shift
		}
		whole.calls = append(whole.calls, c)
	}
	err = visit(whole)
	runtime.KeepAlive(v)
	for i, result := range v.visited {
		*result = *(*Visited)(unsafe.Pointer(&memory[i*outcomeRoom]))
	}
	next := len(v.visited) * outcomeRoom
	for _, f := range v.wants {
		f.Bytes = append([]byte(nil), memory[next:next+f.size]...)
		next += f.size
	}
	return err
}

// share maps the memory that the child writes its results to.
func (v *Visit) share() ([]byte, error) {
	size := len(v.visited)*outcomeRoom + 1
	for _, f := range v.wants {
		size += f.size
	}
	memory, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_ANON)
	if err != nil {
		return nil, &step.CallError{Call: "mmap(MAP_SHARED|MAP_ANONYMOUS)", Errno: err.(syscall.Errno)}
	}
	for i := range v.program.calls {
		v.program.calls[i].record = (*Visited)(unsafe.Pointer(&memory[i*outcomeRoom]))
	}
	next := len(v.visited) * outcomeRoom
	for _, f := range v.wants {
		v.program.calls[f.call].args[0] = uintptr(unsafe.Pointer(&memory[next]))
		next += f.size
	}
	return memory, nil
}

// visit runs a program that ends by itself. The pipe's writing end is the
// child's too, so its end is waited for before the pipe is read.
func visit(p *program) error {
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
		return &step.CallError{Call: "pipe2()", Errno: err.(syscall.Errno)}
	}
	defer syscall.Close(pipe[0])
	pid, errno := fork(p.calls, pipe[1], syscall.CLONE_FILES)
	if errno == 0 {
		reap(pid)
	}
	runtime.KeepAlive(p)
	syscall.Close(pipe[1])
	if errno != 0 {
		return &step.CallError{Call: "clone(CLONE_FILES|SIGCHLD)", Errno: errno}
	}
	var said outcome
	n, err := syscall.Read(pipe[0], (*[outcomeSize]byte)(unsafe.Pointer(&said))[:])
	switch {
	case err != nil:
		return &step.CallError{Call: "read(pipe)", Errno: err.(syscall.Errno)}
	case n != outcomeSize:
		return &step.CallError{Call: "read(pipe)", Errno: syscall.EPIPE, Detail: "the child was killed"}
	case said.value != 0:
		return &step.CallError{Call: p.calls[said.call].shown, Errno: syscall.Errno(said.value)}
	}
	return nil
}
