package supervisor

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"aquarium/runtime/observe"
	"aquarium/runtime/step"
	"aquarium/runtime/wire"
)

// answer is what a viewer says to a stepped launch that waits.
type answer struct {
	before int    // the step it is about
	skip   string // the call of the step to be left out; "" has it done
	abort  bool
}

// aborted is a stepped launch that somebody ended on purpose.
type aborted struct{ before int }

func (a aborted) Error() string { return fmt.Sprintf("aborted before step %d", a.before+1) }

// progress is one of init's reports.
type progress struct {
	before int
	err    error
}

// performStepped performs the launch step by step: the supervisor's own, then
// init's.
func (s *supervisor) performStepped() error {
	var ended chan progress // says when init is there no more
	for i, own := range s.steps {
		if s.launch.Process != nil && ended == nil {
			ended = make(chan progress, 1)
			go func() {
				if !s.launch.Speaks() {
					ended <- progress{-1, io.EOF}
				}
			}()
		}
		a, err := s.halt(i, ended)
		if err != nil {
			return err
		}
		if a.skip != "" {
			s.leftOut(a)
			s.launch.Skip()
		} else if err := s.own(own); err != nil {
			return err
		}
	}
	if s.launch.Process == nil {
		return errors.New("without its clone there is no init")
	}
	if err := s.launch.Send(s.boot.Plan); err != nil {
		return err
	}
	reports := make(chan progress)
	go s.listen(reports)
	for {
		r := <-reports
		s.takeConsole()
		if errors.Is(r.err, io.EOF) {
			s.record(len(s.boot.Plan.Steps))
			return s.running()
		}
		if r.err != nil {
			return r.err
		}
		if r.before < 0 {
			continue // the last report, before the program takes over
		}
		a, err := s.halt(r.before, reports)
		if err != nil {
			return err
		}
		if a.skip != "" {
			s.leftOut(a)
		}
		if err := s.launch.GoOn(a.skip != ""); err != nil {
			return err
		}
	}
}

// listen passes on what init reports, the last one with the error that ended
// them. init says nothing while it waits for an answer: what comes then is its
// end.
func (s *supervisor) listen(reports chan<- progress) {
	for {
		before, err := s.launch.Next()
		reports <- progress{before, err}
		if err != nil {
			return
		}
	}
}

// halt tells the watchers that the launch stands before a step, and waits for
// an answer, or for init's end.
func (s *supervisor) halt(before int, reports <-chan progress) (answer, error) {
	report := s.record(before)
	if err := s.stand(report); err != nil {
		return answer{}, err
	}
	s.mu.Lock()
	s.before = report
	for v := range s.watchers {
		v.send(wire.Before, report)
	}
	s.mu.Unlock()
	select {
	case a := <-s.answers:
		if a.abort {
			return a, aborted{before}
		}
		return a, nil
	case <-reports:
		s.mu.Lock()
		s.before = nil
		s.mu.Unlock()
		return answer{}, fmt.Errorf("init was killed before step %d", before+1)
	}
}

// stand records that the launch stands, and where init is.
func (s *supervisor) stand(report *wire.StepReport) error {
	s.life.Lock()
	defer s.life.Unlock()
	if process := s.launch.Process; process != nil {
		s.setPID(process.Pid)
		report.PID = process.Pid
	}
	return s.become(Created)
}

// answer hands an answer to the waiting launch; false means that it does not
// wait, or not before that step.
func (s *supervisor) answer(a answer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before == nil || !a.abort && a.before != s.before.Before {
		return false
	}
	s.before = nil // the first answer counts
	s.answers <- a
	return true
}

// skip leaves a step out, where that can do no harm.
func (s *supervisor) skip(before int) error {
	plan, err := step.Trace{Steps: s.boot.Plan.Steps}.Plan()
	if err != nil {
		return err
	}
	if why := plan.Unskippable(before); why != "" {
		return fmt.Errorf("leave out step %d: %s", before+1, why)
	}
	s.answer(answer{before: before, skip: plan.Steps[before].Op.Calls()[0].Name})
	return nil
}

