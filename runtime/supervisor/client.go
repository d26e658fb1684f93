package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"aquarium/runtime/wire"
)

// Conn is a connection to a sandbox's supervisor. Reading belongs to one
// goroutine; requests may come from any.
type Conn struct {
	conn net.Conn
	mu   sync.Mutex // one request at a time on the wire
}

// Dial connects to the supervisor whose running directory is run.
func Dial(run string) (*Conn, error) {
	short, closer, err := shorten(filepath.Join(run, SocketName))
	if err != nil {
		return nil, err
	}
	defer closer()
	conn, err := net.Dial("unix", short)
	if err != nil {
		var refused *net.OpError
		if errors.As(err, &refused) {
			err = refused.Err
		}
		return nil, fmt.Errorf("connect to supervisor: %w", err)
	}
	return &Conn{conn: conn}, nil
}

// Start runs a supervisor in a session of its own and gives it boot. The
// connection is its first viewer's; the first frame to come back is Started.
func Start(boot Boot) (*Conn, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "supervisor")
	defer theirs.Close()
	ours := os.NewFile(uintptr(pair[0]), "supervisor")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, err
	}
	command := exec.Cmd{
		Path:        "/proc/self/exe",
		Args:        []string{Name, boot.State.Name},
		Dir:         "/", // keep no directory busy
		Env:         []string{"GOMAXPROCS=2"},
		ExtraFiles:  []*os.File{theirs},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := command.Start(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("start supervisor: %w", err)
	}
	go command.Wait() // whoever started it reaps it, if still there
	c := &Conn{conn: conn}
	return c, c.send(wire.Boot, boot)
}

// Next waits for the next frame; at the end of the stream err is io.EOF.
func (c *Conn) Next() (wire.Type, []byte, error) { return wire.Read(c.conn) }

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

// Resize gives the sandbox's terminal another size.
func (c *Conn) Resize(size wire.Dimensions) error { return c.send(wire.Resize, size) }

// GoOn lets a stepped launch do its next step.
func (c *Conn) GoOn() error { return c.send(wire.GoOn, struct{}{}) }

// Signal sends a signal to the program and waits for the answer. The
// connection must not be attached.
func (c *Conn) Signal(number syscall.Signal) error {
	return c.ask(wire.Signal, wire.SignalRequest{Number: int(number)})
}

// Stop asks the program to end and has it killed after the grace period. It
// waits for the answer, not for the end.
func (c *Conn) Stop(request wire.StopRequest) error { return c.ask(wire.Stop, request) }

func (c *Conn) send(kind wire.Type, message any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return wire.WriteJSON(c.conn, kind, message)
}

func (c *Conn) ask(kind wire.Type, message any) error {
	if err := c.send(kind, message); err != nil {
		return err
	}
	for {
		kind, payload, err := c.Next()
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
