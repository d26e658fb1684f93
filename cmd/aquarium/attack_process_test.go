package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestCVE_2016_9962 has a program wait in a sandbox for others that are
// exec'd, and trace them while they are still Aquarium's own process.
func TestCVE_2016_9962(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.attacker(t)
	if said := seizeWhoEnters(t, p, "2s"); said != "none\n" {
		t.Errorf("the attacker caught one that may\n%s", said)
	}
}

// TestCVE_2016_9962WithPtrace is the control: who has CAP_SYS_PTRACE where the
// supervisor was started can trace it. By then it can do no more than he can.
func TestCVE_2016_9962WithPtrace(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("CAP_SYS_PTRACE outside of user namespaces needs root")
	}
	p := newPlace(t)
	p.attacker(t)
	said := seizeWhoEnters(t, p, patience.String(), "--cap-add", "SYS_PTRACE")
	masks := regexp.MustCompile(`(?m)^Cap(Prm|Eff) ([0-9a-f]{16})$`).FindAllStringSubmatch(said, -1)
	if len(masks) != 2 {
		t.Fatalf("the attacker caught nobody: %q", said)
	}
	bounding := p.run(t, "run", "--rm", "--cap-add", "SYS_PTRACE", p.bb(), "sed", "-n", "s/^CapBnd:\t//p", "/proc/self/status")
	own, err := strconv.ParseUint(strings.TrimSpace(bounding), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range masks {
		if mask, err := strconv.ParseUint(m[2], 16, 64); err != nil || mask&^own != 0 {
			t.Errorf("the attacker caught one with Cap%s %s (%v), more than the sandbox's %x", m[1], m[2], err, own)
		}
	}
}

