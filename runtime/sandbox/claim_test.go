package sandbox

import (
	"os"
	"sync"
	"testing"
	"time"

	"aquarium/runtime/kernel"
	"aquarium/runtime/ledger"
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
		if err := kernel.RemoveTree(s.run(id)); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	listers.Wait()
}

// TestWhatIsBeingRemovedIsMarked: with a running directory that the supervisor
// is still deleting, and with one that holds what could not be undone.
func TestWhatIsBeingRemovedIsMarked(t *testing.T) {
	s := newStore(t)
	marked := func(id string) {
		t.Helper()
		if st, err := readState(s.run(id)); err != nil || !st.Remove || !st.Alive(s.run(st.ID)) {
			t.Errorf("it is not written down that it is being removed: %+v, %v", st, err)
		}
	}
	going := newID()
	if err := os.Mkdir(s.run(going), 0o700); err != nil {
		t.Fatal(err)
	}
	condemned := make(chan struct{})
	go func() {
		s.condemn(supervisor.State{ID: going})
		close(condemned)
	}()
	select {
	case <-condemned:
		t.Error("it did not wait for the supervisor")
	case <-time.After(20 * changePause):
	}
	if err := os.Remove(s.run(going)); err != nil {
		t.Error(err)
	}
	<-condemned
	marked(going)

	kept := newID()
	if err := s.claim(kept); err != nil {
		t.Fatal(err)
	}
	if err := (supervisor.State{ID: kept}).Save(s.run(kept)); err != nil {
		t.Fatal(err)
	}
	s.condemn(supervisor.State{ID: kept})
	marked(kept)
	if _, err := ledger.OpenExisting(s.run(kept)); err != nil {
		t.Errorf("the ledger is gone: %v", err)
	}
}
