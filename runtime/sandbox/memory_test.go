package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"aquarium/runtime/spec"
)

// An idle supervisor's private memory: what it costs beyond the pages of the
// binary, which all supervisors share. Figure last measured: 1.2 MB.
func TestAnIdleSupervisorIsSmall(t *testing.T) {
	s := newStore(t)
	root := busybox(t)
	// Two, so that the binary's own pages count as shared.
	startSandbox(t, s, spec.Options{Rootfs: root, Command: []string{"sleep", "1000"}, TTY: true})
	sb, _ := startSandbox(t, s, spec.Options{Rootfs: root, Command: []string{"sleep", "1000"}, TTY: true})
	private := 0
	small := eventually(func() bool { // it gives back what the launch has taken
		private = privateKiB(t, sb.Keeper)
		return private <= 3<<10
	})
	t.Logf("private resident memory: %d KiB", private)
	if !small {
		t.Errorf("the supervisor's private resident memory is %d KiB, want at most 3 MiB", private)
	}
}

// privateKiB sums the private pages of a process; see proc_pid_smaps(5).
func privateKiB(t *testing.T, pid int) (sum int) {
	t.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "Private_") {
			var kib int
			fmt.Sscanf(strings.Fields(lines.Text())[1], "%d", &kib)
			sum += kib
		}
	}
	if sum == 0 {
		t.Fatal("no private pages found")
	}
	return sum
}
