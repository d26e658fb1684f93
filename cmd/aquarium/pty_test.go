package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"aquarium/tui/terminal"
)

// user is somebody at a terminal with a program in it: keys go in, and what
// the terminal shows is looked at.
type user struct {
	t       testing.TB
	command *exec.Cmd
	keys    *os.File // the terminal's other end
	tty     *os.File // the terminal as programs have it
	pane    *terminal.Pane
	before  unix.Termios
	ended   chan struct{}

	mu  sync.Mutex
	raw bytes.Buffer // every byte that reached the terminal
}

// sit starts an aquarium command in a terminal of 80 columns and 24 rows.
func (p place) sit(t testing.TB, args ...string) *user {
	t.Helper()
	return p.sitWith(t, "", args...)
}

// sitWith is sit with one more environment variable.
func (p place) sitWith(t testing.TB, variable string, args ...string) *user {
	t.Helper()
	command := p.command(args...)
	if variable != "" {
		command.Env = append(command.Env, variable)
	}
	return sitAt(t, command)
}

// sitUnderShell has a shell run the command, which says how it ended and stays:
// with the leader of its session, a terminal loses what nobody has read yet.
func (p place) sitUnderShell(t testing.TB, args ...string) *user {
	t.Helper()
	command := p.command(args...)
	command.Args = append([]string{"sh", "-c", `trap : INT; "$@"; echo "it ended with $?"; exec sleep 100000`, "sh", p.binary()}, args...)
	command.Path = "/bin/sh"
	return sitAt(t, command)
}

func sitAt(t testing.TB, command *exec.Cmd) *user {
	t.Helper()
	keys, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	u := &user{t: t, command: command, keys: keys, tty: tty, pane: terminal.NewPane(80, 24, terminal.Options{}), ended: make(chan struct{})}
	u.resize(80, 24)
	u.before = u.termios()
	u.pane.OnReply(func(b []byte) { keys.Write(b) })
	u.command.Stdin, u.command.Stdout, u.command.Stderr = tty, tty, tty
	u.command.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := u.command.Start(); err != nil {
		t.Fatal(err)
	}
	go u.look()
	go func() {
		u.command.Wait()
		close(u.ended)
	}()
	t.Cleanup(func() {
		u.command.Process.Kill()
		<-u.ended
		u.pane.Close()
		keys.Close()
		tty.Close()
	})
	return u
}

func (u *user) look() {
	buffer := make([]byte, 16<<10)
	for {
		n, err := u.keys.Read(buffer)
		u.mu.Lock()
		u.raw.Write(buffer[:n])
		u.mu.Unlock()
		u.pane.Feed(buffer[:n])
		if err != nil {
			return
		}
	}
}

func (u *user) resize(cols, rows int) {
	u.t.Helper()
	if err := pty.Setsize(u.keys, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		u.t.Fatal(err)
	}
	u.pane.Resize(cols, rows)
}

// types presses keys.
func (u *user) types(keys string) {
	u.t.Helper()
	if _, err := u.keys.WriteString(keys); err != nil {
		u.t.Fatal(err)
	}
}

// screen is the text that shows, without the blanks around it.
func (u *user) screen() string {
	rows := u.pane.Text()
	for i, row := range rows {
		rows[i] = strings.TrimRight(row, " ")
	}
	return strings.TrimRight(strings.Join(rows, "\n"), "\n")
}

// sees waits until the screen matches.
func (u *user) sees(pattern string) {
	u.t.Helper()
	p := regexp.MustCompile("(?m)" + pattern)
	err := within(patience, func() error {
		if screen := u.screen(); !p.MatchString(screen) {
			return fmt.Errorf("%q is not on the screen:\n%s", pattern, screen)
		}
		return nil
	})
	if err != nil {
		u.t.Fatal(err)
	}
}

// leaves waits for the command's end and returns its exit status. The terminal
// must be as it was before.
func (u *user) leaves() int {
	u.t.Helper()
	select {
	case <-u.ended:
	case <-time.After(patience):
		u.t.Fatalf("the command has not ended; the screen is\n%s", u.screen())
	}
	if after := u.termios(); after != u.before {
		u.t.Errorf("the terminal is not restored: %+v, was %+v", after, u.before)
	}
	return u.command.ProcessState.ExitCode()
}

func (u *user) termios() unix.Termios {
	u.t.Helper()
	state, err := unix.IoctlGetTermios(int(u.tty.Fd()), unix.TCGETS)
	if err != nil {
		u.t.Fatal(err)
	}
	return *state
}

// keepsOutput has an interrupt not throw away what is on its way to the
// screen, the last words of a command that ends by it; see NOFLSH in termios(3).
func (u *user) keepsOutput() {
	u.t.Helper()
	u.before.Lflag |= unix.NOFLSH
	if err := unix.IoctlSetTermios(int(u.tty.Fd()), unix.TCSETS, &u.before); err != nil {
		u.t.Fatal(err)
	}
}

// received is every byte that reached the terminal so far.
func (u *user) received() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.raw.String()
}

// everything is all that reached the terminal of a command that has ended: its
// last words may still be on their way, and what is written now comes after.
func (u *user) everything() string {
	u.t.Helper()
	const end = "\x00the end\x00"
	if _, err := u.tty.WriteString(end); err != nil {
		u.t.Fatal(err)
	}
	var all string
	if err := within(patience, func() error {
		before, _, found := strings.Cut(u.received(), end)
		if all = before; !found {
			return fmt.Errorf("the terminal has not got all yet: %q", before)
		}
		return nil
	}); err != nil {
		u.t.Fatal(err)
	}
	return all
}
