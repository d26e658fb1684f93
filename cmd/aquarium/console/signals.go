package console

import (
	"os"
	"os/signal"
	"syscall"
)

// insist is how many times an interrupt has to come before the viewer goes
// although the program does not: PID 1 ignores signals it has no handler for.
const insist = 3

// watchSignals handles signals until stop is called.
//
// SIGPIPE is caught, not ignored, so that writing gives EPIPE: ignoring would
// be inherited by every program started later.
func (v *Viewer) watchSignals() (stop func()) {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGWINCH, syscall.SIGPIPE, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGCONT)
	done := make(chan struct{})
	go func() {
		defer v.rescue()
		interrupts := 0
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				v.signal(s.(syscall.Signal), &interrupts)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

func (v *Viewer) signal(s syscall.Signal, interrupts *int) {
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
			*interrupts++
		}
		if *interrupts == insist || v.Signal(s) != nil {
			v.goAway(s)
		}
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
