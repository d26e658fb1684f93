package inspect

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childVariable makes the test binary play the process that is looked at.
const childVariable = "AQUARIUM_INSPECT_CHILD"

func TestMain(m *testing.M) {
	if scene := os.Getenv(childVariable); scene != "" {
		play(scene)
		return
	}
	os.Exit(m.Run())
}

// child is a process to look at, in namespaces of its own.
type child struct {
	*Target
	command *exec.Cmd
	said    string // what it printed when it was ready
}

// everyNamespace is the kinds that a test's child gets for itself.
const everyNamespace = syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWCGROUP

// start starts the test binary as a scene in new namespaces, an ordinary
// user's below a new user namespace, and waits until it is ready.
func start(t *testing.T, scene string, flags uintptr) child {
	t.Helper()
	command := exec.Command("/proc/self/exe")
	command.Env = append(os.Environ(), childVariable+"="+scene, "CHILD_DIR="+t.TempDir())
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		skipOrFail(t, "the kernel allows no new namespaces here: "+err.Error())
	}
	t.Cleanup(func() {
		input.Close()
		command.Process.Kill()
		command.Wait()
	})
	said, err := bufio.NewReader(output).ReadString('\n')
	said, ready := strings.CutPrefix(said, "ready ")
	if err != nil || !ready {
		t.Fatalf("the child said %q (%v)", said, err)
	}
	target, err := newObserver().Open(command.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { target.Close() })
	return child{target, command, strings.TrimSpace(said)}
}

// patience is long: what takes a moment takes more of them on a busy machine.
const patience = 5 * time.Second

func newObserver() *Observer {
	o := New()
	o.patience = patience
	return o
}

// enter is how the host's programs run in the child's namespaces.
func (c child) enter(t *testing.T, flags string, command ...string) string {
	t.Helper()
	arguments := []string{"-t", itoa(c.PID)}
	if os.Geteuid() != 0 {
		arguments = append(arguments, "-U", "--preserve-credentials")
	}
	arguments = append(append(arguments, strings.Fields(flags)...), command...)
	return output(t, "nsenter", arguments...)
}

func output(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		skipOrFail(t, name+" is not installed")
	}
	out, err := exec.Command(name, arguments...).Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, arguments, err)
	}
	return string(out)
}

func skipOrFail(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// soon is a context for what takes a moment.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
