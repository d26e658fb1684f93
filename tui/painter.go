package tui

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"
)

// painter puts pictures on the terminal in the place of Bubble Tea's own
// renderer, which draws on a ticker: that ticker was most of the time between
// a key and its echo, and nearly all of what an idle screen cost. The painter
// draws the first picture after a pause at once, and then at most one a frame.
// A picture is rows; those that differ from what is shown are written whole.
//
// It also owns what goes with drawing: raw mode, the alternate screen, the
// cursor, the mouse and the keyboard protocol. A goroutine of its own writes,
// so that a terminal that does not read stops nothing else.
type painter struct {
	input  *os.File  // for raw mode
	output io.Writer // reduces colours to what the terminal has

	mu     sync.Mutex
	next   tea.View
	asked  bytes.Buffer // control sequences to be sent with the next picture
	shown  shownPicture
	inside bool // the alternate screen is shown
	saved  *term.State

	wake chan struct{}
}

// shownPicture is what is on the terminal.
type shownPicture struct {
	valid  bool
	rows   []string
	mouse  tea.MouseMode
	focus  bool
	shape  tea.CursorShape
	blink  bool
	hidden bool
}

func newPainter(input, output *os.File) *painter {
	p := &painter{
		input:  input,
		output: colorprofile.NewWriter(output, os.Environ()),
		wake:   make(chan struct{}, 1),
	}
	go p.run()
	return p
}

// run draws until the process ends.
func (p *painter) run() {
	for range p.wake {
		p.paint()
		time.Sleep(frameTime)
	}
}

// show asks for a picture. It never waits for the terminal.
func (p *painter) show(v tea.View) {
	p.mu.Lock()
	p.next = v
	p.mu.Unlock()
	p.nudge()
}

// send has control sequences written before the next picture.
func (p *painter) send(sequences string) {
	p.mu.Lock()
	p.asked.WriteString(sequences)
	p.mu.Unlock()
	p.nudge()
}

func (p *painter) nudge() {
	select {
	case p.wake <- struct{}{}:
	default: // it is awake
	}
}

// Control sequences, by their names in xterm's ctlseqs and the kitty keyboard
// protocol.
const (
	// Alternate screen, no cursor, bracketed paste, mouse reports in SGR form,
	// keys told apart (modifyOtherKeys 2, kitty flag 1).
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1006h\x1b[>4;2m\x1b[>1u"
	leaveScreen = "\x1b[m\x1b[<u\x1b[>4m\x1b[?1004l\x1b[?1003l\x1b[?1002l\x1b[?1006l\x1b[?2004l\x1b[0 q\x1b[?1049l\x1b[?25h"
	beginFrame  = "\x1b[?2026h" // synchronized output; unknown modes are ignored
	endFrame    = "\x1b[?2026l"
)

// enter takes the terminal over.
func (p *painter) enter() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inside {
		return nil
	}
	state, err := term.MakeRaw(p.input.Fd())
	if err != nil {
		return err
	}
	p.saved, p.inside, p.shown = state, true, shownPicture{}
	p.asked.Reset()
	_, err = io.WriteString(p.output, enterScreen)
	p.nudge()
	return err
}

// leave gives the terminal back as it was.
func (p *painter) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.inside {
		return
	}
	p.inside = false
	io.WriteString(p.output, leaveScreen)
	term.Restore(p.input.Fd(), p.saved)
}

func (p *painter) paint() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.inside {
		return
	}
	var frame bytes.Buffer
	frame.Write(p.asked.Bytes())
	p.asked.Reset()
	p.modes(&frame)
	p.rows(&frame)
	if frame.Len() == 0 && p.cursorIsRight() {
		return
	}
	p.cursor(&frame)
	io.WriteString(p.output, beginFrame+frame.String()+endFrame)
}

