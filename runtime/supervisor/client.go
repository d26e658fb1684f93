package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"aquarium/runtime/itself"
	"aquarium/runtime/kernel"
	"aquarium/runtime/wire"
)

// Conn is a connection to a sandbox's supervisor. Reading belongs to one
// goroutine; requests may come from any.
type Conn struct {
	conn *os.File
	mu   sync.Mutex // one request at a time on the wire
}

// Dial connects to the supervisor whose running directory is run.
func Dial(run string) (*Conn, error) {
	conn, err := wire.Dial(run + "/" + SocketName)
	if err != nil {
		return nil, fmt.Errorf("connect to supervisor: %w", err)
	}
	return &Conn{conn: conn}, nil
}

// Start runs a supervisor in a session of its own and has it start init.
// Boot comes next. Closing the connection instead undoes both.
func Start(p Preparation) (*Conn, error) {
	c, err := spawn(p.Name)
	if err != nil {
		return nil, err
	}
	return c, c.send(wire.Prepare, p)
}

// Abandon closes the connection of a supervisor that was not told to boot, and
// waits until it has ended: it makes nothing any more.
func (c *Conn) Abandon() {
	wire.CloseWrite(c.conn)
	for {
		if _, _, err := c.Next(); err != nil {
			c.conn.Close()
			return
		}
	}
}

// Boot gives a started supervisor the rest. The connection is its first
// viewer's; the first frame to come back is Started.
func (c *Conn) Boot(b Boot) error { return c.send(wire.Boot, b) }

// spawn starts a supervisor process, or takes the one that waits already.
func spawn(name string) (*Conn, error) {
	if ready := prestarted; ready != nil {
		prestarted = nil
		if c := <-ready; c != nil {
			return c, nil
		}
	}
	return newProcess(name)
}

func newProcess(name string) (*Conn, error) {
	conn, theirs, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	process, err := startProcess(theirs, name)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("start supervisor: %w", err)
	}
	go process.Wait() // whoever started it reaps it, if still there
	return &Conn{conn: conn}, nil
}

func startProcess(socket *os.File, name string) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	// It outlives this process, and with it would all that whoever started us
	// has left open: locks held, pipes without an end.
	if err := kernel.CloseOnExecFrom(3); err != nil {
		return nil, err
	}
	files := []*os.File{null, null, null, socket}
	binary := itself.Open(files...)
	defer func() { go binary.Close() }() // unmounting takes the kernel a while
	return os.StartProcess(binary.Path, []string{Name, name}, &os.ProcAttr{
		Dir: "/", // keep no directory busy
		// A supervisor is idle nearly always: a small heap and few threads
		// matter, a fast heap does not.
		Env:   []string{"GOMAXPROCS=1", "GOGC=25"},
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
}

// Next waits for the next frame; at the end of the stream err is io.EOF. A
// supervisor that ends before it has read all that it was sent resets the
// connection, behind what it has sent itself: that is an end, too.
func (c *Conn) Next() (wire.Type, []byte, error) {
	kind, payload, err := wire.Read(c.conn)
	if errors.Is(err, syscall.ECONNRESET) {
		err = io.EOF
	}
	return kind, payload, err
}

// Close ends the connection; the sandbox runs on.
func (c *Conn) Close() error { return c.conn.Close() }

// Attach asks for the output.
func (c *Conn) Attach(request wire.AttachRequest) error { return c.send(wire.Attach, request) }

// Input sends bytes to the program.
func (c *Conn) Input(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return wire.Write(c.conn, wire.Input, b)
}

// EndOfInput closes the program's standard input, where it is a pipe.
func (c *Conn) EndOfInput() error { return c.send(wire.EndOfInput, struct{}{}) }

// CloseOutput tells the program that nobody reads its standard output (1) or
// standard error (2) any more, where it is a pipe.
func (c *Conn) CloseOutput(number int) error {
	return c.send(wire.CloseOut, wire.CloseRequest{Number: number})
}

// Resize gives the sandbox's terminal another size.
func (c *Conn) Resize(size wire.Dimensions) error { return c.send(wire.Resize, size) }

// Watch asks to be told where a stepped launch stands: Before frames, and
// Started at the end of it. A sandbox's creator need not ask.
func (c *Conn) Watch() error { return c.send(wire.Watch, struct{}{}) }

// GoOn lets a stepped launch do the step that a StepReport announced.
func (c *Conn) GoOn(before int) error { return c.send(wire.GoOn, wire.StepRequest{Before: before}) }

// Skip lets a stepped launch leave a step out; the plan's Unskippable
// tells when it may not, and Done, with an error, answers then.
func (c *Conn) Skip(before int) error { return c.send(wire.Skip, wire.StepRequest{Before: before}) }

// Abort ends a stepped launch that waits, and undoes it. Started, with an
// error, is the answer.
func (c *Conn) Abort() error { return c.send(wire.Abort, struct{}{}) }

// Trace asks for the launch's trace; a Traced frame is the answer.
func (c *Conn) Trace() error { return c.send(wire.Trace, struct{}{}) }

// Signal sends a signal to the program and waits for the answer. The
// connection must not be attached.
func (c *Conn) Signal(number syscall.Signal) error {
	return c.ask(wire.Signal, wire.SignalRequest{Number: int(number)})
}

// Stop asks the program to end and has it killed after the grace period. It
// waits for the answer, not for the end.
func (c *Conn) Stop(request wire.StopRequest) error { return c.ask(wire.Stop, request) }

// Pause stops all processes of the sandbox where they are, and waits until
// they have stopped.
func (c *Conn) Pause() error { return c.ask(wire.Pause, struct{}{}) }

// Unpause lets them run on.
func (c *Conn) Unpause() error { return c.ask(wire.Unpause, struct{}{}) }

// Save has the running state be written anew that somebody has damaged. A
// supervisor that does not answer within patience is hung up on.
func (c *Conn) Save(patience time.Duration) error {
	timer := time.AfterFunc(patience, func() { c.conn.Close() })
	defer timer.Stop()
	return c.ask(wire.Save, struct{}{})
}

func (c *Conn) send(kind wire.Type, message any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := wire.WriteJSON(c.conn, kind, message)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return ErrGone
	}
	return err
}

// ErrGone is a supervisor that has ended, or was killed, since it was dialled.
var ErrGone = errors.New("its supervisor is gone")

func (c *Conn) ask(kind wire.Type, message any) error {
	if err := c.send(kind, message); err != nil {
		return err
	}
	for {
		kind, payload, err := c.Next()
		if errors.Is(err, io.EOF) {
			return ErrGone
		}
		if err != nil {
			return err
		}
		if kind != wire.Done {
			continue
		}
		var answer wire.ErrorReport
		if err := json.Unmarshal(payload, &answer); err != nil {
			return err
		}
		if answer.Error != "" {
			return errors.New(answer.Error)
		}
		return nil
	}
}

// Exec runs one more program in the sandbox. The connection becomes its
// viewer: Started is the next frame, then its output, then Exit.
func (c *Conn) Exec(request wire.ExecRequest) error { return c.send(wire.Exec, request) }
