package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// unconfined lets a sandbox do what its user may.
var unconfined = []string{"--cap-add", "ALL", "--security-opt", "seccomp=unconfined"}

// attack runs an attack in a sandbox with these flags, and in one that it has
// been exec'd in.
func (p place) attack(t *testing.T, flags []string, arguments ...string) (run, execd outcomes) {
	t.Helper()
	arguments = append([]string{"/bin/attacker"}, arguments...)
	run = readOutcomes(t, p.run(t, slices.Concat([]string{"run", "--rm"}, flags, []string{p.bb()}, arguments)...))
	p.run(t, slices.Concat([]string{"run", "-d", "--name", "waits"}, flags, []string{p.bb(), "sleep", "1000"})...)
	execd = readOutcomes(t, p.run(t, append([]string{"exec", "waits"}, arguments...)...))
	p.run(t, "rm", "-f", "waits")
	return run, execd
}

// TestSystemCalls makes calls that a sandbox is refused: new namespaces,
// mounts, keys, io_uring, bpf, modules, kexec, and so on; also as a 32-bit
// program, whose calls have other numbers.
func TestSystemCalls(t *testing.T) {
	t.Parallel()
	// Outside of the initial user namespace the kernel itself refuses these.
	const privileged = " acct bpf clock_settime delete_module fanotify_init finit_module init_module kexec_load open_by_handle_at " +
		"perf_event_open quotactl settimeofday swapoff swapon syslog userfaultfd vhangup "
	for _, machine := range []string{"", "386"} {
		t.Run("programs "+machine, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.attacker(t)
			if machine != "" {
				p.attackerFor(t, machine)
			}
			free := readOutcomes(t, p.run(t, slices.Concat([]string{"run", "--rm"}, unconfined, []string{p.bb(), "/bin/attacker", "calls"})...))
			run, execd := p.attack(t, nil, "calls")
			for name, errno := range run {
				if errno != syscall.EPERM && errno != syscall.ENOSYS {
					t.Errorf("%s: %v, want a refusal", name, errno)
				}
				if execd[name] != errno {
					t.Errorf("exec'd, %s: %v, want %v", name, execd[name], errno)
				}
				needsRoot := strings.Contains(privileged, " "+name+" ")
				if free[name] == errno && (!needsRoot || os.Geteuid() == 0) {
					t.Errorf("%s: %v even unconfined: the test tells nothing", name, errno)
				}
			}
			if run["clone3"] != syscall.ENOSYS {
				t.Errorf("clone3: %v, want %v so that clone is tried", run["clone3"], syscall.ENOSYS)
			}
		})
	}
}

// TestAF_ALGAndAF_VSOCK makes sockets that lead into the kernel's ciphers and
// to the host of this machine, in all ways there are. The control is the same
// outside, as far as the kernel has them.
func TestAF_ALGAndAF_VSOCK(t *testing.T) {
	t.Parallel()
	for _, machine := range []string{"", "386"} {
		t.Run("programs "+machine, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			attacker := p.attacker(t)
			if machine != "" {
				p.attackerFor(t, machine)
			}
			for name, flags := range map[string][]string{"default": nil, "all capabilities": {"--cap-add", "ALL"}, "ids of its own": {"--userns", "auto"}} {
				run, execd := p.attack(t, flags, "sockets")
				for attempt := range run {
					// socketcall(2), whose arguments no filter sees, is there for nobody.
					if machine == "" && run[attempt] != syscall.EPERM || run[attempt] != syscall.EPERM && run[attempt] != syscall.ENOSYS || execd[attempt] != run[attempt] {
						t.Errorf("%s: %s: %v, exec'd %v; want %v", name, attempt, run[attempt], execd[attempt], syscall.EPERM)
					}
				}
			}
			out, err := exec.Command(attacker, "sockets").Output()
			if err != nil {
				t.Fatal(err)
			}
			for attempt, errno := range readOutcomes(t, string(out)) {
				switch errno {
				case 0:
				case syscall.EAFNOSUPPORT:
					t.Logf("outside, %s: this kernel has no such sockets", attempt)
				default:
					t.Errorf("outside, %s: %v: the test tells nothing", attempt, errno)
				}
			}
		})
	}
}

