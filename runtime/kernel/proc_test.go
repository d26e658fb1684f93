package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// childVariable has the test binary play a child in namespaces of its own.
const childVariable = "AQUARIUM_KERNEL_TEST"

func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		fmt.Println(writeProcAfter(what))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeProcAfter covers /proc or a file of it and says what writing there
// comes to.
func writeProcAfter(what string) error {
	runtime.LockOSThread()
	mount := func(source, target, kind string, flags uintptr) {
		if err := syscall.Mount(source, target, kind, flags, ""); err != nil {
			panic(err)
		}
	}
	mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE)
	switch what {
	case "another filesystem":
		mount("tmpfs", "/proc", "tmpfs", 0)
		if err := os.MkdirAll("/proc/self", 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile("/proc/self/oom_score_adj", nil, 0o644); err != nil {
			panic(err)
		}
	case "a directory of itself":
		mount("/proc/self", "/proc", "", syscall.MS_BIND)
		return WriteProc("oom_score_adj", "500")
	case "a file bound over it":
		mount("/proc/self/comm", "/proc/self/oom_score_adj", "", syscall.MS_BIND)
	}
	return WriteProc("self/oom_score_adj", "500")
}

// TestWriteProc covers /proc in three ways. What is written must reach the
// kernel's own file, or be refused (CVE-2025-52881).
func TestWriteProc(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{
		"nothing": "<nil>", "another filesystem": syscall.EXDEV.Error(), "a directory of itself": syscall.EXDEV.Error(), "a file bound over it": syscall.EXDEV.Error(),
	} {
		c := exec.Command("/proc/self/exe")
		c.Env = append(os.Environ(), childVariable+"="+what)
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER, Pdeathsig: syscall.SIGKILL,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		}
		out, err := c.Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("with %s mounted there: %q, %v; want %q", what, got, err, want)
		}
	}
}
