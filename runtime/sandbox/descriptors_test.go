package sandbox

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"aquarium/runtime/spec"
	"aquarium/runtime/wire"
)

// CVE-2024-21626: a descriptor of the host that is left open leads out of the
// sandbox. Neither the program nor one that is exec'd has more than 0 to 2.
func TestCVE_2024_21626NoDescriptorsAreInherited(t *testing.T) {
	left, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	const number = 251
	if err := syscall.Dup3(int(left.Fd()), number, 0); err != nil { // without close-on-exec
		t.Fatal(err)
	}
	defer syscall.Close(number)

	s := newStore(t)
	script := "ls /proc/self/fd; read x"
	for _, tty := range []bool{false, true} {
		sb, conn := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Command: []string{"sh", "-c", script}, Interactive: true, TTY: tty})
		other := dial(t, sb)
		if err := other.Exec(wire.ExecRequest{Argv: []string{"ls", "/proc/self/fd"}, TTY: tty}); err != nil {
			t.Fatal(err)
		}
		exec := watch(t, other) // the program's end would be its end
		if err := conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
			t.Fatal(err)
		}
		conn.Input([]byte("\n"))
		for who, o := range map[string]outcome{"the program": watch(t, conn), "an exec'd one": exec} {
			// ls itself holds 3, the directory it reads.
			if got := strings.Fields(o.output); strings.Join(got, " ") != "0 1 2 3" {
				t.Errorf("terminal %v: %s has descriptors %v, want 0 1 2 (and ls's own 3)", tty, who, got)
			}
		}
	}
}
