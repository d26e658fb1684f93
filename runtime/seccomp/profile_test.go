package seccomp

import (
	"encoding/binary"
	"errors"
	"runtime"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"
)

// decide runs a filter on a system call, and returns the kernel's answer.
func decide(t *testing.T, program []byte, machine uint32, number int, args ...uint64) uint32 {
	t.Helper()
	var instructions []bpf.Instruction
	for i := 0; i < len(program); i += 8 {
		raw := bpf.RawInstruction{Op: binary.NativeEndian.Uint16(program[i:]), Jt: program[i+2], Jf: program[i+3], K: binary.NativeEndian.Uint32(program[i+4:])}
		instructions = append(instructions, raw.Disassemble())
	}
	vm, err := bpf.NewVM(instructions)
	if err != nil {
		t.Fatal(err)
	}
	// struct seccomp_data; the virtual machine reads big-endian, as from a network.
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data, uint32(number))
	binary.BigEndian.PutUint32(data[4:], machine)
	for i, a := range args {
		low, high := 16+8*i, 20+8*i // as on a little-endian machine
		binary.BigEndian.PutUint32(data[low:], uint32(a))
		binary.BigEndian.PutUint32(data[high:], uint32(a>>32))
	}
	answer, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(answer)
}

func TestCompile(t *testing.T) {
	machine := machines[runtime.GOARCH][0]
	own, number := uint32(machine.ID), func(name string) int { return machine.SyscallNames[name] }
	busy := uint(syscall.EBUSY)
	program, err := Compile(&specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{
		{Names: []string{"mount", "nosuchcall"}, Action: specs.ActErrno},
		{Names: []string{"umount2"}, Action: specs.ActErrno, ErrnoRet: &busy},
		{Names: []string{"personality"}, Action: specs.ActKillProcess, Args: []specs.LinuxSeccompArg{{Index: 0, Value: 8, Op: specs.OpEqualTo}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what    string
		machine uint32
		number  int
		args    []uint64
		want    verdict
	}{
		{"a call that no rule names", own, number("getpid"), nil, allowed},
		{"one that is refused", own, number("mount"), nil, refused | verdict(syscall.EPERM)},
		{"with another errno", own, number("umount2"), nil, refused | verdict(syscall.EBUSY)},
		{"with an argument that kills", own, number("personality"), []uint64{8}, verdicts[specs.ActKillProcess]},
		{"with another argument", own, number("personality"), []uint64{9}, allowed},
		{"of another architecture", own ^ 1, number("getpid"), nil, refused | verdict(syscall.EPERM)},
	} {
		if got := verdict(decide(t, program, c.machine, c.number, c.args...)); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.what, got, c.want)
		}
	}
}

// TestCompileUnknown: what is newer than a profile is unknown, whatever it has
// done with the rest, if it does not let that through.
func TestCompileUnknown(t *testing.T) {
	machine := machines[runtime.GOARCH][0]
	mount := machine.SyscallNames["mount"]
	for _, c := range []struct {
		by           specs.LinuxSeccompAction
		rules        []specs.LinuxSyscall
		below, above verdict
	}{
		{specs.ActErrno, []specs.LinuxSyscall{{Names: []string{"mount"}, Action: specs.ActAllow}}, errno(nil), refused | 38},
		{specs.ActKillProcess, []specs.LinuxSyscall{{Names: []string{"mount"}, Action: specs.ActErrno}}, verdicts[specs.ActKillProcess], refused | 38},
		{specs.ActAllow, []specs.LinuxSyscall{{Names: []string{"mount"}, Action: specs.ActErrno}}, allowed, allowed},
		{specs.ActLog, []specs.LinuxSyscall{{Names: []string{"mount"}, Action: specs.ActErrno}}, verdicts[specs.ActLog], verdicts[specs.ActLog]},
		{specs.ActErrno, nil, errno(nil), errno(nil)},
	} {
		program, err := Compile(&specs.LinuxSeccomp{DefaultAction: c.by, Syscalls: c.rules})
		if err != nil {
			t.Fatal(err)
		}
		for number, want := range map[int]verdict{mount - 1: c.below, mount + 1: c.above, 9999: c.above} {
			if got := verdict(decide(t, program, uint32(machine.ID), number)); got != want {
				t.Errorf("%s, %d rules: call %d gives %#x, want %#x", c.by, len(c.rules), number, got, want)
			}
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for field, profile := range map[string]specs.LinuxSeccomp{
		"defaultAction": {DefaultAction: specs.ActTrace},
		"syscalls[0]":   {DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{{Names: []string{"read"}, Action: specs.ActNotify}}},
		"listenerPath":  {DefaultAction: specs.ActAllow, ListenerPath: "/x"},
		"architectures": {DefaultAction: specs.ActAllow, Architectures: []specs.Arch{specs.ArchS390}},
	} {
		_, err := Compile(&profile)
		var unsupported *Unsupported
		if !errors.As(err, &unsupported) || unsupported.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestComparisons holds every operator against numbers around the one it
// compares with, in both halves.
func TestComparisons(t *testing.T) {
	machine := machines[runtime.GOARCH][0]
	number := machine.SyscallNames["personality"]
	for op, met := range map[specs.LinuxSeccompOperator]func(a, b uint64) bool{
		specs.OpEqualTo: func(a, b uint64) bool { return a == b }, specs.OpNotEqual: func(a, b uint64) bool { return a != b },
		specs.OpLessThan: func(a, b uint64) bool { return a < b }, specs.OpLessEqual: func(a, b uint64) bool { return a <= b },
		specs.OpGreaterThan: func(a, b uint64) bool { return a > b }, specs.OpGreaterEqual: func(a, b uint64) bool { return a >= b },
	} {
		for _, value := range []uint64{0, 7, 1 << 32, 5<<32 | 7} {
			program, err := Compile(&specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Syscalls: []specs.LinuxSyscall{
				{Names: []string{"personality"}, Action: specs.ActErrno, Args: []specs.LinuxSeccompArg{{Index: 0, Value: value, Op: op}}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			for _, near := range []uint64{0, value - 1, value, value + 1, value + 1<<32, value - 1<<32, ^uint64(0)} {
				want := allowed
				if met(near, value) {
					want = errno(nil)
				}
				if got := verdict(decide(t, program, uint32(machine.ID), number, near)); got != want {
					t.Errorf("%#x %s %#x: %#x, want %#x", near, op, value, got, want)
				}
			}
		}
	}
}
