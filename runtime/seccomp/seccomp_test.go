package seccomp

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"

	"aquarium/runtime/kernel"
	"aquarium/runtime/spec"
)

// filter is a program as the kernel would run it.
type filter struct {
	t  *testing.T
	vm *bpf.VM
}

func newFilter(t *testing.T, program []byte) filter {
	t.Helper()
	var instructions []bpf.Instruction
	for at := 0; at < len(program); at += 8 {
		raw := bpf.RawInstruction{Op: binary.NativeEndian.Uint16(program[at:]), Jt: program[at+2], Jf: program[at+3], K: binary.NativeEndian.Uint32(program[at+4:])}
		instructions = append(instructions, raw.Disassemble())
	}
	vm, err := bpf.NewVM(instructions)
	if err != nil {
		t.Fatal(err)
	}
	return filter{t, vm}
}

// verdict runs the filter on struct seccomp_data. The VM loads words of
// network order: each is written so.
func (f filter) verdict(abi, number uint32, args [6]uint64) verdict {
	f.t.Helper()
	var data [argsOffset + 6*argSize]byte
	binary.BigEndian.PutUint32(data[numberOffset:], number)
	binary.BigEndian.PutUint32(data[archOffset:], abi)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[argsOffset+argSize*i:], uint32(a))
		binary.BigEndian.PutUint32(data[argsOffset+argSize*i+halfSize:], uint32(a>>32))
	}
	n, err := f.vm.Run(data[:])
	if err != nil {
		f.t.Fatal(err)
	}
	return verdict(n)
}

// document is Docker's profile as its JSON says it, read here by code that has
// nothing in common with the filter's.
type document struct {
	DefaultErrnoRet uint
	Syscalls        []struct {
		Names              []string
		Action             string
		ErrnoRet           *uint
		Args               []specs.LinuxSeccompArg
		Includes, Excludes struct {
			Caps, Arches []string
			MinKernel    string
		}
	}
}

func readDocument(t *testing.T) document {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(moduleDir(t, "github.com/moby/profiles/seccomp"), "default.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Syscalls) < 50 {
		t.Fatalf("the profile has %d rules", len(d.Syscalls))
	}
	return d
}

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// want is the profile's answer to one call.
func (d document) want(machine, name string, bounding []string, args [6]uint64) verdict {
	subset := func(list []string) bool {
		return !slices.ContainsFunc(list, func(c string) bool { return !slices.Contains(bounding, c) })
	}
	answer := refused | verdict(d.DefaultErrnoRet)
	for _, s := range d.Syscalls {
		switch {
		case !slices.Contains(s.Names, name):
		case len(s.Includes.Arches) > 0 && !slices.Contains(s.Includes.Arches, machine):
		case slices.Contains(s.Excludes.Arches, machine):
		case !subset(s.Includes.Caps):
		case len(s.Excludes.Caps) > 0 && subset(s.Excludes.Caps):
		case !met(s.Args, args):
		case s.Action == "SCMP_ACT_ALLOW":
			return allowed
		case s.Action == "SCMP_ACT_ERRNO":
			answer = refused | verdict(*s.ErrnoRet)
		default:
			panic(s.Action)
		}
	}
	return answer
}

func met(list []specs.LinuxSeccompArg, args [6]uint64) bool {
	for _, a := range list {
		given := args[a.Index]
		switch a.Op {
		case specs.OpEqualTo:
			if given != a.Value {
				return false
			}
		case specs.OpLessThan:
			if given >= a.Value {
				return false
			}
		case specs.OpMaskedEqual:
			if given&a.Value != a.ValueTwo {
				return false
			}
		default:
			panic(a.Op)
		}
	}
	return true
}

