package console

import (
	"os"
	"os/signal"
	"syscall"
)

// insist is how many times an interrupt has to come before the viewer goes
// although the program does not: PID 1 ignores signals it has no handler for.
const insist = 3

// CatchSignals has signals wait for Run, which handles them once the program
// has started. Without it they are caught in Run.
func (v *Viewer) CatchSignals() {
	v.started = make(chan struct{})
	v.catchSignals()
}

// SIGPIPE is caught, not ignored, so that writing gives EPIPE: ignoring would
// be inherited by every program started later.
func (v *Viewer) catchSignals() {
	v.signals = make(chan os.Signal, 16)
	signal.Notify(v.signals, syscall.SIGWINCH, syscall.SIGPIPE, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGCONT)
}

// begun is told that the program runs.
func (v *Viewer) begun() {
	if v.started != nil {
		close(v.started)
		v.started = nil
	}
}

// watchSignals handles signals until stop is called. They stay caught then, for
// the little that is left to do: one that comes late, as when somebody insists,
// must not change how the command ends.
func (v *Viewer) watchSignals() (stop func()) {
	if v.signals == nil {
		v.catchSignals()
	}
	done := make(chan struct{})
	go func() {
		defer v.rescue()
		w := signalWatch{viewer: v, started: v.started}
		for {
			select {
			case <-done:
				return
			case <-w.started:
				w.begin()
			case s := <-v.signals:
				w.take(s.(syscall.Signal))
			}
		}
	}()
	return func() { close(done) }
}

// signalWatch is what is known between two signals.
type signalWatch struct {
	viewer     *Viewer
	started    chan struct{} // nil once the program runs
	early      []syscall.Signal
	interrupts int
}

// begin passes on what came before there was a program.
func (w *signalWatch) begin() {
	w.started = nil
	for _, s := range w.early {
		w.pass(s)
	}
}

func (w *signalWatch) take(s syscall.Signal) {
	v := w.viewer
	switch s {
	case syscall.SIGPIPE:
	case syscall.SIGWINCH:
		v.resize()
	case syscall.SIGCONT:
		v.resumed()
	default:
		if v.TTY || v.Signal == nil {
			// The keys that make signals went to the program: this is meant for us.
			v.goAway(s)
			return
		}
		if s == syscall.SIGINT || s == syscall.SIGTERM {
			w.interrupts++
		}
		switch {
		case w.interrupts == insist:
			v.goAway(s)
		case w.started != nil:
			w.early = append(w.early, s)
		default:
			w.pass(s)
		}
	}
}

func (w *signalWatch) pass(s syscall.Signal) {
	if w.viewer.Signal(s) != nil {
		w.viewer.goAway(s)
	}
}

func (v *Viewer) resize() {
	if size := v.outer.size(); v.TTY && size.Cols > 0 {
		v.outer.resized()
		v.Conn.Resize(size)
	}
}

// resumed is after a stop from outside: the shell has had the terminal.
func (v *Viewer) resumed() {
	if v.TTY {
		v.outer.cook()
		v.outer.raw()
		v.resize()
		v.outer.redraw()
	}
}

func (v *Viewer) goAway(s syscall.Signal) {
	select {
	case v.leave <- Interrupted{s}:
	default: // already on the way
	}
}
