package kernel

import (
	"syscall"
	"unsafe"
)

// Arguments of prctl(2) that install a filter.
const (
	PR_SET_SECCOMP      = 22
	SECCOMP_MODE_FILTER = 2
)

// Filter is struct sock_fprog: a BPF program as the kernel takes it.
type Filter struct {
	length  uint16 // instructions
	program *byte
}

// NewFilter wraps a program of struct sock_filter, 8 bytes each; EINVAL for
// one that is empty, cut, or longer than the kernel takes (BPF_MAXINSNS).
func NewFilter(program []byte) (*Filter, error) {
	const size, most = 8, 4096
	if len(program) == 0 || len(program)%size != 0 || len(program)/size > most {
		return nil, syscall.EINVAL
	}
	return &Filter{uint16(len(program) / size), unsafe.SliceData(program)}, nil
}
