package inspect

import (
	"strconv"
	"time"
)

// A FUSE server of the sandbox's can make a read of a process's memory, or of
// a file, wait for as long as it likes. Nothing can take back such a wait, so
// it is left to its goroutine, is not begun a second time, and there are few.
const (
	defaultPatience = 250 * time.Millisecond
	mostHung        = 16
)

// patiently runs read, and gives up on it with ErrHangs. The name says what
// is read; while it hangs it is not read again.
func patiently[T any](o *Observer, name string, read func() (T, error)) (T, error) {
	var none T
	o.mu.Lock()
	refused := o.stuck[name] || len(o.stuck) >= mostHung
	o.mu.Unlock()
	if refused {
		return none, &Error{"read " + name, ErrHangs}
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
		o.mu.Lock()
		delete(o.stuck, name)
		o.mu.Unlock()
	}()
	timer := time.NewTimer(o.patience)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case r := <-done: // just now
		return r.value, r.err
	default:
		o.stuck[name] = true
		return none, &Error{"read " + name, ErrHangs}
	}
}

// memory reads a file of /proc/PID that is the memory of the process: cmdline
// or environ.
func (t *Target) memory(name string, most int) (content []byte, more bool, err error) {
	type part struct {
		content []byte
		more    bool
	}
	p, err := patiently(t.observer, "/proc/"+strconv.Itoa(t.PID)+"/"+name, func() (part, error) {
		content, more, err := readAt(t.dir, name, most)
		return part{content, more}, err
	})
	return p.content, p.more, err
}
