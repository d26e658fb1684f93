package tui

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"

	tea "charm.land/bubbletea/v2"
	"github.com/creack/pty"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// paneScreen is a program of this user interface's own in a terminal: it
// lives as long as somebody looks.
type paneScreen struct {
	wish
	theme theme
	title string
	feed  *feed
	feeds *feeds
}

// enterWith runs `aquarium enter` in a pane, and gives it the keys.
func (m *root) enterWith(c enterChoice) tea.Cmd {
	program, err := os.Executable()
	if err != nil {
		m.fail(err)
		return nil
	}
	line, _ := c.commands()
	return m.runInPane(line, exec.Command(program, c.arguments()...))
}

// runInPane shows a program on the whole screen.
func (m *root) runInPane(title string, cmd *exec.Cmd) tea.Cmd {
	size := wire.Dimensions{Cols: m.layout.cols, Rows: m.layout.rows - 1}
	f := newFeed(sandbox.Sandbox{State: supervisor.State{TTY: true}}, size, m.work.feeds.note)
	f.asked = size
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	s := &paneScreen{theme: m.theme, title: title, feed: f, feeds: m.work.feeds}
	open := m.openScreen(s)
	run := func() tea.Msg {
		f.runLocal(cmd, size)
		return feedEnded{f}
	}
	return tea.Batch(open, run, m.attachPane(s))
}

// attachPane gives the keys to the program of a screen, which has all rows but
// the last.
func (m *root) attachPane(s *paneScreen) tea.Cmd {
	m.zoomed = true
	return m.attachTo(s.feed)
}

// runLocal feeds the pane from a program that it starts.
func (f *feed) runLocal(cmd *exec.Cmd, size wire.Dimensions) {
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(size.Cols), Rows: uint16(size.Rows)})
	if err != nil {
		f.end(err)
		return
	}
	frames := ptyFrames{terminal}
	if err = f.keep(frames); err == nil {
		f.note(func(facts *feedFacts) { facts.ready, facts.live = true, true })
		go f.out.runLocal(terminal)
		err = f.read(frames, true)
	}
	terminal.Close() // whatever still runs gets SIGHUP
	cmd.Wait()
	f.end(err)
}

// ptyFrames is the output of a program at a terminal of ours.
type ptyFrames struct{ *os.File }

func (p ptyFrames) Next() (wire.Type, []byte, error) {
	b := make([]byte, 4096)
	n, err := p.Read(b)
	if errors.Is(err, syscall.EIO) || errors.Is(err, os.ErrClosed) {
		err = io.EOF // nobody has the other side open any more
	}
	return wire.Output, b[:n], err
}

// runLocal sends to a terminal of ours what would go to a supervisor.
func (o *outbox) runLocal(terminal *os.File) {
	for {
		b, size, ok := o.take()
		if !ok {
			return
		}
		if size != (wire.Dimensions{}) && pty.Setsize(terminal, &pty.Winsize{Cols: uint16(size.Cols), Rows: uint16(size.Rows)}) != nil {
			return
		}
		if _, err := terminal.Write(b); len(b) > 0 && err != nil {
			return
		}
	}
}

func (s *paneScreen) show() tea.Cmd {
	s.feeds.shown.Store(s.feed)
	return nil
}

// hide is for good: nothing opens over a pane.
func (s *paneScreen) hide() {
	s.feeds.shown.CompareAndSwap(s.feed, nil)
	s.feed.close()
}

func (s *paneScreen) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	_, rows := s.feed.pane.Size()
	switch msg.String() {
	case "enter", "a":
		if s.feed.state().live {
			return s.ask(func(m *root) tea.Cmd { return m.attachPane(s) })
		}
		return s.ask((*root).closeScreen)
	case "j", "down":
		s.feed.pane.ScrollBy(1)
	case "k", "up":
		s.feed.pane.ScrollBy(-1)
	case "pgdown":
		s.feed.pane.ScrollBy(rows - 1)
	case "pgup":
		s.feed.pane.ScrollBy(1 - rows)
	default:
		return nil, false
	}
	return nil, true
}

func (s *paneScreen) wheel(lines int) { s.feed.pane.ScrollBy(lines) }

func (s *paneScreen) hints() []hint {
	if s.feed.state().live {
		return []hint{{"Enter", "type to it"}, {"j k", "scroll"}, {"Esc", "end it, and back"}}
	}
	return []hint{{"Esc", "back"}, {"j k", "scroll"}}
}

func (s *paneScreen) view(w, h int) tabView {
	facts := s.feed.state()
	if facts.err != nil {
		return tabView{rows: s.theme.padRows(append(wrap(visible(s.title), w), indented(facts.err.Error(), w)...), w, h)}
	}
	v := crop(s.theme, s.feed.pane, w, h)
	if facts.ready && !facts.live {
		end := s.theme.fit(s.theme.line+s.theme.line+" ended: "+visible(s.title), w)
		v.rows = append(trimTo(v.rows, h-1), paint(s.theme.bold, end))
		for len(v.rows) < h {
			v.rows = append(v.rows, spaces(w))
		}
		v.rows, v.cursor = v.rows[:h], nil
	}
	return v
}
