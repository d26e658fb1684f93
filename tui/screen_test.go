package tui

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"aquarium/tui/terminal"
)

// patience is how long a test waits for what must come; nothing sleeps.
const patience = 30 * time.Second

// user sits at a terminal in which Aquarium runs.
type user struct {
	t      testing.TB
	cmd    *exec.Cmd
	pty    *os.File
	pane   *terminal.Pane
	bytes  atomic.Int64 // that Aquarium wrote
	mu     sync.Mutex
	wrote  []byte        // all of them
	ended  chan struct{} // closed when it has ended and all is read
	status *os.ProcessState

	patience time.Duration // in waits
}

// open starts Aquarium in a terminal of cols by rows.
func (h home) open(t testing.TB, cols, rows int, args ...string) *user {
	t.Helper()
	return startUser(t, cols, rows, h.environment(), program(t), args...)
}

func (h home) environment() []string {
	return append(os.Environ(), "AQUARIUM_HOME="+h.dir, "TERM=xterm-256color", "COLORTERM=", "NO_COLOR=", "LC_ALL=C.UTF-8", "AQUARIUM_PREFIX=", "TMUX=")
}

func startUser(t testing.TB, cols, rows int, env []string, path string, args ...string) *user {
	t.Helper()
	u := &user{t: t, cmd: exec.Command(path, args...), pane: terminal.NewPane(cols, rows, terminal.Options{}), ended: make(chan struct{}), patience: patience}
	u.cmd.Env = env
	var err error
	for range 3 {
		u.pty, err = pty.StartWithSize(u.cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
		if !errors.Is(err, syscall.EPERM) {
			break
		}
		// TIOCSCTTY: the new terminal is already somebody's. Seen once in
		// hundreds of parallel starts; another terminal is free.
		u.cmd = exec.Command(path, args...)
		u.cmd.Env = env
	}
	if err != nil {
		t.Fatal(err)
	}
	u.pane.OnReply(func(b []byte) { u.pty.Write(b) })
	go u.read()
	t.Cleanup(func() {
		u.cmd.Process.Kill()
		<-u.ended
	})
	return u
}

func (u *user) read() {
	b := make([]byte, 16<<10)
	var come []byte // and not shown yet
	for {
		n, err := u.pty.Read(b)
		if n > 0 {
			u.bytes.Add(int64(n))
			u.mu.Lock()
			u.wrote = append(u.wrote, b[:n]...)
			u.mu.Unlock()
			come = append(come, b[:n]...)
			whole := wholeFrames(come)
			u.pane.Feed(come[:whole])
			come = append(come[:0], come[whole:]...)
		}
		if err != nil {
			break
		}
	}
	u.pane.Feed(come)
	u.cmd.Wait()
	u.status = u.cmd.ProcessState
	u.pane.Close()
	u.pty.Close()
	close(u.ended)
}

// wholeFrames is how much of output is no frame that has only begun. A terminal
// that draws a frame in pieces shows rows that have been erased and are about to
// be written, and rows of two pictures.
func wholeFrames(output []byte) int {
	if begun := bytes.LastIndex(output, []byte(beginFrame)); begun > bytes.LastIndex(output, []byte(endFrame)) {
		return begun
	}
	for n := len(beginFrame) - 1; n > 0; n-- { // half of its first sequence
		if bytes.HasSuffix(output, []byte(beginFrame[:n])) {
			return len(output) - n
		}
	}
	return len(output)
}

// output is all that Aquarium wrote so far.
func (u *user) output() []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	return bytes.Clone(u.wrote)
}

// types sends keys.
func (u *user) types(keys string) {
	u.t.Helper()
	if _, err := u.pty.WriteString(keys); err != nil {
		u.t.Fatalf("type %q: %v", keys, err)
	}
}

// screen is what the user sees.
func (u *user) screen() string { return strings.Join(u.pane.Text(), "\n") }

// sees waits until all texts are on the screen.
func (u *user) sees(texts ...string) {
	u.t.Helper()
	u.waits("to see "+strings.Join(texts, ", "), func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// seesNo waits until a text has gone.
func (u *user) seesNo(text string) {
	u.t.Helper()
	u.waits("not to see "+text, func(screen string) bool { return !strings.Contains(screen, text) })
}

func (u *user) waits(what string, ok func(screen string) bool) {
	u.t.Helper()
	deadline := time.NewTimer(u.patience)
	defer deadline.Stop()
	for {
		screen := u.screen()
		if ok(screen) {
			return
		}
		select {
		case <-u.pane.Changed():
		case <-u.ended:
			if screen = u.screen(); ok(screen) {
				return
			}
			u.t.Fatalf("the screen is\n%s\nwaited %s, but Aquarium has ended (%v)", screen, what, u.status)
		case <-deadline.C:
			u.t.Fatalf("the screen is\n%s\nwaited %s in vain", screen, what)
		}
	}
}

// waitsEnd waits until Aquarium has ended, and returns its exit status.
func (u *user) waitsEnd() int {
	u.t.Helper()
	select {
	case <-u.ended:
		return u.status.ExitCode()
	case <-time.After(patience):
		u.t.Fatalf("waited for the end in vain:\n%s", u.screen())
		return -1
	}
}

func (u *user) resize(cols, rows int) {
	u.t.Helper()
	u.pane.Resize(cols, rows)
	if err := pty.Setsize(u.pty, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		u.t.Fatal(err)
	}
}

func (u *user) signal(number syscall.Signal) {
	u.t.Helper()
	if err := u.cmd.Process.Signal(number); err != nil {
		u.t.Fatal(err)
	}
}
