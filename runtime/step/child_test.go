package step

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// childVariable names the scenario that this binary plays when a test starts
// it again, in namespaces of its own.
const childVariable = "AQUARIUM_STEP_TEST"

func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		playChild(name)
	}
	os.Exit(m.Run())
}

// outcome is what a scenario's last operation came to.
type outcome struct {
	Call, Detail string
	Errno        syscall.Errno
	Broken       string // the scenario itself did not work out
}

// playChild runs a scenario on one thread and prints the outcome.
func playChild(name string) {
	runtime.LockOSThread()
	os.Unsetenv(childVariable)
	play, ok := scenarios[name]
	if !ok {
		os.Exit(0) // a child that only has to end
	}
	dir := os.Args[1]
	op, err := play(dir)
	var o outcome
	if err != nil {
		o.Broken = err.Error()
	} else if op != nil {
		err := op.Do(&World{files: []*os.File{os.Stdin, os.Stdout, os.Stderr, os.Stderr}, console: -1})
		explain(op, err)
		var refused *CallError
		if errors.As(err, &refused) {
			o = outcome{Call: refused.Call, Detail: refused.Detail, Errno: refused.Errno}
		} else {
			o.Broken = fmt.Sprintf("%s was not refused: %v", Step{Op: op}.Call(), err)
		}
	}
	if op != nil || err != nil {
		json.NewEncoder(os.Stdout).Encode(o)
	}
	os.Exit(0)
}

// as says who plays a scenario.
type as struct {
	name  string
	flags uintptr // of clone(2)
	user  bool    // in a user namespace of its own, as its root
	drop  bool    // as an ordinary user, without any capability
}

// child starts this binary to play a scenario in dir.
func child(name, dir string, who as) *exec.Cmd {
	c := exec.Command("/proc/self/exe", dir)
	c.Env = append(os.Environ(), childVariable+"="+name)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: who.flags, Pdeathsig: syscall.SIGKILL}
	if who.user {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	if who.drop && os.Geteuid() == 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: nobody(), Gid: nobody()}
	}
	return c
}

// nobody is an ordinary user's number.
func nobody() uint32 {
	if u, err := user.Lookup("nobody"); err == nil {
		if id, err := strconv.Atoi(u.Uid); err == nil && id != overflowID {
			return uint32(id)
		}
	}
	return 54321
}

// play returns the outcome of a scenario.
func play(t *testing.T, name string, who as) outcome {
	t.Helper()
	dir, err := os.MkdirTemp("", "aquarium-step-") // not t.TempDir: others may not pass through that
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := child(name, dir, who)
	out, err := c.Output()
	if errors.Is(err, syscall.EPERM) && who.user {
		skipOrFail(t, "the kernel refuses user namespaces here")
	}
	if err != nil {
		t.Fatalf("scenario %s: %v", name, err)
	}
	var o outcome
	if err := json.Unmarshal(out, &o); err != nil {
		t.Fatalf("scenario %s said %q: %v", name, out, err)
	}
	if o.Broken != "" {
		t.Fatalf("scenario %s: %s", name, o.Broken)
	}
	return o
}

func skipOrFail(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// players are those who can play a scenario that needs new namespaces: the
// initial root without a user namespace too.
func players(flags uintptr) []as {
	list := []as{{name: "user namespace", flags: flags, user: true}}
	if os.Geteuid() == 0 {
		list = append(list, as{name: "root", flags: flags})
	}
	return list
}

// has tells whether a text holds all of the words.
func has(text string, words ...string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