// attackerFor replaces the attacker by one for another machine, GOARCH.
func (p place) attackerFor(t *testing.T, machine string) {
	t.Helper()
	path := filepath.Join(p.bb(), "bin/attacker")
	build := exec.Command("go", "build", "-o", path, "./testdata/attacker")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+machine)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := exec.Command(path).Run(); errors.Is(err, syscall.ENOEXEC) {
		skipOrFail(t, "this kernel runs no programs for "+machine)
	}
}

// TestKernelsFiles opens /proc/sysrq-trigger, core_pattern, all of /proc/sys
// and of /sys for writing, and what is hidden for reading.
func TestKernelsFiles(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	attacker := p.attacker(t)
	for name, flags := range map[string][]string{"default": nil, "unconfined": unconfined, "ids of its own": {"--userns", "auto"}} {
		run, execd := p.attack(t, flags, "files")
		for attempt := range run {
			if run[attempt] == 0 || execd[attempt] == 0 {
				t.Errorf("%s: %s: %v, exec'd %v", name, attempt, run[attempt], execd[attempt])
			}
		}
	}
	if os.Geteuid() != 0 {
		return // whose own right it is not either
	}
	out, err := exec.Command(attacker, "files").Output()
	if err != nil {
		t.Fatal(err)
	}
	o := readOutcomes(t, string(out))
	for _, attempt := range []string{"write /proc/sysrq-trigger", "write /proc/sys/kernel/core_pattern", "write anything below /proc/sys", "write anything below /sys", "read /proc/timer_list"} {
		if o[attempt] != 0 && o[attempt] != syscall.ENOENT {
			t.Errorf("outside, %s: %v: the test tells nothing", attempt, o[attempt])
		}
	}
}

// TestCVE_2022_0492 looks for a release_agent to write.
func TestCVE_2022_0492(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.attacker(t)
	for name, flags := range map[string][]string{"default": nil, "the host's cgroup namespace": {"--share", "cgroup"}, "ids of its own": {"--userns", "auto"}} {
		run, execd := p.attack(t, flags, "release-agent")
		for attempt := range run {
			if run[attempt] == 0 || execd[attempt] == 0 {
				t.Errorf("%s: %s: %v, exec'd %v", name, attempt, run[attempt], execd[attempt])
			}
		}
	}
}

// TestCVE_2022_0492Works is the control.
func TestCVE_2022_0492Works(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounting a hierarchy of control groups needs root")
	}
	p := newPlace(t)
	p.attacker(t)
	run, _ := p.attack(t, append([]string{"--share", "cgroup"}, unconfined...), "release-agent")
	found, mounted := false, false
	for attempt, errno := range run {
		mounted = mounted || errno == 0 && strings.HasPrefix(attempt, "mount ")
		found = found || errno == 0 && strings.HasPrefix(attempt, "release_agent of ")
	}
	if !mounted {
		skipOrFail(t, "this kernel mounts no control groups of version 1")
	}
	if !found {
		t.Errorf("unconfined, no release_agent is found: %v", run)
	}
}

// TestSecondChroot breaks out of a chroot, and not of a pivot_root.
func TestSecondChroot(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.attacker(t)
	secret := filepath.Join(p.dir, "secret")
	if err := os.WriteFile(secret, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for rootSwitch, want := range map[string]syscall.Errno{"pivot_root": syscall.ENOENT, "chroot": 0} {
		run, execd := p.attack(t, []string{"--root-switch", rootSwitch}, "chroot-again", secret)
		if run["find the host"] != want || execd["find the host"] != want {
			t.Errorf("%s: %v, exec'd %v; want %v", rootSwitch, run, execd, want)
		}
	}
}

// TestShocker opens a file by its handle: with it, all files of the filesystem
// can be opened, mounted or not (CVE-2014-3519).
func TestShocker(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.attacker(t)
	shared := filepath.Join(p.dir, "shared")
	if err := os.WriteFile(shared, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	run, execd := p.attack(t, []string{"-v", shared + ":/shared:ro"}, "handles", "/shared")
	if run["open by handle"] != syscall.EPERM || execd["open by handle"] != syscall.EPERM {
		t.Errorf("%v, exec'd %v; want %v", run, execd, syscall.EPERM)
	}
	if os.Geteuid() != 0 {
		return // a user namespace does not have the capability for it
	}
	if free, _ := p.attack(t, append([]string{"-v", shared + ":/shared:ro"}, unconfined...), "handles", "/shared"); free["open by handle"] != 0 {
		t.Errorf("even unconfined: %v: the test tells nothing", free)
	}
}
