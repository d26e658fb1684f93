package sandbox

import (
	"os"
	"testing"

	"aquarium/runtime/spec"
)

// A tied sandbox ends when who launched it lets go of it, also while it is
// still being launched; any other runs on.
func TestTied(t *testing.T) {
	s := newStore(t)
	bb := busybox(t)
	loose, conn := startSandbox(t, s, spec.Options{Rootfs: bb, Command: []string{"sleep", "100"}, Remove: true})
	conn.Close()

	running, conn := startSandbox(t, s, spec.Options{Rootfs: bb, Command: []string{"sleep", "100"}, Remove: true, Tied: true})
	conn.Close()
	begun, conn, err := s.Launch(spec.Options{Rootfs: bb, Command: []string{"sleep", "100"}, Remove: true, Tied: true})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	for _, sb := range []Sandbox{running, begun} {
		if !eventually(func() bool { _, err := os.Stat(sb.Bundle); return os.IsNotExist(err) }) {
			t.Errorf("%s is still there", sb.Name)
		}
	}
	if loose, err := s.Find(loose.ID); err != nil || !loose.Alive(s.run(loose.ID)) {
		t.Errorf("what is not tied is %s: %v", loose.Status, err)
	}
}