// interesting are values for a call's arguments: around all that the profile
// compares any with, so that no call is judged by another's conditions.
func (d document) interesting() []uint64 {
	values := []uint64{0, 1, 1 << 32, ^uint64(0)}
	for _, s := range d.Syscalls {
		for _, a := range s.Args {
			values = append(values, a.Value-1, a.Value, a.Value+1, a.Value|1<<32, a.Value<<32)
		}
	}
	for bit := range 64 {
		values = append(values, 1<<bit)
	}
	for number := range uint64(470) { // the numbers of calls, for the same reason
		values = append(values, number)
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// TestFilterIsDockersProfile compares every call of every ABI, for the default
// capabilities and for each one more, with Docker's profile.
func TestFilterIsDockersProfile(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	sets := map[string][]string{"none": nil, "default": spec.DefaultCapabilities, "all": kernel.Capabilities()}
	for _, name := range kernel.Capabilities() {
		sets["default and "+name] = append(slices.Clone(spec.DefaultCapabilities), name)
	}
	values := d.interesting()
	for machine, abis := range machines {
		t.Run(machine, func(t *testing.T) {
			t.Parallel()
			for set, bounding := range sets {
				program, err := forMachine(machine, bounding)
				if err != nil {
					t.Fatal(err)
				}
				f := newFilter(t, program)
				for _, abi := range abis {
					for name, number := range abi.SyscallNames {
						f.compare(d, machine, abi, name, uint32(number), bounding, set, values)
					}
				}
			}
		})
	}
}

func (f filter) compare(d document, machine string, abi *arch.Info, name string, number uint32, bounding []string, set string, values []uint64) {
	f.t.Helper()
	if name == "socketcall" {
		// Stricter than Docker's on purpose: its arguments cannot be seen.
		if got := f.verdict(uint32(abi.ID), number, [6]uint64{}); got != refused|38 {
			f.t.Errorf("%s, %s: %s gives %#x", abi.Name, set, name, got)
		}
		return
	}
	newest := d.newest(abi)
	compare := func(args [6]uint64) bool {
		got, want := f.verdict(uint32(abi.ID), number, args), d.want(machine, name, bounding, args)
		if want == errno(nil) && number > newest {
			want = refused | 38
		}
		if got != want {
			f.t.Errorf("%s, %s: %s(%#x) gives %#x, Docker's profile %#x", abi.Name, set, name, args, got, want)
		}
		return got == want
	}
	if !compare([6]uint64{}) || !slices.Contains([]string{"none", "default", "all"}, set) && !d.conditional(name) {
		return
	}
	for _, value := range values {
		if !compare([6]uint64{value}) || !compare([6]uint64{0, value}) {
			return
		}
	}
}

// newest is the highest number that the profile knows. Those of ARM's private
// calls are none.
func (d document) newest(abi *arch.Info) uint32 {
	newest := 0
	for _, s := range d.Syscalls {
		for _, name := range s.Names {
			if number := abi.SyscallNames[name]; number < 0xf0000 {
				newest = max(newest, number)
			}
		}
	}
	return uint32(newest)
}

// conditional tells whether any rule for a call looks at its arguments.
func (d document) conditional(name string) bool {
	for _, s := range d.Syscalls {
		if len(s.Args) > 0 && slices.Contains(s.Names, name) {
			return true
		}
	}
	return false
}

// TestUnknownCallsAreRefused: numbers between, behind and beside those that
// the tables name.
func TestUnknownCallsAreRefused(t *testing.T) {
	t.Parallel()
	program, err := forMachine("amd64", kernel.Capabilities())
	if err != nil {
		t.Fatal(err)
	}
	f := newFilter(t, program)
	for number := range uint32(2000) {
		if _, known := arch.X86_64.SyscallNumbers[int(number)]; known {
			continue
		}
		want := errno(nil)
		if number > uint32(arch.X86_64.SyscallNames["removexattrat"]) { // the profile's newest
			want = refused | 38
		}
		if got := f.verdict(uint32(arch.X86_64.ID), number, [6]uint64{}); got != want {
			t.Errorf("call %d gives %#x, want %#x", number, got, want)
		}
	}
	for what, c := range map[string]struct {
		abi, number uint32
		want        verdict
	}{
		"getpid of x32":         {uint32(arch.X86_64.ID), 39 | x32Bit, refused | 38},
		"execve of x32":         {uint32(arch.X86_64.ID), 520 | x32Bit, refused | 38},
		"-1":                    {uint32(arch.X86_64.ID), ^uint32(0), refused | 38},
		"of another machine":    {uint32(arch.AARCH64.ID), 172, refused | 1},
		"of no machine":         {0, 39, refused | 1},
		"getpid":                {uint32(arch.X86_64.ID), 39, allowed},
		"getpid of i386":        {uint32(arch.I386.ID), 20, allowed},
		"number 39 of i386":     {uint32(arch.I386.ID), 39, allowed}, // mkdir
		"kexec_load of i386":    {uint32(arch.I386.ID), 283, refused | 1},
		"init_module by i386":   {uint32(arch.I386.ID), 128, allowed}, // CAP_SYS_MODULE is kept here
		"the 1st behind tables": {uint32(arch.I386.ID), 9999, refused | 38},
	} {
		if got := f.verdict(c.abi, c.number, [6]uint64{}); got != c.want {
			t.Errorf("%s gives %#x, want %#x", what, got, c.want)
		}
	}
}

// TestTablesOfNumbers compares the tables that the filter is made from with
// those of package unix, which come from the kernel's headers.
func TestTablesOfNumbers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(moduleDir(t, "golang.org/x/sys"), "unix")
	line := regexp.MustCompile(`(?m)^\s+SYS_(\w+)\s+= (\d+)$`)
	for goarch, abi := range map[string]*arch.Info{"amd64": arch.X86_64, "386": arch.I386, "arm64": arch.AARCH64, "arm": arch.ARM} {
		content, err := os.ReadFile(filepath.Join(dir, "zsysnum_linux_"+goarch+".go"))
		if err != nil {
			t.Fatal(err)
		}
		compared := 0
		for _, found := range line.FindAllStringSubmatch(string(content), -1) {
			name := strings.ToLower(found[1])
			number, _ := strconv.Atoi(found[2])
			if known, ok := abi.SyscallNames[name]; ok {
				compared++
				if known != number {
					t.Errorf("%s: %s is %d here and %d in package unix", goarch, name, known, number)
				}
			}
		}
		if compared < 300 {
			t.Errorf("%s: only %d calls have been compared", goarch, compared)
		}
	}
}

func TestDefaultFitsTheKernelsLimit(t *testing.T) {
	for _, bounding := range [][]string{nil, spec.DefaultCapabilities, kernel.Capabilities()} {
		began := time.Now()
		program, err := Default(bounding)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s, %d capabilities: %d instructions in %v", runtime.GOARCH, len(bounding), len(program)/8, time.Since(began))
		const bpfMaxInstructions = 4096 // BPF_MAXINSNS
		if len(program)%8 != 0 || len(program)/8 > bpfMaxInstructions || len(program) < 8*100 {
			t.Errorf("the program has %d bytes", len(program))
		}
	}
}
