package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// pidOf is a running sandbox's process, as the host numbers it.
func (p place) pidOf(t testing.TB, name string) string {
	t.Helper()
	var list []struct {
		Name string
		PID  int
	}
	if err := json.Unmarshal([]byte(p.run(t, "ps", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, sb := range list {
		if sb.Name == name {
			return strconv.Itoa(sb.PID)
		}
	}
	t.Fatalf("sandbox %s does not run", name)
	return ""
}

// whereabouts prints all that joining namespaces can change. It needs nothing
// but busybox, which host and sandboxes have at the same place.
const whereabouts = `
for kind in uts pid mnt net ipc user cgroup time; do busybox readlink /proc/self/ns/$kind || echo none; done
busybox pwd; busybox ls /; busybox id; busybox hostname; umask; ulimit -n
busybox grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Sig(Pnd|Blk|Ign|Cgt))' /proc/self/status
true`

// TestEnterEqualsNsenter compares with util-linux, for every combination of
// namespaces.
func TestEnterEqualsNsenter(t *testing.T) {
	t.Parallel()
	nsenter := needProgram(t, "nsenter")
	p := newPlace(t)
	for _, rootSwitch := range []string{"pivot_root", "chroot"} {
		p.run(t, "run", "-d", "--name", rootSwitch, "--root-switch", rootSwitch, "--share", "time", p.bb(), "sleep", "1000")
		pid := p.pidOf(t, rootSwitch)
		for mask := range 1 << len(namespaceFlags) {
			if rootSwitch == "chroot" && (mask&1 == 0 || mask >= 32) {
				continue // the root switch matters to the mount namespace only
			}
			var flags []string
			for i, n := range namespaceFlags {
				if mask&(1<<i) != 0 {
					flags = append(flags, "-"+n.short)
				}
			}
			// Root and working directory go through their combinations as well.
			flags = append(flags, [][]string{nil, {"-r"}, {"-w"}, {"-r", "-w"}}[mask%4]...)
			if os.Geteuid() != 0 {
				if !strings.Contains(strings.Join(flags, ""), "U") {
					continue // needs rights that the user has in his own user namespace only
				}
				// An ordinary user may not drop groups; nsenter takes that as an error.
				flags = append(flags, "--preserve-credentials")
			}
			if len(flags) > 0 {
				compareEnter(t, p, nsenter, pid, flags)
			}
		}
	}
}

func compareEnter(t *testing.T, p place, nsenter, pid string, flags []string) {
	t.Helper()
	arguments := append(append([]string{"-t", pid}, flags...), "busybox", "sh", "-c", whereabouts)
	theirs := exec.Command(nsenter, arguments...)
	ours := p.command(append([]string{"enter"}, arguments...)...)
	theirs.Env, theirs.Dir = ours.Env, ours.Dir
	want, wantErr := theirs.Output()
	got, gotErr := ours.Output()
	if (wantErr == nil) != (gotErr == nil) || string(got) != string(want) {
		t.Errorf("enter %q: %v\n%s\nnsenter: %v\n%s", flags, gotErr, got, wantErr, want)
	}
}

// TestEnterShowsTheRootSwitch is the seed lesson: the mount namespace of a
// sandbox after chroot still has the host's root, after pivot_root its own.
func TestEnterShowsTheRootSwitch(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	user := []string{}
	if os.Geteuid() != 0 {
		user = []string{"-U"}
	}
	for rootSwitch, want := range map[string]bool{"pivot_root": false, "chroot": true} {
		p.run(t, "run", "-d", "--name", rootSwitch, "--root-switch", rootSwitch, p.bb(), "sleep", "1000")
		enter := append(append([]string{"enter", "-t", rootSwitch, "-m"}, user...), "/bin/busybox", "test", "-e", p.bb())
		if got := p.command(enter...).Run() == nil; got != want {
			t.Errorf("%s: the host's files show is %t, want %t", rootSwitch, got, want)
		}
	}
}

func TestEnterInATerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.run(t, "run", "-d", "--name", "x", p.bb(), "sleep", "1000")
	u := p.sit(t, "enter", "-w=/", "/bin/busybox", "sh") // a shell of the host's around it
	u.types("PS1='host> '\n")
	u.sees(`^host>$`)
	u.types(p.binary() + " enter -t x -a\n")
	u.types("PS1='in> '\n")
	u.sees(`^in>$`)
	u.types("hostname; echo $0; tty | grep -c /dev; (echo asleep; exec sleep 1000)\n")
	u.sees(`^x\n-sh\n\d+\nasleep$`)
	u.types("\x03") // ends the sleep, not the shell
	u.types("echo status $?; exit 5\n")
	u.sees(`^status 130\n`)
	u.types("echo shell $?\n")
	u.sees(`^shell 5\nhost>$`)

	u.types("clear; " + p.binary() + ` enter -t x -a sh -c 'trap "echo went on" CONT; echo began; while :; do sleep 0.02; done'` + "\n")
	u.sees(`^began$`)
	u.types("\x1a")
	u.sees(`Stopped`)
	u.types("fg\n")
	u.sees(`^went on$`)
	u.types("\x03")
	u.types("echo stopped $?\n")
	u.sees(`^stopped 130\n`)
	u.types("exit 3\n")
	if status := u.leaves(); status != 3 {
		t.Errorf("exit status %d, want 3", status)
	}
}

func TestEnterPassesSignalsOn(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.run(t, "run", "-d", "--name", "x", p.bb(), "sleep", "1000")
	c := p.command("enter", "-t", "x", "-a", "sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	c.Process.Signal(os.Interrupt) // is the terminal's to send, and reaches the command by itself
	c.Process.Signal(syscall.SIGTERM)
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 9 {
		t.Errorf("%v, want exit status 9", err)
	}
}
