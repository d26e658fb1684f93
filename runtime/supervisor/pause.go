package supervisor

import (
	"errors"
	"fmt"
)

// pause stops all processes of the sandbox where they are.
func (s *supervisor) pause() error {
	s.life.Lock()
	defer s.life.Unlock()
	if err := s.mustBe(Running); err != nil {
		return err
	}
	if err := s.boot.State.Groups.Freeze(); err != nil {
		return err
	}
	err := s.become(Paused)
	if err != nil { // no space left
		s.boot.State.Groups.Thaw()
		s.boot.State.Status = Running
	}
	return err
}

// unpause lets them run on.
func (s *supervisor) unpause() error {
	s.life.Lock()
	defer s.life.Unlock()
	if err := s.mustBe(Paused); err != nil {
		return err
	}
	if err := s.boot.State.Groups.Thaw(); err != nil {
		return err
	}
	return s.become(Running)
}

// wake is unpause, for a paused sandbox that is to end: what is frozen does
// not see the signal.
func (s *supervisor) wake() {
	if s.paused() {
		s.unpause()
	}
}

func (s *supervisor) paused() bool {
	s.life.Lock()
	defer s.life.Unlock()
	return s.boot.State.Status == Paused
}

// mustBe is the error of a sandbox that is in another state; life is held.
func (s *supervisor) mustBe(status Status) error {
	if now := s.boot.State.Status; now != status {
		return fmt.Errorf("it is %s", now)
	}
	return nil
}

// become records a new state; life is held.
func (s *supervisor) become(status Status) error {
	s.boot.State.Status = status
	return s.boot.State.Save(s.boot.Run)
}

// save writes the state anew. That of a sandbox that has ended is no longer
// in the running directory.
func (s *supervisor) save() error {
	s.life.Lock()
	defer s.life.Unlock()
	switch st := s.boot.State; st.Status {
	case Creating, Created, Running, Paused:
		return st.Save(s.boot.Run)
	default:
		return fmt.Errorf("it is %s", st.Status)
	}
}

// errPaused: a program that joins frozen control groups would not start.
var errPaused = errors.New("exec: the sandbox is paused")
