package supervisor

import (
	"bufio"
	"os"
	"strings"
	"time"

	"aquarium/runtime/step"
	"aquarium/runtime/wire"
)

func now() time.Time { return time.Now().UTC() }

func isExec(e *step.CallError) bool { return strings.HasPrefix(e.Call, "execve(") }

// settle records the end: the state and the output move to the bundle, and
// what belongs to a running sandbox goes.
func (s *supervisor) settle(report wire.ExitReport) {
	s.life.Lock()
	defer s.life.Unlock()
	if s.boot.State.Remove {
		s.erase()
		return
	}
	within(flushTime, s.session.readers.Wait)
	st := &s.boot.State
	st.Status, st.Finished = Stopped, now()
	st.ExitCode, st.Signal, st.Reason = &report.Code, report.Signal, report.Reason
	st.PID, st.PIDStart, st.Keeper, st.KeepStart = 0, 0, 0, 0
	s.saveOutput()
	if st.Save(st.Bundle) != nil {
		st.Save(s.boot.Run) // no space left: the next command does the rest, if it finds this
		return
	}
	s.belongings().Release() // what could not be undone stays written in the ledger
}

// saveOutput keeps the scrollback of a stopped sandbox. A full disk costs the
// output, not the record of the exit.
func (s *supervisor) saveOutput() {
	path := s.boot.State.Bundle + "/" + OutputName
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	if s.session.save(w) != nil || w.Flush() != nil {
		os.Remove(path)
	}
}

// erase deletes everything of the sandbox. What cannot be undone stays written
// in its ledger, and the next command tries again.
func (s *supervisor) erase() { s.belongings().Erase(s.boot.State.Name) }

func (s *supervisor) belongings() Belongings {
	st := s.boot.State
	return Belongings{ID: st.ID, IDs: st.IDs, Groups: st.Groups, Run: s.boot.Run, Bundle: st.Bundle, Names: s.boot.Names, Leases: s.boot.Leases}
}
