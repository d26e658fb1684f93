package doctor

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// This machine allows everything that tests need, so everything must be found
// allowed; and nothing may be left of the trying.
func TestExamineFindsWhatWorks(t *testing.T) {
	data := t.TempDir()
	for _, f := range Examine(data) {
		t.Logf("%+v", f)
		delegated := f.What != "control groups" || os.Geteuid() == 0
		if !f.OK && f.What != "subordinate ids" && delegated { // an account may have none, and no group of its own
			t.Errorf("%s: %s", f.What, f.Detail)
		}
		if !f.OK && (f.Detail == "" || f.Effect == "" || f.Knob == "") {
			t.Errorf("%s: it does not say why, what for, and what to do: %+v", f.What, f)
		}
		if f.What == "" {
			t.Error("a finding says nothing")
		}
	}
	if left, err := os.ReadDir(data); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Where a directory lies on overlay, an upper directory in it is refused: the
// finding says so and how to go on. Tried in namespaces of the test's own.
func TestOverlayOnOverlayIsFound(t *testing.T) {
	if os.Getenv("DOCTOR_DATA") != "" {
		f := overlay(os.Getenv("DOCTOR_DATA"))
		if f.OK || f.Knob == "" || f.Effect == "" {
			t.Errorf("on overlay: %+v", f)
		}
		return
	}
	dir := t.TempDir()
	script := `set -e; cd "$1"; mkdir l u w m; mount -t overlay -o lowerdir=l,upperdir=u,workdir=w$2 overlay m; mkdir m/data
DOCTOR_DATA="$1/m/data" exec "$3" -test.run '^TestOverlayOnOverlayIsFound$' -test.v`
	args := []string{"-m", "sh", "-c", script, "sh", dir, "", os.Args[0]}
	if os.Geteuid() != 0 {
		args[0], args[6] = "-Urm", ",userxattr"
	}
	out, err := exec.Command("unshare", args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("inside: %v: %s", err, out)
	}
	exec.Command("chmod", "-R", "u+rwx", dir).Run() // overlay's work directory
}

func TestCloneFailureNamesTheLimit(t *testing.T) {
	// A nested user namespace has limits of its own, which its root may set.
	script := `echo 0 > /proc/sys/user/max_net_namespaces && DOCTOR_LIMIT=1 exec "$1" -test.run '^TestCloneFailureNamesTheLimit$' -test.v`
	if os.Getenv("DOCTOR_LIMIT") != "" {
		f := tryNamespace("net", kinds[3].flag)
		if f.OK || f.Knob != "sysctl user.max_net_namespaces=10000" || !strings.Contains(f.Effect, "--share net") {
			t.Errorf("with the limit at 0: %+v", f)
		}
		return
	}
	out, err := exec.Command("unshare", "-Ur", "sh", "-c", script, "sh", os.Args[0]).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("inside: %v: %s", err, out)
	}
}
