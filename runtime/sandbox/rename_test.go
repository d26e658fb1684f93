package sandbox

import (
	"os"
	"syscall"
	"testing"

	"aquarium/runtime/spec"
)

// A name that is free again may be taken while what is left of the last
// sandbox of that name is still being deleted; the new one keeps it.
func TestANameTakenAgainIsKept(t *testing.T) {
	s := newStore(t)
	root := busybox(t)
	for range 20 {
		sb, _ := startSandbox(t, s, spec.Options{Name: "again", Rootfs: root, Command: []string{"sleep", "1000"}, Remove: true})
		if err := sb.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		waitGone(t, s, sb.ID)
		if id, err := os.Readlink(s.name("again")); err == nil && id == sb.ID {
			t.Fatal("the sandbox is gone, and its name is not")
		}
	}
}

// waitGone waits until a sandbox is no longer listed.
func waitGone(t *testing.T, s *Store, id string) {
	t.Helper()
	for {
		if _, err := s.Find(id); err != nil {
			return
		}
	}
}
