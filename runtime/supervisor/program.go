package supervisor

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"aquarium/runtime/kernel"
	"aquarium/runtime/wire"
)

func (s *session) started(process *os.Process) {
	s.mu.Lock()
	s.process = process
	s.mu.Unlock()
}

// signal sends a signal to the program. Go holds it by pidfd, so a program
// that has ended is never mistaken for another process.
func (s *session) signal(number syscall.Signal) error {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	if process == nil {
		return errEnded
	}
	err := process.Signal(number)
	if errors.Is(err, os.ErrProcessDone) {
		return errEnded
	}
	return err
}

// stop asks the program to end, and kills it after the grace period: PID 1
// ignores a signal it has no handler for, see pid_namespaces(7).
func (s *session) stop(request wire.StopRequest) error {
	number := syscall.Signal(request.Signal)
	if number == 0 {
		number = syscall.SIGTERM
	}
	if err := s.signal(number); err != nil {
		return err
	}
	time.AfterFunc(time.Duration(request.Grace)*time.Millisecond, func() { s.signal(syscall.SIGKILL) })
	return nil
}

// wait waits for the program's end.
func (s *session) wait() wire.ExitReport {
	process := s.process
	kernel.AwaitEnd(process.Pid) // fails for none but what Wait tells as well
	s.started(nil)               // before it is waited for: then its number may be another's
	state, err := process.Wait()
	if err != nil {
		return wire.ExitReport{Code: 125, Reason: "wait for the program: " + err.Error()}
	}
	status := state.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		number := status.Signal()
		return wire.ExitReport{Code: 128 + int(number), Signal: int(number), Reason: fmt.Sprintf("signal %d, %v", int(number), number)}
	}
	return wire.ExitReport{Code: status.ExitStatus()}
}

// pipes makes the program's standard output and error, and its input where
// it is to be kept open, and drains what comes.
func (s *session) pipes(keepInput bool) (theirs [3]*os.File, err error) {
	if keepInput {
		theirs[0], s.stdin, err = os.Pipe()
	} else {
		theirs[0], err = openNull(os.O_RDONLY)
	}
	if err != nil {
		return theirs, err
	}
	for fd, kind := range map[int]wire.Type{1: wire.Output, 2: wire.Errput} {
		ours, end, err := os.Pipe()
		if err != nil {
			return theirs, err
		}
		theirs[fd] = end
		s.mu.Lock()
		s.pipe[kind] = ours
		s.mu.Unlock()
		s.drain(kind, ours)
	}
	return theirs, nil
}
