package step

import (
	"unsafe"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Seccomp installs a system call filter, which the program inherits; see
// seccomp(2). It needs no_new_privs.
type Seccomp struct {
	Profile string `json:"profile"` // what the filter was made from
	Filter  []byte `json:"filter"`  // struct sock_filter, 8 bytes each
}

// Calls implements Op.
func (s *Seccomp) Calls() []Call {
	return []Call{call("prctl", raw("PR_SET_SECCOMP"), raw("SECCOMP_MODE_FILTER"), raw("&filter")).when(s.Profile)}
}

// Changes implements Op.
func (s *Seccomp) Changes() []observe.Change {
	return []observe.Change{{Kind: "seccomp filter", After: s.Profile}}
}

// Do implements Op.
func (s *Seccomp) Do(*World) error {
	program, err := kernel.NewFilter(s.Filter)
	if err != nil {
		return failed(s.Calls()[0], err)
	}
	return failed(s.Calls()[0], kernel.Prctl(kernel.PR_SET_SECCOMP, kernel.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(program))))
}
