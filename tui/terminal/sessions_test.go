package terminal

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// tmuxPane is a tmux of its own with one pane that shows a file's bytes. It is
// the reference that recorded sessions are compared with.
type tmuxPane struct {
	t      testing.TB
	socket string
}

// showInTmux starts tmux, lets it show data, and returns when it has.
func showInTmux(t testing.TB, data []byte, cols, rows int) *tmuxPane {
	t.Helper()
	dir := t.TempDir()
	p := &tmuxPane{t, filepath.Join(dir, "tmux")}
	file, config := filepath.Join(dir, "output"), filepath.Join(dir, "config")
	writeFile(t, file, data)
	writeFile(t, config, []byte("set -g status off\nset -g allow-rename on\nset -g history-limit 10000\n"))
	script := "stty raw -echo; cat " + file + "; printf '\\033\\\\\\033]2;all shown\\007'; cat >/dev/null"
	p.tmux("-f", config, "new-session", "-d", "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows), "sh", "-c", script)
	t.Cleanup(func() { p.tmux("kill-server") })
	for deadline := time.Now().Add(patience); p.query("#{pane_title}") != "all shown"; {
		if time.Now().After(deadline) {
			t.Fatalf("tmux did not show all of %d bytes", len(data))
		}
	}
	return p
}

func writeFile(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *tmuxPane) tmux(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-u", "-S", p.socket}, args...)...)
	cmd.Env = append(os.Environ(), "TMUX=", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (p *tmuxPane) query(format string) string {
	return strings.TrimSpace(p.tmux("display-message", "-p", format))
}

// client attaches a client, whose screen is drawn on a Screen. Unlike
// capture-pane it shows the background of erased cells. draw reads more of
// what the client draws, and fails once it draws nothing any more.
func (p *tmuxPane) client(cols, rows int) (s *Screen, draw func() error) {
	p.t.Helper()
	cmd := exec.Command("tmux", "-u", "-T", "256,RGB,usstyle,strikethrough,overline", "-S", p.socket, "attach")
	cmd.Env = append(os.Environ(), "TMUX=", "LC_ALL=C.UTF-8", "TERM=xterm-256color")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		tty.Close()
		cmd.Wait()
	})
	s = New(cols, rows, Options{})
	buf := make([]byte, 64<<10)
	return s, func() error {
		fds := []unix.PollFd{{Fd: int32(tty.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(patience.Milliseconds()))
		for err == unix.EINTR {
			n, err = unix.Poll(fds, int(patience.Milliseconds()))
		}
		if n == 0 {
			return os.ErrDeadlineExceeded
		}
		n, err = tty.Read(buf)
		s.Write(buf[:n])
		return err
	}
}

func readSession(t testing.TB, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSessions shows recorded sessions of real programs to a Screen and to
// tmux, and compares text, attributes, colours and cursor cell by cell.
func TestSessions(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("tmux is not installed")
		}
		t.Skip("tmux is not installed")
	}
	files, err := filepath.Glob("testdata/sessions/*.gz")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded sessions", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".gz")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cols, rows int
			if _, err := fmt.Sscanf(name[strings.LastIndex(name, "-")+1:], "%dx%d", &cols, &rows); err != nil {
				t.Fatal(err)
			}
			compareWithTmux(t, readSession(t, file), cols, rows)
		})
	}
}

// compareWithTmux shows data to a Screen and to tmux, and reports where text,
// attributes, colours or the cursor differ.
func compareWithTmux(t *testing.T, data []byte, cols, rows int) {
	t.Helper()
	s := New(cols, rows, Options{})
	s.Write(data)
	checkScreen(t, s)
	tmux := showInTmux(t, data, cols, rows)
	reference, draw := tmux.client(cols, rows)
	for len(differences(s, reference)) > 0 && draw() == nil {
	}
	for i, d := range differences(s, reference) {
		if t.Error(d); i == 5 {
			t.Fatalf("%d differences", len(differences(s, reference)))
		}
	}
	want := fmt.Sprint(s.cur.x, s.cur.y)
	if s.cur.pending { // tmux counts the cursor as after the last column
		want = fmt.Sprint(s.cur.x+1, s.cur.y)
	}
	if got := tmux.query("#{cursor_x} #{cursor_y}"); got != want {
		t.Errorf("tmux has the cursor at %s, not %s", got, want)
	}
}

// differences tells where two screens look different.
func differences(got, want *Screen) []string {
	var list []string
	for y := range got.rows {
		for x := range got.cols {
			if g, w := look(got, x, y), look(want, x, y); g != w {
				list = append(list, fmt.Sprintf("column %d, row %d: %q, tmux has %q", x, y, g, w))
			}
		}
	}
	return list
}

// look is a cell's appearance as text: style and glyph.
func look(s *Screen, x, y int) string {
	c := s.grid.row(y).cells[x]
	if c.ch == 0 {
		c.ch = ' '
	}
	if c.ch == ' ' && c.at&(attrReverse|underlineMask|attrStrike|attrOverline) == 0 {
		c.fg, c.at = 0, 0 // not to be seen on a blank
	}
	c.at &^= attrProtected
	var b bytes.Buffer
	b.Write(appendSGR(nil, c, s.pool))
	if c.ch&glyphTail == 0 {
		b.Write(s.pool.appendText(nil, c.ch))
	}
	return b.String()
}
