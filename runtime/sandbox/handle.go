package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/ledger"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// How long what takes milliseconds is waited for, and how often it is looked
// at: a launch that has only begun, or an end that is not recorded yet.
const (
	changePatience = 5 * time.Second
	changePause    = 2 * time.Millisecond
)

// Dial connects to the sandbox's supervisor. A sandbox that has stopped, or
// was removed, has none: the error says so. One whose launch has only begun is
// waited for.
func (sb Sandbox) Dial() (*supervisor.Conn, error) {
	for deadline := time.Now().Add(changePatience); ; time.Sleep(changePause) {
		if sb.Status == supervisor.Stopped {
			return nil, &Error{"connect to " + sb.Name, errors.New("it has stopped"), "`aquarium logs " + sb.Name + "` shows its output"}
		}
		conn, err := supervisor.Dial(sb.store.run(sb.ID))
		if err == nil {
			return conn, nil
		}
		now, gone := sb.store.load(sb.ID)
		switch {
		case gone != nil:
			return nil, &Error{"connect to " + sb.Name, errors.New("it is being removed"), "`aquarium ps -a` lists what there is"}
		case time.Now().After(deadline):
			return nil, &Error{"connect to " + sb.Name, err, ""}
		}
		sb.State.Status = now.Status
	}
}

// DialExec is Dial for one more program, which a sandbox does not take before
// its first one runs, or while it is paused.
func (sb Sandbox) DialExec() (*supervisor.Conn, error) {
	switch sb.Status {
	case supervisor.Created:
		return nil, sb.Waits("exec in")
	case supervisor.Paused:
		return nil, &Error{"exec in " + sb.Name, errors.New("it is paused"), "`aquarium unpause " + sb.Name + "` lets it run on"}
	}
	return sb.Dial()
}

// Waits refuses what only a sandbox with a program can do.
func (sb Sandbox) Waits(what string) error {
	return &Error{what + " " + sb.Name, supervisor.ErrWaits, "`aquarium step " + sb.Name + "` goes on with it"}
}

// Frames is a sandbox's output as a stream of frames: from its supervisor
// while it runs, from its bundle once it has stopped. At the end of the
// stream Next returns io.EOF.
type Frames interface {
	Next() (wire.Type, []byte, error)
	Close() error
}

// Output returns the history and, with follow, what comes until the program's
// end.
func (sb Sandbox) Output(follow bool) (Frames, error) {
	if sb.Status == supervisor.Stopped {
		return sb.saved()
	}
	conn, err := sb.Dial()
	if err != nil {
		return sb.saved() // it has stopped since it was read
	}
	if conn.Attach(wire.AttachRequest{History: true, Follow: follow}) != nil {
		conn.Close()
		return sb.saved() // it just has
	}
	return &liveFrames{Frames: conn, sb: sb}, nil
}

// liveFrames are those of a supervisor. One that ends just as it is asked says
// nothing: what it has saved tells.
type liveFrames struct {
	Frames
	sb   Sandbox
	told bool
}

func (f *liveFrames) Next() (wire.Type, []byte, error) {
	kind, payload, err := f.Frames.Next()
	if f.told || !errors.Is(err, io.EOF) {
		f.told = true
		return kind, payload, err
	}
	f.told = true
	saved, err := f.sb.saved()
	if err != nil {
		return 0, nil, err
	}
	f.Frames.Close()
	f.Frames = saved
	return f.Frames.Next()
}

// savedFrames are the frames of a file.
type savedFrames struct{ *os.File }

func (f savedFrames) Next() (wire.Type, []byte, error) { return wire.Read(f.File) }

type noFrames struct{}

func (noFrames) Next() (wire.Type, []byte, error) { return 0, nil, io.EOF }
func (noFrames) Close() error                     { return nil }

