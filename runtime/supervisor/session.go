package supervisor

import (
	"io"
	"os"
	"sync"
	"time"

	"aquarium/runtime/step"
	"aquarium/runtime/wire"
)

// session is one running program: its terminal or pipes, what it has put out,
// and who looks. The terminal is drained whether anyone looks or not.
type session struct {
	terminal *os.File      // master of the pseudo-terminal; nil with pipes, and until init has opened it
	stdin    *os.File      // write end of the pipe; nil with a terminal
	typing   sync.Mutex    // held while input is written
	early    []byte        // typed before there was a terminal; typing guards it
	opened   chan struct{} // closed when there is a terminal to write to, or will never be one
	readers  sync.WaitGroup
	// decided is closed when the creator has attached or gone; nil where there
	// is none. Until then what pipes bring waits, so that nothing is missed.
	decided chan struct{}

	mu      sync.Mutex
	pipe    map[wire.Type]*os.File // read ends of the program's output
	history *history
	viewers map[*viewer]bool
	process *os.Process      // nil before the clone
	exit    *wire.ExitReport // set when the program has ended
}

func newSession(scrollback int64, size wire.Dimensions) *session {
	return &session{history: newHistory(scrollback, size), viewers: make(map[*viewer]bool), opened: make(chan struct{}), pipe: make(map[wire.Type]*os.File)}
}

// hasTerminal tells whether the program has a terminal, or will have one once
// init has opened it.
func (s *session) hasTerminal() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pipe) == 0
}

// ready lets input through to the terminal, which gets the size that was asked
// for meanwhile.
func (s *session) ready() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.opened:
		return
	default:
		close(s.opened)
	}
	if s.terminal != nil {
		setSize(s.terminal, s.history.size)
		go s.input(nil) // what was typed so far
	}
}

// drain reads a program's output until its end.
func (s *session) drain(kind wire.Type, from *os.File) {
	s.readers.Add(1)
	if from == s.terminal {
		s.ready()
	}
	go func() {
		defer s.readers.Done()
		defer from.Close()
		buffer := make([]byte, readSize)
		for {
			n, err := from.Read(buffer)
			if n > 0 {
				s.publish(kind, buffer[:n])
				s.waitRoom()
			}
			if err != nil {
				return // EOF, or EIO from a terminal that nobody holds any more
			}
		}
	}()
}

func (s *session) publish(kind wire.Type, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.history.add(kind, b)
	for v := range s.viewers {
		v.output(f)
	}
}

// waitRoom lets lossless viewers of pipes catch up: the program then waits
// like any writer to a full pipe. A terminal never waits.
func (s *session) waitRoom() {
	if s.hasTerminal() {
		return
	}
	s.waitDecided()
	s.mu.Lock()
	var slow []*viewer
	for v := range s.viewers {
		slow = append(slow, v)
	}
	s.mu.Unlock()
	for _, v := range slow {
		v.waitRoom()
	}
}

func (s *session) waitDecided() {
	if s.decided != nil {
		<-s.decided
	}
}

// decide notes that the creator has attached or gone.
func (s *session) decide() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.decided:
	default:
		close(s.decided)
	}
}

// closeOutput closes the pipe that the program writes to. From then on it gets
// EPIPE, and SIGPIPE.
func (s *session) closeOutput(number int) {
	s.mu.Lock()
	pipe := s.pipe[map[int]wire.Type{1: wire.Output, 2: wire.Errput}[number]]
	s.mu.Unlock()
	if pipe != nil {
		pipe.Close()
	}
}

// attach shows the session to a viewer.
func (s *session) attach(v *viewer, request wire.AttachRequest) {
	s.mu.Lock()
	torn := request.History && s.history.torn()
	if request.History {
		v.replay(s.history.replay())
	}
	v.send(wire.Live, struct{}{})
	switch {
	case s.exit != nil:
		v.send(wire.Exit, s.exit)
		v.finish()
	case !request.Follow:
		v.finish()
	default:
		v.lossless = request.Lossless && len(s.pipe) > 0
		v.catchUp = func() []frame { return s.recent(v) }
		s.viewers[v] = true
	}
	s.mu.Unlock()
	s.resize(request.Dimensions, torn)
}

