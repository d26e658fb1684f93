// Command esctest runs a program in a pseudo-terminal whose other end is this
// repository's terminal emulator, and nothing else: no display, no keys. It is
// the bridge on which Thomas Dickey's esctest2 is run:
//
//	go run ./tui/terminal/esctest python3 esctest.py --max-vt-level=4 --logfile=/tmp/log
//
// It ends with the program's exit status. With -screen it prints the last
// screen as text.
//
// With --xterm-reverse-wrap=390 --options xtermWinopsEnabled allowC2Controls,
// 481 tests of 568 pass and 37 are skipped or known bugs of xterm that are
// expected. The 50 others fail for these reasons:
//
//   - 21 set colours in device-independent spaces (CIE, TekHVC, RGBI), and 3
//     want special colours to share their numbers with the palette, as in an
//     xterm of 16 colours: not supported.
//   - 15 read back the title or its modes: never answered, as a title is text
//     that a program could have chosen to be run as a command.
//   - One reads the clipboard: never answered, it is the user's.
//   - 3 move or iconify the window: there is none.
//   - 2 want DA1 to claim a printer, a locator and more: it claims what is there.
//   - 2 set printer modes, which are permanently reset here.
//   - 3 expect bugs of xterm, which are not there.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"aquarium/tui/terminal"

	"github.com/creack/pty"
)

func main() {
	screen := flag.Bool("screen", false, "print the last screen")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "esctest: run: no command given")
		os.Exit(125)
	}
	status, err := run(flag.Args(), *screen)
	if err != nil {
		fmt.Fprintln(os.Stderr, "esctest:", err)
	}
	os.Exit(status)
}

// run runs argv until it ends and returns its exit status.
func run(argv []string, show bool) (int, error) {
	const cols, rows = 80, 25 // what esctest2 expects
	pane := terminal.NewPane(cols, rows, terminal.Options{Resizable: true})
	defer pane.Close()

	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: cols, Rows: rows})
	if err != nil {
		return 125, fmt.Errorf("start %s: %w", argv[0], err)
	}
	defer tty.Close()
	pane.OnReply(func(b []byte) { tty.Write(b) })

	buf := make([]byte, 64<<10)
	for {
		n, err := tty.Read(buf)
		pane.Feed(buf[:n])
		if err != nil { // EIO: the program let go of the terminal
			break
		}
	}
	if show {
		for _, row := range pane.Text() {
			fmt.Println(row)
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	} else if err != nil {
		return 125, fmt.Errorf("wait for %s: %w", argv[0], err)
	}
	return 0, nil
}
