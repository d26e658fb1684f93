package sandbox

import (
	"strings"
	"syscall"
	"testing"

	"aquarium/runtime/wire"
)

// TestHintsNameTheKnob: what step.Clone finds is what the hint undoes.
func TestHintsNameTheKnob(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]string{
		"kernel.unprivileged_userns_clone is 0":             "`sysctl kernel.unprivileged_userns_clone=1`",
		"kernel.apparmor_restrict_unprivileged_userns is 1": "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
		"user.max_user_namespaces is 0":                     "`sysctl user.max_user_namespaces=10000`",
		"CAP_SYS_ADMIN is missing":                          "run as root",
	} {
		err := &LaunchError{Name: "web", Report: wire.StartedReport{Call: "clone(CLONE_NEWUSER|SIGCHLD)", Errno: int(syscall.EPERM), Detail: detail}}
		if hint := err.Hint(); !strings.Contains(hint, want) {
			t.Errorf("%s: the hint is %q, want %q in it", detail, hint, want)
		}
	}
}

// TestHintsOfLimitsCanBePasted: the sysctls by their names, with values that are
// more than there is.
func TestHintsOfLimitsCanBePasted(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]string{
		"user.max_pid_namespaces is 0":                                                     "as root, run `sysctl user.max_pid_namespaces=10000`",
		"user.max_user_namespaces is 3, user.max_mnt_namespaces is 31":                     "as root, run `sysctl user.max_user_namespaces=10000 user.max_mnt_namespaces=10000`",
		"user.max_net_namespaces is 15000":                                                 "as root, run `sysctl user.max_net_namespaces=30000`",
		"a limit is reached in an outer user namespace; here user.max_uts_namespaces is 9": "launch it outside of the user namespace that this runs in",
	} {
		err := &LaunchError{Name: "web", Report: wire.StartedReport{Call: "clone(CLONE_NEWPID|SIGCHLD)", Errno: int(syscall.ENOSPC), Detail: detail}}
		if hint := err.Hint(); hint != want {
			t.Errorf("%s: the hint is %q, want %q", detail, hint, want)
		}
	}
}
