package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lines reads lines of the input, one at a time and only when asked to, and
// not a byte more: what follows belongs to the program.
type lines struct {
	lines  <-chan string // closed at the end of the input
	wanted chan struct{}
	left   chan struct{}
}

func newLines(in *os.File) *lines {
	out := make(chan string)
	l := &lines{lines: out, wanted: make(chan struct{}, 1), left: make(chan struct{})}
	go l.read(int(in.Fd()), out)
	return l
}

// want asks for one more line; asking twice before it came is asking once.
func (l *lines) want() {
	select {
	case l.wanted <- struct{}{}:
	default:
	}
}

func (l *lines) stop() { close(l.left) }

func (l *lines) read(fd int, out chan<- string) {
	defer close(out)
	for {
		select {
		case <-l.wanted:
		case <-l.left:
			return
		}
		line, err := l.line(fd)
		if err != nil {
			return
		}
		select {
		case out <- line:
		case <-l.left:
			return
		}
	}
}

var errNoMore = errors.New("no more input is wanted")

// pollTime is how soon a reader notices that nobody wants its line any more,
// in milliseconds.
const pollTime = 50

// line reads up to the end of a line, byte by byte.
func (l *lines) line(fd int) (string, error) {
	var line []byte
	b := make([]byte, 1)
	for {
		if err := l.ready(fd); err != nil {
			return "", err
		}
		n, err := unix.Read(fd, b)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil:
			return "", err
		case n == 0 && len(line) == 0:
			return "", errNoMore
		case n == 0 || b[0] == '\n':
			return string(line), nil
		}
		line = append(line, b[0])
	}
}

// ready waits until there is something to read.
func (l *lines) ready(fd int) error {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, pollTime)
		select {
		case <-l.left:
			return errNoMore
		default:
		}
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