// seizeWhoEnters starts programs in a sandbox until the attacker there has
// caught one or its time is over, and returns what it says.
func seizeWhoEnters(t *testing.T, p place, limit string, flags ...string) string {
	t.Helper()
	run := append([]string{"run", "-d", "--name", "victim"}, flags...)
	p.run(t, append(run, p.bb(), "/bin/attacker", "seize", limit, "/bin/busybox")...)
	for strings.Contains(p.run(t, "ps"), "victim") {
		p.command("exec", "victim", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do true; done").Run()
	}
	said, found := strings.CutPrefix(p.run(t, "logs", "victim"), "waiting\n")
	if !found {
		t.Fatalf("the attacker did not begin: %q", said)
	}
	return said
}

// TestKeysOfTheLauncher launches from a session with a key in its keyring.
// Without the filter, so that the keyring itself is what is tested.
func TestKeysOfTheLauncher(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	attacker := p.attacker(t)
	secret := "aquarium-test-" + filepath.Base(p.ownName())
	with := func(args ...string) outcomes {
		t.Helper()
		c := exec.Command(attacker, append([]string{"with-key", secret}, args...)...)
		c.Env = p.env()
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return readOutcomes(t, string(out))
	}
	if o := with(attacker, "keys", secret); o["find "+secret] != 0 {
		t.Fatalf("outside, the key is not found: %v", o)
	}
	unfiltered := []string{p.binary(), "run", "--rm", "--security-opt", "seccomp=unconfined", p.bb(), "/bin/attacker", "keys", secret}
	if o := with(unfiltered...); o["find "+secret] == 0 {
		t.Error("without a filter, the launcher's key is found")
	}
	if o := with(p.binary(), "run", "--rm", p.bb(), "/bin/attacker", "keys", secret); o["find "+secret] != syscall.EPERM {
		t.Errorf("the launcher's key: %v, want %v", o["find "+secret], syscall.EPERM)
	}
	c := exec.Command(attacker, append([]string{"with-key", secret}, p.binary(), "run", "-d", "--name", "x", "--security-opt", "seccomp=unconfined", p.bb(), "sleep", "1000")...)
	c.Env = p.env()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if o := readOutcomes(t, p.run(t, "exec", "x", "/bin/attacker", "keys", secret)); o["find "+secret] == 0 {
		t.Error("exec'd, the launcher's key is found")
	}
}

// TestTIOCSTI has a sandbox's program type a command at every terminal it can
// reach. The shell around it must not get it. (A command that is attached
// would read what is typed at its own terminal before the shell can, so the
// sandboxes run in the background, too.)
func TestTIOCSTI(t *testing.T) {
	t.Parallel()
	all := " --cap-add ALL --security-opt seccomp=unconfined"
	for name, flags := range map[string]string{
		"a terminal of its own": "-t", "pipes": "-t=false -i", "no input": "-t=false", "with all privileges": "-t" + all,
		"in the background": "-d -t", "in the background without a terminal": "-d -t=false", "in the background with all privileges": "-d -t" + all,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.attacker(t)
			pwned := filepath.Join(p.dir, "pwned")
			u := p.sitInShell(t)
			u.types(p.binary() + " run --name x " + flags + " " + p.bb() + " /bin/attacker terminal 'echo x >" + pwned + "' >/dev/null; echo status $?\n")
			u.sees(`^status 0$`)
			if err := within(patience, func() error {
				if said := p.run(t, "logs", "x"); !strings.Contains(said, "TIOCSTI /dev/tty1: ") {
					return fmt.Errorf("it has tried no more than %q", said)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			u.types("echo next\n")
			u.sees(`^next$`)
			if _, err := os.Stat(pwned); err == nil {
				t.Errorf("the shell has done what was typed for it:\n%s", u.screen())
			}
		})
	}
}

// TestTIOCSTIWorks is the control: without a sandbox the shell does it.
func TestTIOCSTIWorks(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("typing at one's own terminal needs root where dev.tty.legacy_tiocsti is 0")
	}
	p := newPlace(t)
	attacker := p.attacker(t)
	pwned := filepath.Join(p.dir, "pwned")
	u := p.sitInShell(t)
	u.types(attacker + " terminal 'echo x >" + pwned + "' >/dev/null\n")
	if err := within(patience, func() error { _, err := os.Stat(pwned); return err }); err != nil {
		t.Errorf("%v; the screen is\n%s", err, u.screen())
	}
}

// TestTIOCLINUX has a sandbox's program paste into the machine's console by
// every terminal it can reach. None is the console; and of who had it open the
// kernel wants CAP_SYS_ADMIN in the initial user namespace, so that all but the
// sandbox with all privileges are refused a second time.
func TestTIOCLINUX(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	attacker := p.attacker(t)
	for name, flags := range map[string][]string{"a terminal of its own": {"-t"}, "pipes": {"-t=false"}, "with all privileges": append([]string{"-t"}, unconfined...)} {
		run := p.run(t, slices.Concat([]string{"run", "--rm"}, flags, []string{p.bb(), "/bin/attacker", "paste"})...)
		for attempt, errno := range readOutcomes(t, strings.ReplaceAll(run, "\r", "")) {
			if errno == 0 {
				t.Errorf("%s: %s: it was done", name, attempt)
			}
		}
	}
	if os.Geteuid() != 0 {
		return // whose own right it is not either
	}
	if _, err := os.Stat("/dev/tty0"); err != nil {
		t.Logf("this machine has no virtual console: %v", err)
		return
	}
	out, err := exec.Command(attacker, "paste").Output()
	if err != nil {
		t.Fatal(err)
	}
	if o := readOutcomes(t, string(out)); o["TIOCLINUX /dev/tty0"] != 0 {
		t.Errorf("outside: %v: the test tells nothing", o)
	}
}

// sitInShell is at a shell of the host's.
func (p place) sitInShell(t *testing.T) *user {
	t.Helper()
	u := p.sit(t, "enter", "-w=/", "/bin/busybox", "sh")
	u.types("PS1='host> '\n")
	u.sees(`^host>$`)
	return u
}

// TestAllTerminals has a sandbox open every terminal that it can get. The
// machine has as many as before for its neighbours.
func TestAllTerminals(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.attacker(t)
	const want, most = 900, 256 // descriptors end at 1024
	p.run(t, "run", "-d", "--name", "greedy", p.bb(), "/bin/attacker", "greedy", strconv.Itoa(want))
	var got int
	if err := within(patience, func() (err error) {
		got, err = strconv.Atoi(strings.TrimSpace(p.run(t, "logs", "greedy")))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got == 0 || got > most {
		t.Errorf("it has %d terminals, want at most %d", got, most)
	}
	p.run(t, "run", "--rm", "-t", p.bb(), "true")
	all, err := os.ReadFile("/proc/sys/kernel/pty/max")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(all))); err != nil || n < 4*most {
		t.Errorf("the machine has only %d of them (%v): the test tells nothing", n, err)
	}
}
