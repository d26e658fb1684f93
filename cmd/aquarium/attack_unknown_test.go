package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/spec"
)

// TestUnknownSystemCalls makes all calls that Docker's profile does not allow
// and those that nobody knows yet. Programs that try a new call take another
// way only if there is no such call (ENOSYS), so the answers have to be runc's,
// but where its libseccomp is the older one: what that does not know is unknown.
func TestUnknownSystemCalls(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("runc needs root")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("these are the numbers of amd64")
	}
	t.Parallel()
	runc := needProgram(t, "runc")
	for _, abi := range []*arch.Info{arch.X86_64, arch.I386} {
		t.Run(abi.Name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.attacker(t)
			if abi == arch.I386 {
				p.attackerFor(t, "386")
			}
			filter := dockersFilter()
			arguments := append([]string{"/bin/attacker", "numbers"}, notAllowed(filter, abi)...)
			bundle := p.bundleOf(t, func(s *specs.Spec) {
				s.Linux.Seccomp, s.Process.NoNewPrivileges = filter, true
				s.Mounts = []specs.Mount{{Destination: "/proc", Type: "proc", Source: "proc"}}
			}, arguments...)
			out, err := exec.Command(runc, "--root", filepath.Join(p.dir, "runc"), "run", "-b", bundle, p.ownName()).Output()
			if err != nil {
				t.Fatalf("runc: %v", err)
			}
			theirs := readOutcomes(t, string(out))
			compareRefusals(t, readOutcomes(t, p.run(t, slices.Concat([]string{"run", "--rm", p.bb()}, arguments)...)), theirs)
			compareRefusals(t, readOutcomes(t, p.run(t, "run", "--rm", "--bundle", bundle)), theirs)
		})
	}
}

// compareRefusals wants the same answers, up to the last call that theirs knows.
func compareRefusals(t *testing.T, ours, theirs outcomes) {
	t.Helper()
	last := 0
	for text, errno := range theirs {
		if number, _ := strconv.Atoi(text); errno == syscall.EPERM {
			last = max(last, number)
		}
	}
	if last == 0 {
		t.Fatal("runc refuses nothing: the test tells nothing")
	}
	for text, errno := range theirs {
		number, _ := strconv.Atoi(text)
		older := number > last && number <= newest && ours[text] == syscall.EPERM
		if ours[text] != errno && !older {
			t.Errorf("call %d: %v, by runc %v", number, ours[text], errno)
		}
	}
}

// newest is the highest number that Docker's profile knows, removexattrat(2).
const newest = 466

// dockersFilter is the profile as Docker hands it to runc, for the default
// capabilities.
func dockersFilter() *specs.LinuxSeccomp {
	profile := seccomp.DefaultProfile()
	filter := &specs.LinuxSeccomp{DefaultAction: profile.DefaultAction, Architectures: []specs.Arch{specs.ArchX86_64, specs.ArchX86, specs.ArchX32}}
	kept := func(name string) bool { return slices.Contains(spec.DefaultCapabilities, name) }
	for _, c := range profile.Syscalls {
		in, out := c.Includes, c.Excludes
		if in != nil && (len(in.Arches) > 0 && !slices.Contains(in.Arches, "amd64") || len(in.Caps) > 0 && !slices.ContainsFunc(in.Caps, kept)) {
			continue
		}
		if out != nil && (slices.Contains(out.Arches, "amd64") || slices.ContainsFunc(out.Caps, kept) || out.MinKernel != nil) {
			continue
		}
		filter.Syscalls = append(filter.Syscalls, specs.LinuxSyscall{Names: c.Names, Action: c.Action, ErrnoRet: c.ErrnoRet, Args: c.Args})
	}
	return filter
}

// notAllowed are the numbers up to 600 of calls that a filter never allows.
func notAllowed(filter *specs.LinuxSeccomp, abi *arch.Info) []string {
	var list []string
	for number := range 601 {
		name := abi.SyscallNumbers[number]
		ruled := slices.ContainsFunc(filter.Syscalls, func(c specs.LinuxSyscall) bool {
			return c.Action == specs.ActAllow && slices.Contains(c.Names, name)
		})
		if !ruled && !strings.Contains(" socketcall ", " "+name+" ") { // see package seccomp
			list = append(list, strconv.Itoa(number))
		}
	}
	return list
}
