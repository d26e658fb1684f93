package seccomp

import (
	"fmt"
	"math"
	"slices"
	"syscall"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// verdict is what becomes of a call: SECCOMP_RET_* of seccomp(2).
type verdict uint32

const (
	allowed verdict = 0x7fff0000 // SECCOMP_RET_ALLOW
	refused verdict = 0x00050000 // SECCOMP_RET_ERRNO, with the errno added
)

// unknown is for calls newer than a profile, as runc has it: programs that try
// a new call take another way only if the kernel does not have it.
const unknown = refused | verdict(syscall.ENOSYS)

// refuses tells whether a call does not go through.
func refuses(v verdict) bool { return v != verdicts[specs.ActAllow] && v != verdicts[specs.ActLog] }

// errno refuses with that number, EPERM for none.
func errno(number *uint) verdict {
	if number == nil {
		return refused | verdict(syscall.EPERM)
	}
	return refused | verdict(*number)
}

// rule is what the profile says of one call.
type rule struct {
	verdict verdict
	// only: the verdict holds where all conditions of one of these lists are
	// met; none is always. Otherwise the profile's default holds.
	only [][]specs.LinuxSeccompArg
}

// table is an ABI and the rules for its calls by their numbers. What is not in
// it gets the profile's default, or is unknown, if it is newer than all that is.
type table struct {
	abi   *arch.Info
	rules map[uint32]rule
}

// newTable selects the rules of a profile that hold for an ABI of a machine,
// and a bounding set. Calls that the ABI does not have are left out, as
// libseccomp does. A rule without conditions goes before those with.
func newTable(profile *seccomp.Seccomp, machine string, abi *arch.Info, bounding []string) (table, error) {
	t := table{abi, make(map[uint32]rule)}
	for _, call := range profile.Syscalls {
		if !holds(call, machine, bounding) {
			continue
		}
		if err := conditions(call.Args).check(); err != nil {
			return t, fmt.Errorf("rule for %v: %w", call.Names, err)
		}
		verdict := allowed
		switch call.Action {
		case specs.ActAllow:
		case specs.ActErrno:
			verdict = errno(call.ErrnoRet)
		default:
			return t, fmt.Errorf("rule for %v: action %s is not supported", call.Names, call.Action)
		}
		for _, name := range call.Names {
			if number, ok := abi.SyscallNames[name]; ok {
				t.add(uint32(number), verdict, call.Args)
			}
		}
	}
	t.closeMultiplexer()
	return t, nil
}

// newest is the highest number of a call that there is a rule for; without
// rules nothing is newer. The private calls of 32-bit ARM, which are numbered
// apart, do not count.
func (t table) newest() uint32 {
	const private = 0xf0000 // __ARM_NR_BASE of asm/unistd.h
	newest := uint32(math.MaxUint32)
	for number := range t.rules {
		if number < private && (newest == math.MaxUint32 || number > newest) {
			newest = number
		}
	}
	return newest
}

func (t table) add(number uint32, v verdict, args []specs.LinuxSeccompArg) {
	known, there := t.rules[number]
	switch {
	case len(args) == 0:
		t.rules[number] = rule{verdict: v}
	case !there:
		t.rules[number] = rule{v, [][]specs.LinuxSeccompArg{args}}
	case len(known.only) > 0:
		known.only = append(known.only, args)
		t.rules[number] = known
	}
}

// closeMultiplexer refuses socketcall(2), whose arguments are in memory where
// no filter can see them: with it 32-bit programs could have the sockets that
// the profile refuses. C libraries have used socket(2) itself since Linux 4.3,
// and ENOSYS is what they know.
func (t table) closeMultiplexer() {
	if number, ok := t.abi.SyscallNames["socketcall"]; ok {
		t.rules[uint32(number)] = rule{verdict: unknown}
	}
}

// holds tells whether a rule is for this machine and bounding set. Kernels
// older than those that rules are about do not run Aquarium.
func holds(call *seccomp.Syscall, machine string, bounding []string) bool {
	in, out := call.Includes, call.Excludes
	if out != nil {
		kept := func(name string) bool { return slices.Contains(bounding, name) }
		if slices.Contains(out.Arches, machine) || slices.ContainsFunc(out.Caps, kept) || out.MinKernel != nil {
			return false
		}
	}
	if in == nil {
		return true
	}
	missing := func(name string) bool { return !slices.Contains(bounding, name) }
	return (len(in.Arches) == 0 || slices.Contains(in.Arches, machine)) && !slices.ContainsFunc(in.Caps, missing)
}

// conditions are on the arguments of one call; all have to be met.
type conditions []specs.LinuxSeccompArg

func (c conditions) check() error {
	for _, a := range c {
		switch a.Op {
		case specs.OpEqualTo, specs.OpNotEqual, specs.OpLessThan, specs.OpLessEqual, specs.OpGreaterThan, specs.OpGreaterEqual, specs.OpMaskedEqual:
		default:
			return fmt.Errorf("operator %s is not supported", a.Op)
		}
		if a.Index > 5 {
			return fmt.Errorf("there is no argument %d", a.Index)
		}
	}
	return nil
}
