package enter

import (
	"runtime"
	"syscall"
	"unsafe"

	"aquarium/runtime/fork"
	"aquarium/runtime/step"
)

// Visit makes single system calls inside namespaces, without running a
// program there. Its child shares this process's descriptors: what it opens
// there (a socket of a network namespace, say) is open here afterwards.
//
// The calls must be such that cannot wait for anything in the sandbox.
type Visit struct {
	Namespaces []Namespace // in the order of Kinds
	New        uintptr     // flags of clone(2): namespaces to make for it instead
	program    program
	visited    []*Visited
	wants      []*Filled
}

// Visited is what a call of a visit gave.
type Visited = fork.Result

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
	v.program.Add(fork.Recorded, shown, number, args...)
	result := new(Visited)
	v.visited = append(v.visited, result)
	return result
}

// Text returns the address of a C string that lives as long as the visit.
func (v *Visit) Text(s string) uintptr { return v.program.Text(s) }

// Memory returns the address of what p points to, which lives as long as the
// visit, for a call to read.
func (v *Visit) Memory(p unsafe.Pointer) uintptr {
	v.program.Keep(p)
	return uintptr(p)
}

// Open adds an openat(2) of a path of the host, or in the directory whose
// descriptor an earlier call of the visit returned.
func (v *Visit) Open(path string, flags int) *Visited {
	const cwd = ^uintptr(99) // AT_FDCWD
	return v.Call("openat("+path+")", syscall.SYS_OPENAT, cwd, v.Text(path), uintptr(flags|syscall.O_CLOEXEC))
}

// Feed makes the calls added next, so many, take what the last one returns as
// their first argument.
func (v *Visit) Feed(calls int) {
	v.program.Last().Feeds, v.program.Last().Fed = len(v.program.Calls)+1, calls
}

// Fill adds a call whose first argument is memory of size bytes to write to.
func (v *Visit) Fill(size int, shown string, number uintptr) (*Visited, *Filled) {
	result := v.Call(shown, number)
	filled := &Filled{call: len(v.program.Calls) - 1, size: size}
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
	whole.hide()
	whole.join(v.Namespaces)
	whole.Append(&v.program.Program)
	err = refused(whole.Run(syscall.CLONE_FILES | v.New))
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
	for i := range v.program.Calls {
		v.program.Calls[i].Record = (*Visited)(unsafe.Pointer(&memory[i*outcomeRoom]))
	}
	next := len(v.visited) * outcomeRoom
	for _, f := range v.wants {
		v.program.Calls[f.call].Args[0] = uintptr(unsafe.Pointer(&memory[next]))
		next += f.size
	}
	return memory, nil
}