func (sb Sandbox) saved() (Frames, error) {
	file, err := os.Open(filepath.Join(sb.Bundle, supervisor.OutputName))
	if errors.Is(err, os.ErrNotExist) {
		return noFrames{}, nil // its supervisor was killed, and the output went with it
	}
	if err != nil {
		return nil, &Error{"read output of " + sb.Name, err, ""}
	}
	return savedFrames{file}, nil
}

// Signal sends a signal to the sandbox's first process.
func (sb Sandbox) Signal(number syscall.Signal) error {
	return sb.request("signal", func(c *supervisor.Conn) error { return c.Signal(number) })
}

// Stop asks the program to end with SIGTERM, has it killed when it has not
// ended after grace, and waits for the end.
func (sb Sandbox) Stop(ctx context.Context, grace time.Duration) error {
	sb.checkLedger()
	err := sb.request("stop", func(c *supervisor.Conn) error {
		return c.Stop(wire.StopRequest{Grace: int(grace.Milliseconds())})
	})
	if err != nil {
		return err
	}
	return sb.Wait(ctx)
}

// checkLedger says that a running sandbox's ledger is damaged, before it goes
// with the sandbox.
func (sb Sandbox) checkLedger() {
	l, err := ledger.OpenExisting(sb.store.run(sb.ID))
	if err != nil {
		return
	}
	defer l.Close()
	if damaged, err := l.Damaged(); err == nil && damaged && sb.store.Notice != nil {
		sb.store.Notice("the ledger of " + sb.Name + " is damaged: what only that listed is not cleaned up")
	}
}

// Pause stops all processes of the sandbox where they are.
func (sb Sandbox) Pause() error {
	if len(sb.Groups) == 0 && sb.Status == supervisor.Running {
		return &Error{"pause " + sb.Name, cgroup.ErrNoFreezer, freezerWay()}
	}
	return sb.request("pause", (*supervisor.Conn).Pause)
}

// Unpause lets a paused sandbox run on.
func (sb Sandbox) Unpause() error { return sb.request("unpause", (*supervisor.Conn).Unpause) }

func (sb Sandbox) request(what string, do func(*supervisor.Conn) error) error {
	conn, err := sb.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := do(conn); err != nil {
		return &Error{what + " " + sb.Name, err, ""}
	}
	return nil
}

// Wait waits until the sandbox has stopped and its record is written.
func (sb Sandbox) Wait(ctx context.Context) error {
	conn, err := supervisor.Dial(sb.store.run(sb.ID))
	if err != nil {
		return nil // it has stopped
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := conn.Attach(wire.AttachRequest{Follow: true}); err != nil {
		return nil
	}
	for {
		if _, _, err := conn.Next(); err != nil {
			return ctx.Err() // the supervisor closes the stream as its last deed
		}
	}
}

// kill ends a sandbox, also one whose launch is under way, and waits for its
// end. One that has ended already is no error.
func (sb Sandbox) kill(ctx context.Context) error {
	for deadline := time.Now().Add(changePatience); ; time.Sleep(changePause) {
		err := sb.Signal(syscall.SIGKILL)
		if err == nil {
			return sb.Wait(ctx)
		}
		now, gone := sb.store.load(sb.ID)
		switch {
		case gone != nil || now.Status == supervisor.Stopped:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline):
			return err
		}
	}
}

// Remove deletes a stopped sandbox and its layer. With force a running one is
// killed first.
func (sb Sandbox) Remove(ctx context.Context, force bool) error {
	if sb.Status != supervisor.Stopped {
		if !force {
			return &Error{"remove " + sb.Name, fmt.Errorf("it is %s", sb.Status), "stop it first, or use --force"}
		}
		sb.checkLedger()
		if err := sb.kill(ctx); err != nil {
			return &Error{"remove " + sb.Name, err, ""}
		}
	}
	unlock, err := sb.store.lock()
	if err != nil {
		return err
	}
	defer unlock()
	sb.store.condemn(sb.State)
	return wrap("remove "+sb.Name, sb.store.erase(sb.State))
}
