// Package seccomp makes the system call filter of a sandbox: Docker's default
// profile, for the capabilities the sandbox keeps, as a BPF program.
package seccomp

import (
	"encoding/binary"
	"fmt"
	"syscall"

	bpfpolicy "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"
)

// Default compiles Docker's default profile for a program whose bounding set
// is bounding. The result is an array of struct sock_filter, 8 bytes each in
// the machine's byte order; see seccomp(2).
//
// What the profile does not allow fails with EPERM, clone3 with ENOSYS so that
// C libraries fall back to clone, whose flags a filter can see. Calls of
// another architecture (32-bit programs on a 64-bit kernel) fail.
func Default(bounding []string) ([]byte, error) {
	profile, err := seccomp.GetDefaultProfile(&specs.Spec{Process: &specs.Process{
		Capabilities: &specs.LinuxCapabilities{Bounding: bounding}}})
	if err != nil {
		return nil, fmt.Errorf("make seccomp profile: %w", err)
	}
	return compile(profile)
}

func compile(profile *specs.LinuxSeccomp) ([]byte, error) {
	machine, err := arch.GetInfo("")
	if err != nil {
		return nil, fmt.Errorf("compile seccomp profile: %w", err)
	}
	allow, err := group(profile, machine, specs.ActAllow)
	if err != nil {
		return nil, err
	}
	refuse, err := group(profile, machine, specs.ActErrno)
	if err != nil {
		return nil, err
	}
	allow.Action = bpfpolicy.ActionAllow
	refuse.Action = bpfpolicy.ActionErrno&^errnoMask | bpfpolicy.Action(syscall.ENOSYS)
	policy := bpfpolicy.Policy{DefaultAction: bpfpolicy.ActionErrno, Syscalls: []bpfpolicy.SyscallGroup{refuse, allow}}
	instructions, err := policy.Assemble()
	if err != nil {
		return nil, fmt.Errorf("compile seccomp profile: %w", err)
	}
	return encode(instructions)
}

// errnoMask is the part of a filter's return value that holds the errno,
// SECCOMP_RET_DATA of seccomp(2).
const errnoMask = 0xffff

// group collects the rules that lead to one action. Names that this
// architecture does not have are left out, as libseccomp does.
func group(profile *specs.LinuxSeccomp, machine *arch.Info, action specs.LinuxSeccompAction) (bpfpolicy.SyscallGroup, error) {
	var g bpfpolicy.SyscallGroup
	seen := make(map[string]bool)
	for _, rule := range profile.Syscalls {
		if rule.Action != action {
			continue
		}
		if action == specs.ActErrno && (rule.ErrnoRet == nil || *rule.ErrnoRet != uint(syscall.ENOSYS)) {
			return g, fmt.Errorf("compile seccomp profile: a rule for %v gives another errno than ENOSYS", rule.Names)
		}
		conditions, err := conditions(rule.Args)
		if err != nil {
			return g, fmt.Errorf("compile seccomp profile: rule for %v: %w", rule.Names, err)
		}
		for _, name := range rule.Names {
			if _, ok := machine.SyscallNames[name]; !ok {
				continue
			}
			if len(conditions) > 0 {
				g.NamesWithCondtions = append(g.NamesWithCondtions, bpfpolicy.NameWithConditions{Name: name, Conditions: conditions})
			} else if !seen[name] {
				seen[name] = true
				g.Names = append(g.Names, name)
			}
		}
	}
	return unconditional(g, seen), nil
}

// unconditional drops the conditions of calls that another rule allows
// anyway, such as clone with CAP_SYS_ADMIN.
func unconditional(g bpfpolicy.SyscallGroup, always map[string]bool) bpfpolicy.SyscallGroup {
	kept := g.NamesWithCondtions[:0]
	for _, rule := range g.NamesWithCondtions {
		if !always[rule.Name] {
			kept = append(kept, rule)
		}
	}
	g.NamesWithCondtions = kept
	return g
}

var operations = map[specs.LinuxSeccompOperator]bpfpolicy.Operation{
	specs.OpEqualTo: bpfpolicy.Equal, specs.OpNotEqual: bpfpolicy.NotEqual, specs.OpLessThan: bpfpolicy.LessThan,
	specs.OpLessEqual: bpfpolicy.LessOrEqual, specs.OpGreaterThan: bpfpolicy.GreaterThan, specs.OpGreaterEqual: bpfpolicy.GreaterOrEqual,
}

func conditions(args []specs.LinuxSeccompArg) (bpfpolicy.ArgumentConditions, error) {
	var list bpfpolicy.ArgumentConditions
	for _, a := range args {
		operation, ok := operations[a.Op]
		if a.Op == specs.OpMaskedEqual && a.ValueTwo == 0 { // value & mask == 0
			operation, ok = bpfpolicy.BitsNotSet, true
		}
		if !ok {
			return nil, fmt.Errorf("operator %s with %#x and %#x is not supported", a.Op, a.Value, a.ValueTwo)
		}
		list = append(list, bpfpolicy.Condition{Argument: uint32(a.Index), Operation: operation, Value: a.Value})
	}
	return list, nil
}

func encode(instructions []bpf.Instruction) ([]byte, error) {
	raw, err := bpf.Assemble(instructions)
	if err != nil {
		return nil, fmt.Errorf("compile seccomp profile: %w", err)
	}
	program := make([]byte, 0, 8*len(raw))
	for _, i := range raw {
		program = binary.NativeEndian.AppendUint16(program, i.Op)
		program = append(program, i.Jt, i.Jf)
		program = binary.NativeEndian.AppendUint32(program, i.K)
	}
	return program, nil
}
