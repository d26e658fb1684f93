package tui

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestTerminalGoesWithoutAHangup takes the terminal away from a UI that it is
// not the controlling terminal of.
func TestTerminalGoesWithoutAHangup(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	keys, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	if err := pty.Setsize(keys, &pty.Winsize{Cols: 80, Rows: 24}); err != nil {
		t.Fatal(err)
	}
	ui := exec.Command(program(t))
	ui.Env = h.environment()
	ui.Stdin, ui.Stdout = tty, tty
	ui.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := ui.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	ended := make(chan error, 1)
	go func() { ended <- ui.Wait() }()
	t.Cleanup(func() { ui.Process.Kill() })
	shown := ""
	for buffer := make([]byte, 4096); !strings.Contains(shown, "Root filesystems"); {
		n, err := keys.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		shown += string(buffer[:n])
	}
	keys.Close()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("it runs on without a terminal")
	}
}
