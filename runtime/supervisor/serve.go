package supervisor

import (
	"encoding/json"
	"maps"
	"slices"
	"syscall"
	"time"

	"aquarium/runtime/wire"
)

func (s *supervisor) accept(listener *wire.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			// Out of descriptors, most likely: the listener itself never closes.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go s.serve(newViewer(conn))
	}
}

// serve answers one viewer's requests until it goes.
func (s *supervisor) serve(v *viewer) {
	target := s.session
	defer func() {
		target.detach(v)
		s.unwatch(v)
		s.answered(v)
		v.finish()
	}()
	for {
		kind, payload, err := wire.Read(v.conn)
		if err != nil {
			return
		}
		if kind == wire.Exec {
			target = s.exec(v, target, payload)
			continue
		}
		if err := s.handle(v, target, kind, payload); err != nil {
			v.send(wire.Done, wire.ErrorReport{Error: err.Error()})
		}
	}
}

func (s *supervisor) handle(v *viewer, target *session, kind wire.Type, payload []byte) error {
	switch kind {
	case wire.Attach:
		var request wire.AttachRequest
		if err := json.Unmarshal(payload, &request); err != nil {
			return err
		}
		target.attach(v, request)
		s.attached(v)
		if v.creator && target == s.session {
			target.decide()
		}
	case wire.Input:
		target.input(payload)
	case wire.EndOfInput:
		target.endOfInput()
	case wire.CloseOut:
		var request wire.CloseRequest
		if err := json.Unmarshal(payload, &request); err != nil {
			return err
		}
		target.closeOutput(request.Number)
	case wire.Resize:
		var size wire.Dimensions
		if err := json.Unmarshal(payload, &size); err != nil {
			return err
		}
		target.resize(size, false)
	case wire.Watch:
		s.watch(v)
	case wire.GoOn, wire.Skip:
		var request wire.StepRequest
		if err := json.Unmarshal(payload, &request); err != nil {
			return err
		}
		if kind == wire.Skip {
			return s.skip(request.Before)
		}
		s.answer(answer{before: request.Before})
	case wire.Abort:
		s.abort()
	case wire.Trace:
		return s.sendTrace(v)
	case wire.Signal:
		var request wire.SignalRequest
		if err := json.Unmarshal(payload, &request); err != nil {
			return err
		}
		if target == s.session && s.abortFor(v) {
			return nil
		}
		s.asked(v)
		err := target.signal(syscall.Signal(request.Number))
		if target == s.session && request.Number == int(syscall.SIGKILL) {
			s.wake()
		}
		return done(v, err)
	case wire.Pause:
		return done(v, s.pause())
	case wire.Unpause:
		return done(v, s.unpause())
	case wire.Save:
		return done(v, s.save())
	case wire.Stop:
		var request wire.StopRequest
		if err := json.Unmarshal(payload, &request); err != nil {
			return err
		}
		if target == s.session && s.abortFor(v) {
			return nil
		}
		s.asked(v)
		err := target.stop(request)
		if target == s.session {
			s.wake()
		}
		return done(v, err)
	}
	return nil
}

// asked notes who is about to end the program: the supervisor, which ends with
// it, waits until they have their answer.
func (s *supervisor) asked(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking[v] = true
}

func (s *supervisor) answered(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.asking, v)
}

// unanswered are those who have not gone since they asked.
func (s *supervisor) unanswered() []*viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.asking))
}

func done(v *viewer, err error) error {
	if err == nil {
		v.send(wire.Done, wire.ErrorReport{})
	}
	return err
}
