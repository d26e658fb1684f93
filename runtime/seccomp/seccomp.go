// Package seccomp makes the system call filter of a sandbox: Docker's default
// profile, for the capabilities the sandbox keeps, as a BPF program.
package seccomp

import (
	"encoding/binary"
	"fmt"
	"runtime"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/moby/profiles/seccomp"
	"golang.org/x/net/bpf"
)

// Default compiles Docker's default profile for a program whose bounding set
// is bounding. The result is an array of struct sock_filter, 8 bytes each in
// the machine's byte order; see seccomp(2).
//
// What the profile does not allow fails with EPERM, what is newer than all that
// it knows with ENOSYS; so does clone3, and C libraries fall back to clone,
// whose flags a filter can see. The calls of
// 32-bit programs on a 64-bit kernel are looked at by their own numbers.
func Default(bounding []string) ([]byte, error) {
	return forMachine(runtime.GOARCH, bounding)
}

// forMachine is Default for any machine that the filter knows, by GOARCH.
func forMachine(machine string, bounding []string) ([]byte, error) {
	abis, ok := machines[machine]
	if !ok {
		return nil, fmt.Errorf("make seccomp filter: no table of system calls for %s", machine)
	}
	profile := seccomp.DefaultProfile()
	var tables []table
	for _, abi := range abis {
		t, err := newTable(profile, machine, abi, bounding)
		if err != nil {
			return nil, fmt.Errorf("make seccomp filter for %s: %w", abi.Name, err)
		}
		tables = append(tables, t)
	}
	return encode(compile(tables, errno(profile.DefaultErrnoRet), errno(profile.DefaultErrnoRet)))
}

// machines are the ABIs that a kernel has: its own, and the 32-bit one. (The
// x32 ABI of amd64, which hardly any kernel has, is refused.)
var machines = map[string][]*arch.Info{
	"amd64": {arch.X86_64, arch.I386},
	"arm64": {arch.AARCH64, arch.ARM},
}

func encode(instructions []bpf.Instruction) ([]byte, error) {
	raw, err := bpf.Assemble(instructions)
	if err != nil {
		return nil, fmt.Errorf("encode seccomp filter: %w", err)
	}
	program := make([]byte, 0, 8*len(raw))
	for _, i := range raw {
		program = binary.NativeEndian.AppendUint16(program, i.Op)
		program = append(program, i.Jt, i.Jf)
		program = binary.NativeEndian.AppendUint32(program, i.K)
	}
	return program, nil
}
