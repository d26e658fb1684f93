package console

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// sink is one of the user's output files.
type sink struct {
	number int
	file   *os.File
	filter *filter // nil where the file is no terminal
	err    error   // why nothing more is written
	told   bool
}

func newSink(number int, file *os.File) *sink {
	s := &sink{number: number, file: file}
	if IsTerminal(file) {
		s.filter = new(filter)
	}
	return s
}

func (s *sink) name() string { return [...]string{1: "standard output", 2: "standard error"}[s.number] }

// shown is what of b the file gets: all of it, where it is no terminal.
func (s *sink) shown(b []byte) []byte {
	if s.filter == nil {
		return b
	}
	return s.filter.pass(b)
}

// forget drops what was held of a sequence whose rest does not come.
func (s *sink) forget() {
	if s.filter != nil {
		*s.filter = filter{}
	}
}

// write reports whether the file took it. A file that is closed takes no more.
func (s *sink) write(b []byte) bool {
	if s.err != nil {
		return false
	}
	if _, s.err = s.file.Write(b); s.err == nil {
		return true
	}
	var path *fs.PathError
	if errors.As(s.err, &path) {
		s.err = path.Err // what was written is named already
	}
	return false
}

// closeOutput tells the program's side that nobody reads any more, so that the
// program sees what it would see in a pipeline of the host: EPIPE.
func (v *Viewer) closeOutput(s *sink) error {
	if s.told {
		return nil
	}
	s.told = true
	if s.number == 1 {
		time.AfterFunc(brokenTime, func() { v.goAway(syscall.SIGPIPE) })
	}
	return v.Conn.CloseOutput(s.number)
}

// brokenTime is how long a program may run on when nobody reads its output.
// Most end by EPIPE; PID 1 ignores the SIGPIPE that would end the others. The
// rest of the user's pipeline does not wait for those.
const brokenTime = 3 * time.Second

// pumpInput passes standard input on. A reader and a sender, so that the
// detach key works while the program does not read.
func (v *Viewer) pumpInput() {
	defer v.rescue()
	queue, sent := make(chan []byte, 64), make(chan struct{})
	go func() {
		defer close(sent)
		v.sendInput(queue)
	}()
	detached := v.readInput(queue)
	close(queue)
	if detached {
		// What was typed before the key gets there first, if the program reads.
		select {
		case <-sent:
		case <-time.After(time.Second / 4):
		}
		v.leave <- ErrDetached
		return
	}
	<-sent
	v.endInput()
}

// readInput queues what is typed, up to the end of the input or, where the
// result is true, the detach key.
func (v *Viewer) readInput(queue chan<- []byte) (detached bool) {
	k := keys{prefix: v.Prefix}
	watch := v.TTY && IsTerminal(os.Stdin)
	for {
		buffer := make([]byte, 32<<10)
		n, err := os.Stdin.Read(buffer)
		send := buffer[:n]
		if watch {
			send, detached = k.take(send)
		}
		if len(send) > 0 && !detached {
			queue <- send
		} else if len(send) > 0 {
			select {
			case queue <- send:
			default: // full: the program does not read
			}
		}
		if err != nil || detached {
			return detached
		}
	}
}

func (v *Viewer) sendInput(queue <-chan []byte) {
	defer v.rescue()
	for b := range queue {
		if v.Conn.Input(b) != nil {
			return
		}
	}
}

func (v *Viewer) endInput() {
	switch {
	case !v.Ends:
	case v.TTY:
		// A terminal's input has no end but the character for it; see termios(3), VEOF.
		v.Conn.Input([]byte{4})
	default:
		v.Conn.EndOfInput()
	}
}

// rescue gives the terminal back before a panic of a goroutine ends the
// process.
func (v *Viewer) rescue() {
	if r := recover(); r != nil {
		v.handBack(true)
		panic(r)
	}
}
