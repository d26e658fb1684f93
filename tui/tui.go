// Package tui is the full-screen user interface.
//
// One root model routes messages and lays out the screen; every list, tab and
// dialog is a file of its own that owns its state, its keys and its picture.
// Nothing is read, written or waited for in Update: that happens in commands,
// most of them in commands.go. What a sandbox prints goes another way:
//
//	supervisor ──▶ feed ──▶ terminal.Pane ──▶ View      one message a frame
//	keyboard ──▶ terminal.Passthrough ──▶ outbox ──▶ supervisor
//
// so that neither a program that prints without end nor one that never reads
// keeps the user interface waiting.
package tui

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"

	"aquarium/runtime/sandbox"
	"aquarium/tui/terminal"
)

// Options change how the user interface behaves. The zero value is sensible.
type Options struct {
	Prefix byte     // control character of the prefix key; 0 is Ctrl-]
	Input  *os.File // nil is os.Stdin
	Output *os.File // nil is os.Stdout
}

// framesPerSecond is how often the screen is drawn at most.
const framesPerSecond = 120

// idleTicks is how often Bubble Tea's ticker runs, which has nothing to do:
// see painter.
const idleTicks = 1

// Error is a user interface that cannot be opened.
type Error struct{ why, hint string }

func (e *Error) Error() string { return "open the UI: " + e.why }

// Hint is the way out.
func (e *Error) Hint() string { return e.hint }

// Run shows the user interface until the user leaves it, and says which
// sandboxes run on. The terminal is checked before it is touched.
func Run(store *sandbox.Store, o Options) error {
	if o.Input == nil {
		o.Input = os.Stdin
	}
	if o.Output == nil {
		o.Output = os.Stdout
	}
	if err := checkTerminal(o); err != nil {
		return err
	}
	m, err := runProgram(store, o, nil)
	if m != nil {
		farewell(o.Output, m)
	}
	return err
}

func checkTerminal(o Options) error {
	const way = "`aquarium --help` lists the commands that need no terminal"
	switch {
	case !term.IsTerminal(o.Input.Fd()):
		return &Error{"standard input is not a terminal", way}
	case !term.IsTerminal(o.Output.Fd()):
		return &Error{"standard output is not a terminal", way}
	case os.Getenv("TERM") == "dumb" || os.Getenv("TERM") == "":
		return &Error{fmt.Sprintf("the terminal cannot move its cursor (TERM=%s)", os.Getenv("TERM")), "set TERM to what the terminal is, such as xterm-256color; " + way}
	}
	return nil
}

// runProgram is the only place that knows how pictures get to the terminal.
// prepare may change the model before anything is shown.
func runProgram(store *sandbox.Store, o Options, prepare func(*root)) (*root, error) {
	input := terminal.NewPassthrough(o.Input, o.Prefix)
	var program *tea.Program
	keys := keyboard{input: input, prefix: o.Prefix, send: func(msg tea.Msg) { program.Send(msg) }}
	m := newRoot(store, newTheme(utf8Locale(os.Getenv)), keys)
	if store != nil { // a replay has none
		store.Notice = func(line string) { program.Send(cleanedUp(line)) }
	}
	if prepare != nil {
		prepare(m)
	}
	cols, rows, err := term.GetSize(o.Output.Fd())
	if err != nil {
		return nil, &Error{"its size cannot be read: " + err.Error(), ""}
	}
	paint := newPainter(o.Input, o.Output)
	program = tea.NewProgram(painted{m, paint}, tea.WithInput(endingInput{input, func() { program.Quit() }}), tea.WithOutput(o.Output),
		tea.WithoutRenderer(), tea.WithFPS(idleTicks), tea.WithWindowSize(cols, rows))
	if err := paint.enter(); err != nil {
		return nil, &Error{"raw mode: " + err.Error(), ""}
	}
	defer paint.leave()
	defer passSignals(program, o.Output)()

	_, err = program.Run()
	paint.leave()
	m.close()
	if errors.Is(err, tea.ErrInterrupted) {
		err = nil // SIGINT from outside: as good as q
	}
	if errors.Is(err, syscall.EIO) {
		err = nil // the terminal is gone, and nobody is there to be told
	}
	return m, err
}

// passSignals tells the program of a hangup and of size changes, until stop is
// called. Bubble Tea itself sees to SIGTERM and SIGINT.
func passSignals(program *tea.Program, output *os.File) (stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGWINCH)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case number := <-signals:
				if number == syscall.SIGHUP {
					program.Quit()
				} else if cols, rows, err := term.GetSize(output.Fd()); err == nil {
					program.Send(tea.WindowSizeMsg{Width: cols, Height: rows})
				}
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// farewell says what runs on.
func farewell(w io.Writer, m *root) {
	var names []string
	for _, sb := range m.sandboxes.items {
		if _, err := os.Stat(sb.Bundle); sb.PID > 0 && err == nil { // twins are gone by now
			names = append(names, visible(sb.Name))
		}
	}
	const few = 5
	switch n := len(names); {
	case n == 1:
		fmt.Fprintf(w, "The sandbox %s runs on; `aquarium` shows it again.\n", names[0])
	case n > few:
		fmt.Fprintf(w, "%d sandboxes run on (%s, …); `aquarium` shows them again.\n", n, strings.Join(names[:few], ", "))
	case n > 1:
		fmt.Fprintf(w, "%d sandboxes run on (%s); `aquarium` shows them again.\n", n, strings.Join(names, ", "))
	}
}
