package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"aquarium/runtime/kernel"
	"aquarium/runtime/spec"
	"aquarium/runtime/wire"
)

// own prints what a process is limited to.
const own = "ulimit -Sn; ulimit -Hn; ulimit -Hc; ulimit -St; ulimit -Ht; cat /proc/self/oom_score_adj; umask"

// TestLimitsOfTheProgramAndOfThoseExecd compares what a sandbox's processes
// are limited to with what the plan says.
func TestLimitsOfTheProgramAndOfThoseExecd(t *testing.T) {
	nofile, _ := kernel.RlimitNumber("RLIMIT_NOFILE")
	_, most, err := kernel.Getrlimit(nofile)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ulimits []string
		want    string
	}{
		"default": {nil, fmt.Sprintf("1024 %d 0 unlimited unlimited", min(most, spec.DefaultMostFiles))},
		"lower":   {[]string{"nofile=100:200", "cpu=1000:2000", "core=0"}, "100 200 0 1000 2000"},
		// What is refused stays where it was.
		"higher": {[]string{fmt.Sprintf("nofile=64:%d", uint64(1)<<60), "cpu=-1"}, fmt.Sprintf("64 %d 0 unlimited unlimited", most)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			sb, conn := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Command: []string{"sh", "-c", own + "; read x"}, Interactive: true, Ulimits: c.ulimits})
			other := dial(t, sb)
			if err := other.Exec(wire.ExecRequest{Argv: []string{"sh", "-c", own}}); err != nil {
				t.Fatal(err)
			}
			execd := watch(t, other)
			if err := conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
				t.Fatal(err)
			}
			conn.EndOfInput()
			want := c.want + " " + strconv.Itoa(min(1000, oomScore()+spec.OOMScore)) + " 0022"
			for who, o := range map[string]outcome{"the program": watch(t, conn), "an exec'd one": execd} {
				if got := strings.Join(strings.Fields(o.output), " "); got != want {
					t.Errorf("%s has the limits %q %s, want %q", who, got, o.errput, want)
				}
			}
		})
	}
}

// TestARefusedRaiseIsNamed: before the launch, and in its trace.
func TestARefusedRaiseIsNamed(t *testing.T) {
	effective, _, _, err := kernel.Capget()
	const sysResource = 1 << 24
	if err != nil || effective&sysResource != 0 && os.Geteuid() == 0 {
		t.Skip("this user may raise limits: CAP_SYS_RESOURCE is there")
	}
	o := spec.Options{Rootfs: busybox(t), Command: []string{"true"}, Ulimits: []string{fmt.Sprintf("nofile=%d", uint64(1)<<60), "nproc=1:1"}}
	if lines := Shortfalls(o); len(lines) != 1 || !strings.HasPrefix(lines[0], "ulimit nofile=") || !strings.Contains(lines[0], "CAP_SYS_RESOURCE") {
		t.Errorf("told %q", lines)
	}
	s := newStore(t)
	sb, conn := startSandbox(t, s, o)
	watch(t, conn)
	trace, err := sb.Trace()
	if err != nil {
		t.Fatal(err)
	}
	text, err := trace.Text()
	if text = strings.Join(strings.Fields(text), " "); err != nil || !strings.Contains(text, "more was refused, it needs CAP_SYS_RESOURCE") {
		t.Errorf("the trace does not say so (%v):\n%s", err, text)
	}
}