// stepsLeftOut begins the reason by which such a sandbox is weaker.
const stepsLeftOut = "steps left out: "

// leftOut has it said, wherever it is said what makes a sandbox hold less than
// a default one, that a step was left out. The next record of the state has it.
func (s *supervisor) leftOut(a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := strconv.Itoa(a.before+1) + " " + a.skip
	weaker := slices.Clone(s.boot.State.Weaker)
	if last := len(weaker) - 1; last >= 0 && strings.HasPrefix(weaker[last], stepsLeftOut) {
		weaker[last] += ", " + one
	} else {
		weaker = append(weaker, stepsLeftOut+one)
	}
	s.boot.State.Weaker = weaker
}

// abort ends a launch that waits; false means that none does.
func (s *supervisor) abort() bool { return s.answer(answer{abort: true}) }

// record notes what the kernel knows before a step: of init, and before the
// clone of this process, or its thread in the outer namespace, from which init's world is copied.
func (s *supervisor) record(before int) *wire.StepReport {
	pid := os.Getpid()
	switch {
	case s.launch.Process != nil:
		pid = s.launch.Process.Pid
	case s.launch.Outer != 0:
		pid = s.launch.Outer
	}
	state, err := observe.Read(pid)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.launch.Process != nil {
		s.trace.PID = pid
	}
	s.trace.Events = append([]step.Event(nil), s.launch.Events...)
	report := &wire.StepReport{Before: before, Events: s.trace.Events, Outer: s.launch.Outer}
	if err == nil {
		if s.launch.Hostname != "" && before < len(s.boot.Plan.Steps) {
			state.Hostname = s.launch.Hostname
		}
		s.trace.Record(step.Snapshot{Before: before, State: state})
		report.State = &state
	}
	return report
}

// watch tells a viewer from now on of steps and of the start.
func (s *supervisor) watch(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[v] = true
	switch {
	case s.begun != nil:
		v.send(wire.Started, s.begun)
	case s.before != nil:
		v.send(wire.Before, s.before)
	}
}

func (s *supervisor) unwatch(v *viewer) {
	s.mu.Lock()
	delete(s.watchers, v)
	s.changed.Broadcast()
	s.mu.Unlock()
}

// attached notes that a watcher has seen the program itself.
func (s *supervisor) attached(v *viewer) {
	s.mu.Lock()
	if s.watchers[v] {
		s.watchers[v] = false
		s.changed.Broadcast()
	}
	s.mu.Unlock()
}

// waitWatchers waits until every watcher has attached or gone: one that has
// led the launch wants to see a program, too, that ends at once.
func (s *supervisor) waitWatchers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for slices.Contains(slices.Collect(maps.Values(s.watchers)), true) {
		s.changed.Wait()
	}
}

// attachedWatchers are those who have attached, and may still be reading.
func (s *supervisor) attachedWatchers() []*viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*viewer
	for v, waiting := range s.watchers {
		if !waiting {
			list = append(list, v)
		}
	}
	return list
}

// announce tells the watchers how the launch ended, and returns them.
func (s *supervisor) announce(report wire.StartedReport) []*viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = &report
	s.changed.Broadcast()
	var told []*viewer
	for v := range s.watchers {
		v.send(wire.Started, report)
		told = append(told, v)
	}
	return told
}

// abortFor aborts a launch that waits, for a viewer that asked for something
// else with this effect, such as a signal. The viewer has its answer first:
// this process may be gone right after.
func (s *supervisor) abortFor(v *viewer) bool {
	s.mu.Lock()
	waits := s.before != nil
	s.mu.Unlock()
	if !waits {
		return false
	}
	v.send(wire.Done, wire.ErrorReport{})
	v.finish()
	within(flushTime, v.waitEnd)
	s.abort()
	return true
}
