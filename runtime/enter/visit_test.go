package enter

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"aquarium/runtime/step"
)

func TestVisitBringsBackWhatItOpened(t *testing.T) {
	t.Parallel()
	v := new(Visit)
	opened := v.Open("/proc/version", syscall.O_RDONLY)
	missing := v.Open("/no/such/file", syscall.O_RDONLY)
	named, names := v.Fill(6*65, "uname()", syscall.SYS_UNAME)
	if err := v.Run(); err != nil {
		t.Fatal(err)
	}
	if opened.Errno != 0 || named.Errno != 0 || missing.Errno != syscall.ENOENT {
		t.Fatalf("errors are %v, %v and %v, want none but for the last", opened.Errno, named.Errno, missing.Errno)
	}
	file := os.NewFile(uintptr(opened.Value), "version")
	defer file.Close()
	content := make([]byte, 64)
	n, err := file.Read(content)
	if err != nil || !strings.HasPrefix(string(content[:n]), "Linux version") {
		t.Errorf("read %q, %v", content[:n], err)
	}
	if !strings.HasPrefix(string(names.Bytes), "Linux\x00") {
		t.Errorf("uname gives %q", names.Bytes)
	}
}

func TestVisitFeedsOneResultToTheNext(t *testing.T) {
	t.Parallel()
	v := new(Visit)
	dir := v.Open("/proc", syscall.O_RDONLY)
	v.Feed(2)
	first := v.Call("openat(version)", syscall.SYS_OPENAT, 0, v.Text("version"), syscall.O_CLOEXEC)
	second := v.Call("openat(uptime)", syscall.SYS_OPENAT, 0, v.Text("uptime"), syscall.O_CLOEXEC)
	if err := v.Run(); err != nil {
		t.Fatal(err)
	}
	for _, result := range []*Visited{dir, first, second} {
		if result.Errno != 0 {
			t.Fatalf("errors are %v, %v, %v", dir.Errno, first.Errno, second.Errno)
		}
		syscall.Close(result.Value)
	}
}

func TestVisitCallsNothingWhereItMayNotGo(t *testing.T) {
	t.Parallel()
	file, err := os.Open("/proc/version") // no namespace at all
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	v := &Visit{Namespaces: []Namespace{{Kinds()[4], file}}}
	never := v.Open("/proc/version", syscall.O_RDONLY)
	var refused *step.CallError
	if err := v.Run(); !errors.As(err, &refused) || refused.Errno != syscall.EINVAL || !strings.HasPrefix(refused.Call, "setns(net") {
		t.Errorf("Run: %v, want EINVAL of setns", err)
	}
	if never.Value != 0 {
		t.Errorf("the call was made all the same: %+v", never)
	}
}

// TestJoinTriesBothSidesOfAUserNamespace joins a user namespace together with
// others that only its owner may join.
func TestJoinTriesBothSidesOfAUserNamespace(t *testing.T) {
	t.Parallel()
	target := exec.Command("sleep", "1000")
	target.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if err := target.Start(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("the kernel allows no new user namespaces here: " + err.Error())
	}
	t.Cleanup(func() {
		target.Process.Kill()
		target.Wait()
	})
	opened, err := Open(target.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	join := Join{Namespaces: opened.Namespaces, UID: 0, GID: 0, Argv: []string{"sh", "-c", "exit $(($(id -u) + 7))"}, Env: os.Environ()}
	process, err := join.Start()
	if err != nil {
		t.Fatal(err)
	}
	state, err := process.Wait()
	if err != nil || state.ExitCode() != 7 {
		t.Errorf("exit status %v, %v; want 7", state, err)
	}
}
