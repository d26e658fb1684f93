package supervisor

import (
	"errors"
	"io"

	"aquarium/runtime/step"
	"aquarium/runtime/wire"
)

// bringUp performs the launch and waits until the program runs; nothing is
// left of the sandbox on error but its directories.
func (s *supervisor) bringUp() error {
	listener, err := wire.Listen(s.boot.Run + "/" + SocketName)
	if err == nil {
		go s.accept(listener)
		err = s.perform()
	}
	s.launch.Close()
	if err != nil && s.launch.Process != nil {
		s.launch.Process.Kill()
		s.launch.Process.Wait()
	}
	return err
}

func (s *supervisor) perform() error {
	if s.boot.Plan.Stepped {
		return s.performStepped()
	}
	for _, own := range s.boot.Steps {
		if err := s.own(own); err != nil {
			return err
		}
	}
	if err := s.launch.Send(s.boot.Plan); err != nil {
		return err
	}
	for {
		_, err := s.launch.Next()
		if errors.Is(err, io.EOF) {
			return s.running()
		}
		if err != nil {
			return err
		}
		s.takeConsole()
	}
}

// own does one of the supervisor's own steps; with the last, init is there.
func (s *supervisor) own(op step.Step) error {
	err := s.launch.Do(op)
	if s.launch.Process != nil {
		s.session.started(s.launch.Process)
	}
	return err
}

// takeConsole takes over the terminal that init has opened, if it has.
func (s *supervisor) takeConsole() {
	if s.launch.Console == nil || s.session.terminal != nil {
		return
	}
	s.session.mu.Lock()
	s.session.terminal = s.launch.Console
	s.session.mu.Unlock()
	s.session.drain(wire.Output, s.session.terminal)
}

func (s *supervisor) running() error {
	s.life.Lock()
	defer s.life.Unlock()
	s.boot.State.Started = now()
	s.setPID(s.launch.Process.Pid)
	return s.become(Running)
}

func (s *supervisor) setPID(pid int) {
	s.boot.State.PID = pid
	s.boot.State.PIDStart, _ = StartTime(pid) // gone already: 0 matches no process
}

// fail undoes a launch that did not come to its end, and says so.
func (s *supervisor) fail(err error) {
	report := failure(err)
	if !report.Aborted {
		report.Trace = s.keepFailed()
	}
	s.life.Lock()
	s.erase()
	s.life.Unlock()
	told := s.announce(report)
	for _, v := range told {
		v.finish()
	}
	s.session.decide()
	s.session.finish(wire.ExitReport{Code: report.Code, Reason: report.Error})
	within(flushTime, func() { waitEnds(told) })
}

// failure words a failed launch, with the exit status docker gives it.
func failure(err error) wire.StartedReport {
	report := wire.StartedReport{Error: err.Error(), Code: 125, Aborted: errors.As(err, new(aborted))}
	var refused *step.CallError
	if errors.As(err, &refused) {
		report.Errno, report.Call, report.Detail = int(refused.Errno), refused.Call, refused.Detail
		if isExec(refused) {
			report.Code = step.ExitCode(refused.Errno)
		}
	}
	return report
}
