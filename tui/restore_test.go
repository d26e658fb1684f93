package tui

import (
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
)

// playVariable makes the test binary play a user interface with a fault.
const playVariable = "AQUARIUM_TUI_TEST_PLAY"

// faulty panics in one of the places where a program of Bubble Tea's runs.
type faulty struct {
	terminalTab
	where string
}

func (f *faulty) press(tea.KeyPressMsg) (tea.Cmd, bool) {
	switch f.where {
	case "update":
		panic("a fault in update")
	case "command":
		return func() tea.Msg { panic("a fault in command") }, true
	}
	return nil, true
}

// playUI is what the child of TestTerminalIsRestoredAfterPanic does.
func playUI(where string) int {
	store, err := sandbox.Open()
	if err != nil {
		return 2
	}
	spoil := func(m *root) {
		m.focus = panelWork
		m.work.tabs[0] = &faulty{terminalTab{theme: m.theme}, where}
	}
	if _, err := runProgram(store, Options{Input: os.Stdin, Output: os.Stdout}, spoil); err != nil {
		return 3
	}
	return 0
}

// modes is what the UI changes in a terminal and has to put back.
type modes struct {
	termios unix.Termios
	flags   any
}

func (u *user) modes() modes {
	u.t.Helper()
	termios, err := unix.IoctlGetTermios(int(u.pty.Fd()), unix.TCGETS)
	if err != nil {
		u.t.Fatal(err)
	}
	return modes{*termios, u.pane.Modes()}
}

// startShell opens a shell, whose terminal outlives what runs in it.
func (h home) startShell(t *testing.T) *user {
	t.Helper()
	u := startUser(t, 80, 24, append(h.environment(), "PS1=ready> ", "ENV="), "/bin/sh")
	u.sees("ready>")
	return u
}

// restored checks that the terminal is as it was before.
func (u *user) restored(before modes) {
	u.t.Helper()
	after := u.modes()
	if after != before {
		u.t.Errorf("the terminal was %+v and is %+v", before, after)
	}
	if !u.pane.Cursor().Visible {
		u.t.Error("the cursor is still hidden")
	}
}

func TestTerminalIsRestored(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		end  func(u *user, pid int)
	}{
		{"quit", func(u *user, _ int) { u.types("q") }},
		{"interrupt key", func(u *user, _ int) { u.types("\x03") }},
		{"SIGTERM", func(u *user, pid int) { syscall.Kill(pid, syscall.SIGTERM) }},
		{"SIGHUP", func(u *user, pid int) { syscall.Kill(pid, syscall.SIGHUP) }},
		{"SIGINT", func(u *user, pid int) { syscall.Kill(pid, syscall.SIGINT) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			u := h.startShell(t)
			before := u.modes()
			u.types(program(t) + "; echo status=$?\n")
			u.sees("Root filesystems", "host")
			c.end(u, u.foreground())
			u.sees("status=0")
			u.restored(before)
		})
	}
}

// foreground is the process group that has the terminal: see tcgetpgrp(3).
func (u *user) foreground() int {
	u.t.Helper()
	group, err := unix.IoctlGetInt(int(u.pty.Fd()), unix.TIOCGPGRP)
	if err != nil {
		u.t.Fatal(err)
	}
	return group
}

func TestTerminalIsRestoredAfterPanic(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"update", "command"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			u := h.startShell(t)
			before := u.modes()
			u.types(playVariable + "=" + where + " " + self + "; echo status=$?\n")
			u.sees("Root filesystems", "host")
			u.types("x")
			u.sees("status=3")
			u.restored(before)
		})
	}
}

func TestSuspend(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	u := h.startShell(t)
	before := u.modes()
	u.types("set -m; " + program(t) + "\n")
	u.sees("Root filesystems", "host")
	u.types("\x1a")
	u.sees("ready>", "Stopped")
	u.restored(before)
	u.types("fg; echo status=$?\n")
	u.sees("Root filesystems", "host")
	u.types("q")
	u.sees("status=0")
	u.restored(before)
}

func TestRefusedTerminals(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for _, c := range []struct{ command, want string }{
		{"TERM=dumb " + program(t), "TERM=dumb"},
		{program(t) + " </dev/null", "not a terminal"},
		{program(t) + " | cat", "not a terminal"},
		{program(t) + " <&-", "not a terminal"},
	} {
		u := h.startShell(t)
		before := u.modes()
		u.types(c.command + "; echo status=$?\n")
		u.sees("open the UI: ", c.want, "hint:", "status=")
		if u.pane.Modes().AltScreen {
			t.Errorf("%s: the screen was touched", c.command)
		}
		u.restored(before)
	}
}
