package sandbox

import (
	"sync"
	"testing"

	"aquarium/runtime/supervisor"
)

// TestListLeavesNewSandboxesAlone lists without pause while sandboxes are
// claimed: a listing must not take a claim for what a crash has left.
func TestListLeavesNewSandboxesAlone(t *testing.T) {
	s := newStore(t)
	done := make(chan struct{})
	var listers sync.WaitGroup
	for range 2 {
		listers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					s.List()
				}
			}
		})
	}
	for range 300 {
		id := newID()
		if err := s.claim(id); err != nil {
			t.Fatal(err)
		}
		if _, err := readState(s.run(id)); err != nil {
			t.Fatalf("the claim is gone: %v", err)
		}
		if err := supervisor.RemoveTree(s.run(id)); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	listers.Wait()
}