// modes switches mouse and focus reports where the picture wants others.
func (p *painter) modes(frame *bytes.Buffer) {
	if p.next.MouseMode != p.shown.mouse {
		frame.WriteString("\x1b[?1003l\x1b[?1002l")
		switch p.next.MouseMode {
		case tea.MouseModeCellMotion:
			frame.WriteString("\x1b[?1002h")
		case tea.MouseModeAllMotion:
			frame.WriteString("\x1b[?1003h")
		}
		p.shown.mouse = p.next.MouseMode
	}
	if p.next.ReportFocus != p.shown.focus {
		fmt.Fprintf(frame, "\x1b[?1004%c", map[bool]rune{true: 'h', false: 'l'}[p.next.ReportFocus])
		p.shown.focus = p.next.ReportFocus
	}
}

// rows writes the rows that differ. A line is erased before it is written,
// not after: after a full row, erasing would take its last cell.
func (p *painter) rows(frame *bytes.Buffer) {
	rows := strings.Split(p.next.Content, "\n")
	if p.next.Content == "" {
		return // nothing has been drawn yet
	}
	if len(rows) != len(p.shown.rows) || !p.shown.valid {
		frame.WriteString("\x1b[m\x1b[2J")
		p.shown.rows = make([]string, len(rows))
		p.shown.valid = true
	}
	if slices.Equal(rows, p.shown.rows) {
		return
	}
	frame.WriteString("\x1b[?25l")
	p.shown.hidden = true
	for i, row := range rows {
		if row != p.shown.rows[i] {
			fmt.Fprintf(frame, "\x1b[%d;1H\x1b[m\x1b[2K%s", i+1, row)
		}
	}
	frame.WriteString("\x1b[m")
	p.shown.rows = rows
}

func (p *painter) cursorIsRight() bool {
	return p.next.Cursor == nil && p.shown.hidden
}

// cursor puts the cursor where the picture has it, which is last: drawing
// moves it.
func (p *painter) cursor(frame *bytes.Buffer) {
	c := p.next.Cursor
	if c == nil {
		if !p.shown.hidden {
			frame.WriteString("\x1b[?25l")
			p.shown.hidden = true
		}
		return
	}
	fmt.Fprintf(frame, "\x1b[%d;%dH", c.Y+1, c.X+1)
	if c.Shape != p.shown.shape || c.Blink != p.shown.blink {
		p.shown.shape, p.shown.blink = c.Shape, c.Blink
		number := 2*int(c.Shape) + 2 // DECSCUSR: steady block, underline, bar
		if c.Blink {
			number--
		}
		fmt.Fprintf(frame, "\x1b[%d q", number)
	}
	frame.WriteString("\x1b[?25h")
	p.shown.hidden = false
}

// repaint draws everything again, as after another program has used the
// terminal or its size has changed.
func (p *painter) repaint() {
	p.mu.Lock()
	p.shown.valid = false
	p.mu.Unlock()
	p.nudge()
}

// sendSequences is a message that has control sequences sent to the terminal.
type sendSequences string

// sequences is a command that sends control sequences to the outer terminal.
func sequences(s string) tea.Cmd {
	return func() tea.Msg { return sendSequences(s) }
}

// suspendAsked wants the UI to stop and the shell to go on.
type suspendAsked struct{}

// painted is the root model with its pictures on a terminal.
type painted struct {
	*root
	painter *painter
}

// Update sees to what concerns the terminal; the rest is the root's.
func (m painted) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	defer m.restoreOnPanic()
	switch msg := msg.(type) {
	case sendSequences:
		m.painter.send(string(msg))
		return m, nil
	case suspendAsked:
		m.painter.leave()
		return m, tea.Suspend
	case tea.ResumeMsg:
		if m.painter.enter() != nil {
			return m, tea.Quit
		}
	case tea.WindowSizeMsg:
		m.painter.repaint()
	}
	_, cmd := m.root.Update(msg)
	return m, cmd
}

// View shows the root's picture. Bubble Tea asks for it after every message.
func (m painted) View() tea.View {
	defer m.restoreOnPanic()
	v := m.root.View()
	m.painter.show(v)
	return v
}

// restoreOnPanic leaves the alternate screen first, or the report of the
// panic would go away with it.
func (m painted) restoreOnPanic() {
	if r := recover(); r != nil {
		m.painter.leave()
		panic(r)
	}
}
