package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"aquarium/cmd/aquarium/console"
	"aquarium/runtime/observe"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

func newStep() *cobra.Command {
	var detachKeys string
	c := &cobra.Command{
		Use:   "step SANDBOX",
		Short: "Go on with a launch that waits between two steps",
		Long: `Lead a launch that ` + "`aquarium run --step`" + ` or the UI has begun, from the step that it
waits before, and attach to the program once it runs.

` + stepKeys,
		Example: `  aquarium run --step --name web ./debian
  aquarium step web                  after d, or from another terminal`,
		Args:              arguments(1, 1, "SANDBOX"),
		ValidArgsFunction: completeOne(in(supervisor.Created)),
	}
	registerDetachKeys(c.Flags(), &detachKeys)
	c.RunE = func(_ *cobra.Command, args []string) error {
		keys, err := prefix(detachKeys)
		if err != nil {
			return err
		}
		sb, err := find(args[0])
		if err != nil {
			return err
		}
		if sb.Status != supervisor.Created {
			return &sandbox.Error{What: "step " + sb.Name, Err: fmt.Errorf("its launch does not wait: it is %s", sb.Status), Way: "`aquarium trace " + sb.Name + "` shows the launch"}
		}
		conn, err := sb.Dial()
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.Watch(); err != nil {
			return err
		}
		return lead(sb, conn, &console.Viewer{
			Conn: conn, TTY: sb.TTY, Input: true, Prefix: keys, Signal: sb.Signal,
			Open: func(size wire.Dimensions) error {
				return conn.Attach(wire.AttachRequest{Dimensions: size, History: true, Follow: true})
			},
		})
	}
	return c
}

// stepKeys is the help on what to type; each is followed by Enter.
const stepKeys = `Before each step the plan, the step, and the sandbox as the kernel sees it now are
shown. Then type, and end with Enter:
  (nothing) or n   do this step
  NUMBER           go on to before that step
  r                go on to the end
  s                leave this step out, in a launch with --what-if
  p, c, m          show the whole plan, all calls of this step, all mounts
  a                abort: nothing is left of the sandbox
  d                leave; ` + "`aquarium step SANDBOX`" + ` comes back
At the end of the input it leaves, too.`

// lead steps through a launch, and shows the program once it runs.
func lead(sb sandbox.Sandbox, conn *supervisor.Conn, v *console.Viewer) error {
	s := stepper{sb: sb, conn: conn, out: os.Stderr}
	err := s.run()
	var left errLeft
	switch {
	case errors.As(err, &left):
		return s.leave(left)
	case err != nil:
		return err
	}
	return look(sb, v)
}

// errLeft says that the user left a launch, which waits.
type errLeft struct{ status exitCode }

func (errLeft) Error() string { return "left" }

// stepper leads one launch from the terminal, or from a pipe.
type stepper struct {
	sb   sandbox.Sandbox
	conn *supervisor.Conn
	out  *os.File

	plan   step.Plan
	weaker []string              // what makes the sandbox hold less than a default one
	states map[int]observe.State // before each step, as far as known
	at     wire.StepReport
	until  int // halt at this step and later ones
}

// run leads until the program runs. The error is errLeft, a *LaunchError, or
// what went wrong with the connection.
func (s *stepper) run() error {
	frames, stop := s.listen()
	defer stop()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := s.conn.Trace(); err != nil {
		return err
	}
	keys := newLines(os.Stdin)
	defer keys.stop()
	for {
		var done bool
		var err error
		select {
		case f := <-frames:
			done, err = s.frame(f, keys)
		case line, ok := <-keys.lines:
			if err = s.command(line, ok); err == nil && s.waiting() {
				keys.want()
			}
		case got := <-signals:
			err = errLeft{exitCode(exitSignal + int(got.(syscall.Signal)))}
		}
		if done || err != nil {
			return err
		}
	}
}

// stepFrame is what one read from the supervisor gave.
type stepFrame struct {
	kind    wire.Type
	payload []byte
	err     error
}

// listen passes on frames up to Started: what follows is the viewer's.
func (s *stepper) listen() (frames <-chan stepFrame, stop func()) {
	out, left := make(chan stepFrame), make(chan struct{})
	go func() {
		for {
			kind, payload, err := s.conn.Next()
			select {
			case out <- stepFrame{kind, payload, err}:
			case <-left:
				return
			}
			if err != nil || kind == wire.Started {
				return
			}
		}
	}()
	return out, func() { close(left) }
}

// frame handles one frame; done means that the program runs.
func (s *stepper) frame(f stepFrame, keys *lines) (done bool, err error) {
	if f.err != nil {
		return false, &sandbox.Error{What: "step " + s.sb.Name, Err: errors.New("its supervisor is gone"), Way: "`aquarium ps -a` shows what became of it"}
	}
	switch f.kind {
	case wire.Traced:
		err = s.begin(f.payload)
	case wire.Before:
		s.at = wire.StepReport{}
		err = json.Unmarshal(f.payload, &s.at)
	case wire.Started:
		return s.started(f.payload)
	default:
		return false, nil
	}
	if err != nil || !s.known() {
		return false, err
	}
	if s.at.State != nil {
		s.states[s.at.Before] = *s.at.State
	}
	if s.at.Before < s.until {
		return false, s.goOn()
	}
	s.show()
	keys.want()
	return false, nil
}

// begin takes in the plan, and what was recorded before we came.
func (s *stepper) begin(payload []byte) error {
	var t step.Trace
	err := json.Unmarshal(payload, &t)
	if err == nil {
		s.plan, err = t.Plan()
	}
	s.weaker = t.Weaker
	s.states = make(map[int]observe.State)
	for _, snapshot := range t.States {
		s.states[snapshot.Before] = snapshot.State
	}
	return err
}

// known tells whether both the plan and the place in it are.
func (s *stepper) known() bool { return len(s.plan.Steps) > 0 && s.at.State != nil }

// waiting tells whether the launch waits for us.
func (s *stepper) waiting() bool { return s.known() && s.at.Before >= s.until }

func (s *stepper) started(payload []byte) (bool, error) {
	var report wire.StartedReport
	if err := json.Unmarshal(payload, &report); err != nil {
		return false, err
	}
	if report.Error != "" {
		fmt.Fprintln(s.out)
		return false, &sandbox.LaunchError{Name: s.sb.Name, Report: report}
	}
	fmt.Fprintf(s.out, "\nAll %d steps are done: the program runs as process %d.\n", len(s.plan.Steps), report.PID)
	return true, nil
}

func (s *stepper) goOn() error {
	before := s.at.Before
	s.at = wire.StepReport{}
	return s.conn.GoOn(before)
}

// leave says how to come back.
func (s *stepper) leave(left errLeft) error {
	where := "its first steps"
	if s.known() {
		where = fmt.Sprintf("step %d", s.at.Before+1)
	}
	fmt.Fprintf(s.out, "\naquarium: %s waits before %s: `aquarium step %s` goes on, `aquarium rm -f %s` ends it\n", s.sb.Name, where, s.sb.Name, s.sb.Name)
	if left.status != 0 {
		return left.status
	}
	return nil
}
