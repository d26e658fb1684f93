package seccomp

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// operators in the order in which fuzzed bytes choose them.
var operators = []specs.LinuxSeccompOperator{
	specs.OpEqualTo, specs.OpNotEqual, specs.OpLessThan, specs.OpLessEqual, specs.OpGreaterThan, specs.OpGreaterEqual, specs.OpMaskedEqual,
}

// holdsFor is what a condition means, by the OCI specification's words.
func holdsFor(a specs.LinuxSeccompArg, given uint64) bool {
	switch a.Op {
	case specs.OpEqualTo:
		return given == a.Value
	case specs.OpNotEqual:
		return given != a.Value
	case specs.OpLessThan:
		return given < a.Value
	case specs.OpLessEqual:
		return given <= a.Value
	case specs.OpGreaterThan:
		return given > a.Value
	case specs.OpGreaterEqual:
		return given >= a.Value
	}
	return given&a.Value == a.ValueTwo
}

// profileOf makes a profile out of bytes: rules that allow personality(2),
// each of them with one condition or more, of ten bytes.
func profileOf(data []byte) *specs.LinuxSeccomp {
	profile := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno}
	rule := specs.LinuxSyscall{Names: []string{"personality"}, Action: specs.ActAllow}
	for ; len(data) >= 10; data = data[10:] {
		value := binary.LittleEndian.Uint64(data[2:])
		a := specs.LinuxSeccompArg{Index: uint(data[0] & 1), Op: operators[int(data[1])%len(operators)], Value: value}
		if a.Op == specs.OpMaskedEqual {
			a.Value, a.ValueTwo = value&^0xff, value&^0xff
		}
		rule.Args = append(rule.Args, a)
		if data[0]&2 != 0 {
			profile.Syscalls = append(profile.Syscalls, rule)
			rule.Args = nil
		}
	}
	if len(rule.Args) > 0 || len(profile.Syscalls) == 0 {
		profile.Syscalls = append(profile.Syscalls, rule)
	}
	return profile
}

// FuzzCompile compares filters of profiles, as config.json has them, with what
// the conditions in them say.
func FuzzCompile(f *testing.F) {
	equal := "\x02\x00\x08\x00\x00\x00\x00\x00\x00\x00"
	f.Add([]byte(equal), uint64(8), uint64(0))
	f.Add([]byte(equal+"\x02\x02\x05\x00\x00\x00\x00\x00\x00\x00"), uint64(4), uint64(1)<<32)
	f.Add([]byte(strings.Repeat("\x01\x03\xff\x00\x00\x00\x01\x00\x00\x00", 60)), uint64(0), uint64(1)<<33)
	f.Add([]byte(strings.Repeat("\x02\x06\x00\x10\x00\x00\x00\x00\x00\x00", 5)+strings.Repeat(equal, 300)), uint64(0x1000), uint64(0))
	f.Add([]byte("\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00"+strings.Repeat("\x00\x03\xff\x00\x00\x00\x00\x00\x00\x00", 52)), uint64(7), uint64(0))
	f.Add([]byte(strings.Repeat("\x00\x06\x00\x00\x00\x00\x00\x00\x00\x00", 700)), uint64(0), uint64(0))
	f.Add([]byte("\x00\x01\x07\x00\x00\x00\x07\x00\x00\x00\x01\x05\x07\x00\x00\x00\x07\x00\x00\x00"), uint64(7), uint64(7)<<32|7)
	machine := machines[runtime.GOARCH][0]
	f.Fuzz(func(t *testing.T, data []byte, first, second uint64) {
		profile := profileOf(data)
		program, err := Compile(profile)
		if tooLong := new(Unsupported); errors.As(err, &tooLong) && tooLong.Field == "syscalls" && len(data) > 1000 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		want := refused | verdict(syscall.EPERM)
		for _, rule := range profile.Syscalls {
			all := true
			for _, a := range rule.Args {
				all = all && holdsFor(a, []uint64{first, second}[a.Index])
			}
			if all {
				want = allowed
			}
		}
		if got := verdict(decide(t, program, uint32(machine.ID), machine.SyscallNames["personality"], first, second)); got != want {
			t.Errorf("personality(%#x, %#x) gives %#x, want %#x, by\n%+v", first, second, got, want, profile.Syscalls)
		}
	})
}
