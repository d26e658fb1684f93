package sandbox

import (
	"strings"
	"testing"

	"aquarium/runtime/spec"
	"aquarium/runtime/wire"
)

// The filter is in force for the program and for what is exec'd later: unshare
// needs no privilege for a user namespace, and is refused all the same.
func TestSeccompRefusesNamespaces(t *testing.T) {
	s := newStore(t)
	root := busybox(t)
	script := "grep Seccomp: /proc/self/status; unshare -U true 2>&1"
	for unconfined, want := range map[bool]string{false: "Seccomp:\t2\nunshare: unshare(0x10000000): Operation not permitted\n", true: "Seccomp:\t0\n"} {
		sb, conn := startSandbox(t, s, spec.Options{Rootfs: root, Command: []string{"sh", "-c", "read x;" + strings.ReplaceAll(script, "unshare", "busybox unshare")}, Interactive: true, Unconfined: unconfined})
		other := dial(t, sb)
		if err := other.Exec(wire.ExecRequest{Argv: []string{"sh", "-c", strings.ReplaceAll(script, "unshare", "busybox unshare")}}); err != nil {
			t.Fatal(err)
		}
		if got := watch(t, other); got.output != want {
			t.Errorf("unconfined %v: exec printed %q, want %q", unconfined, got.output, want)
		}
		if err := conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
			t.Fatal(err)
		}
		conn.Input([]byte("\n"))
		if got := watch(t, conn); got.output != want {
			t.Errorf("unconfined %v: the program printed %q, want %q", unconfined, got.output, want)
		}
	}
}