func (s *session) detach(v *viewer) {
	s.mu.Lock()
	delete(s.viewers, v)
	s.mu.Unlock()
}

// recent is what a viewer that fell behind is shown. From here on it takes
// part again, under the same lock that publish holds.
func (s *session) recent(v *viewer) []frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.mu.Lock()
	v.behind = false
	v.mu.Unlock()
	return s.history.recent()
}

// resize gives the terminal another size. A program whose picture cannot be
// replayed is made to draw it again: it is told of a size change (SIGWINCH)
// even when there is none.
func (s *session) resize(size wire.Dimensions, redraw bool) {
	if !s.hasTerminal() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if size.Cols <= 0 || size.Rows <= 0 {
		size = s.history.size
	}
	if s.terminal == nil {
		s.history.size = size // it will have it from the start
		return
	}
	same := size == s.history.size
	if same && !redraw {
		return
	}
	if same {
		setSize(s.terminal, wire.Dimensions{Cols: size.Cols, Rows: size.Rows + 1})
	}
	setSize(s.terminal, size)
	if !same {
		f := s.history.resize(size)
		for v := range s.viewers {
			v.output(f)
		}
	}
}

// maxCells bounds either dimension of a terminal: struct winsize holds 16 bits.
const maxCells = 1<<16 - 1

func setSize(terminal *os.File, size wire.Dimensions) {
	if raw, err := terminal.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			step.SetSize(int(fd), min(size.Cols, maxCells), min(size.Rows, maxCells))
		})
	}
}

// maxEarly bounds what is kept of input that comes before the terminal, in
// bytes. More than that waits.
const maxEarly = 64 << 10

// input hands bytes to the program. It waits while the program does not read.
func (s *session) input(b []byte) {
	s.typing.Lock()
	defer s.typing.Unlock()
	if s.hasTerminal() {
		if s.isEarly() && len(s.early)+len(b) <= maxEarly {
			s.early = append(s.early, b...)
			return
		}
		<-s.opened
		b = append(s.early, b...)
		s.early = nil
	}
	switch {
	case s.terminal != nil:
		s.terminal.Write(b)
	case s.stdin != nil:
		if _, err := s.stdin.Write(b); err != nil {
			s.stdin.Close() // the program has closed its end
		}
	}
}

func (s *session) isEarly() bool {
	select {
	case <-s.opened:
		return false
	default:
		return true
	}
}

func (s *session) endOfInput() {
	if s.stdin != nil {
		s.stdin.Close()
	}
}

// flushTime is how long the rest of the output, and viewers that do not read,
// are waited for once the program has ended.
const flushTime = 2 * time.Second

// finish collects the last output and tells every viewer how it ended. A
// lossless viewer may take its time.
func (s *session) finish(report wire.ExitReport) {
	s.ready()
	within(flushTime, s.readers.Wait)
	if !s.hasTerminal() { // which never waits for a viewer
		within(flushTime, s.waitDecided)
	}
	hasty := s.dismiss(report, false)
	for s.stalled() && !within(flushTime, s.readers.Wait) {
	}
	patient := s.dismiss(report, true)
	waitReaders(hasty)
	waitEnds(patient)
}

// dismiss tells the viewers that are lossless, or those that are not, how it
// ended.
func (s *session) dismiss(report wire.ExitReport, lossless bool) []*viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exit = &report
	var told []*viewer
	for v := range s.viewers {
		if v.lossless == lossless {
			v.send(wire.Exit, report)
			v.finish()
			told = append(told, v)
		}
	}
	return told
}

// stalled tells whether output waits for a lossless viewer.
func (s *session) stalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.viewers {
		if v.full() {
			return true
		}
	}
	return false
}

// within runs wait, for at most limit, and tells whether it came to its end.
func within(limit time.Duration, wait func()) bool {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}

// save writes what is kept of the output, as frames.
func (s *session) save(w io.Writer) error {
	s.mu.Lock()
	frames := s.history.replay()
	s.mu.Unlock()
	for _, f := range frames {
		if err := wire.Write(w, f.kind, f.payload); err != nil {
			return err
		}
	}
	return nil
}
