package seccomp

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// verdicts are what a profile may have done; handing a call to another process
// is not among them.
var verdicts = map[specs.LinuxSeccompAction]verdict{
	specs.ActKill: 0, specs.ActKillThread: 0, // SECCOMP_RET_KILL_THREAD
	specs.ActKillProcess: 0x80000000, // SECCOMP_RET_KILL_PROCESS
	specs.ActTrap:        0x00030000, // SECCOMP_RET_TRAP
	specs.ActErrno:       refused,
	specs.ActLog:         0x7ffc0000, // SECCOMP_RET_LOG
	specs.ActAllow:       allowed,
}

// names are OCI's of the ABIs.
var names = map[*arch.Info]specs.Arch{
	arch.X86_64: specs.ArchX86_64, arch.I386: specs.ArchX86, arch.AARCH64: specs.ArchAARCH64, arch.ARM: specs.ArchARM,
}

// Unsupported is a part of a profile that Compile cannot do.
type Unsupported struct {
	Field string // such as "syscalls[3]"
	Why   string
}

func (u *Unsupported) Error() string { return u.Field + ": " + u.Why }

// Compile makes the filter of somebody's profile, as Default does of Docker's.
// Calls of an ABI that the profile does not name fail with EPERM, whatever its
// default is.
func Compile(profile *specs.LinuxSeccomp) ([]byte, error) {
	abis := machines[runtime.GOARCH]
	if len(abis) == 0 {
		return nil, fmt.Errorf("make seccomp filter: no table of system calls for %s", runtime.GOARCH)
	}
	otherwise, err := otherwise(profile, abis[0])
	if err != nil {
		return nil, err
	}
	var tables []table
	for i, abi := range abis {
		if i > 0 && !slices.Contains(profile.Architectures, names[abi]) {
			continue // by default it is the machine's own only
		}
		t := table{abi, make(map[uint32]rule)}
		for i, call := range profile.Syscalls {
			if err := t.addCall(call); err != nil {
				return nil, &Unsupported{fmt.Sprintf("syscalls[%d]", i), err.Error()}
			}
		}
		t.closeMultiplexer()
		tables = append(tables, t)
	}
	program := compile(tables, otherwise, errno(nil))
	if len(program) > mostInstructions {
		return nil, &Unsupported{"syscalls", fmt.Sprintf("%d instructions, and the kernel takes %d", len(program), mostInstructions)}
	}
	return encode(program)
}

// mostInstructions is BPF_MAXINSNS of linux/bpf_common.h.
const mostInstructions = 4096

// otherwise is the profile's default, once all but its rules is checked.
func otherwise(profile *specs.LinuxSeccomp, own *arch.Info) (verdict, error) {
	if len(profile.Architectures) > 0 && !slices.Contains(profile.Architectures, names[own]) {
		return 0, &Unsupported{"architectures", fmt.Sprintf("this machine's, %s, is not among them", names[own])}
	}
	for field, set := range map[string]bool{"flags": len(profile.Flags) > 0, "listenerPath": profile.ListenerPath != "", "listenerMetadata": profile.ListenerMetadata != ""} {
		if set {
			return 0, &Unsupported{field, "not supported"}
		}
	}
	v, err := verdictOf(profile.DefaultAction, profile.DefaultErrnoRet)
	if err != nil {
		return 0, &Unsupported{"defaultAction", err.Error()}
	}
	return v, nil
}

func verdictOf(action specs.LinuxSeccompAction, number *uint) (verdict, error) {
	const most = 4095 // MAX_ERRNO of linux/err.h
	v, ok := verdicts[action]
	switch {
	case !ok:
		return 0, fmt.Errorf("%q is not supported", action)
	case v != refused && number != nil:
		return 0, fmt.Errorf("an errno does not go with %s", action)
	case v != refused:
		return v, nil
	case number != nil && (*number == 0 || *number > most):
		return 0, fmt.Errorf("%d is no errno", *number)
	}
	return errno(number), nil
}

// addCall adds one rule of a profile. Of two for one call the first decides,
// which is as good as the specification's word only if both agree.
func (t table) addCall(call specs.LinuxSyscall) error {
	v, err := verdictOf(call.Action, call.ErrnoRet)
	if err == nil {
		err = conditions(call.Args).check()
	}
	if err != nil {
		return err
	}
	for _, name := range call.Names {
		number, ok := t.abi.SyscallNames[name]
		if !ok {
			continue // as libseccomp does
		}
		if known, there := t.rules[uint32(number)]; there && known.verdict != v {
			return fmt.Errorf("another rule has something else done with %s", name)
		}
		t.add(uint32(number), v, call.Args)
	}
	return nil
}
