package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const (
	detach = "\x1dd" // Ctrl-] d
	prompt = `[#$]$` // of a shell that waits
)

func TestProgramHasATerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	// The size is right before the program starts, not some time afterwards.
	u := p.sit(t, "run", "--rm", p.bb(), "sh", "-c", "stty size; tty; test -c /dev/console && echo console; exit 5")
	if status := u.leaves(); status != 5 {
		t.Errorf("exit status %d, want 5", status)
	}
	u.sees(`^24 80$`)
	u.sees(`^/dev/pts/0$`)
	u.sees(`^console$`)
}

func TestJobControl(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	u := p.sit(t, "run", "--rm", p.bb(), "sh")
	u.sees(prompt)
	u.types("sh -c \"trap 'echo on again' CONT; echo fore''ground; while :; do sleep 0.01; done\"\r")
	u.sees("^foreground")
	u.types("\x1a") // Ctrl-Z
	u.sees(`Stopped +sh`)
	u.types("fg\r")
	u.sees("^on again") // a shell takes what ends before for stopped still
	u.types("\x03")     // Ctrl-C
	u.types("echo interrupted=$?\r")
	u.sees(`^interrupted=130\n.*` + prompt)
	u.types("\x04") // Ctrl-D, lost where the shell has not begun to read a line
	if status := u.leaves(); status != 0 {
		t.Errorf("exit status %d, want 0, the last command's", status)
	}
	if strings.Contains(u.received(), "job control turned off") {
		t.Error("the shell has no job control")
	}
}

func TestResize(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	u := p.sit(t, "run", "--rm", p.bb(), "sh", "-c", `trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done`)
	u.sees("^ready")
	u.resize(97, 31)
	u.sees("^31 97")
	u.resize(40, 10)
	u.sees("^10 40")
}

func TestDetachAndAttach(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	u := p.sit(t, "run", "--name", "coral", p.bb(), "sh")
	u.sees(prompt)
	u.types("echo mar''ker\r")
	u.sees("^marker")
	u.types("echo half a li" + detach)
	if status := u.leaves(); status != 0 {
		t.Errorf("exit status %d after detaching, want 0", status)
	}
	u.sees("^aquarium: detached from coral, which runs on: `aquarium attach coral` comes back")

	u = p.sit(t, "attach", "coral")
	u.sees("^marker")
	u.types("ne\r")
	u.sees("^half a line")
	u.types("exit 4\r")
	if status := u.leaves(); status != 4 {
		t.Errorf("exit status %d, want the program's 4", status)
	}
}

// TestPastIsShownNotRepeated: what a program asked its terminal before is not
// asked again, or the answers would be typed into it.
func TestPastIsShownNotRepeated(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	const questions = `\033[6n\033[c\033[>c\033]11;?\007\033[?2026$p\033[18t`
	u := p.sit(t, "run", "--name", "coral", p.bb(), "sh", "-c", "stty -echo; printf '"+questions+"\\033[31mred\\033[m\\n'; exec sleep 1000")
	u.sees("^red")
	u.types(detach)
	u.leaves()

	u = p.sit(t, "attach", "coral")
	u.sees("^red")
	u.types(detach)
	u.leaves()
	for _, question := range []string{"\x1b[6n", "\x1b[c", "\x1b[>c", "\x1b]11;?", "$p", "\x1b[18t"} {
		if strings.Contains(u.received(), question) {
			t.Errorf("attaching asks %q again", question)
		}
	}
	if !strings.Contains(u.received(), "\x1b[") {
		t.Error("the colour is lost")
	}
}

// TestKeysGoThrough: every byte is the program's, but for the prefix and d.
func TestKeysGoThrough(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, typed string
		flags       []string
		want        string // as od prints it
	}{
		{"control keys", "\x03\x1a\x1c\x11\x13\x7f\t\x00", nil, "03 1a 1c 11 13 7f 09 00"},
		{"arrow and alt", "\x1b[A\x1bOBx", nil, "1b 5b 41 1b 4f 42 78"},
		{"literal prefix", "\x1d]", nil, "1d"},
		{"prefix and another key", "\x1dx", nil, "1d 78"},
		{"prefix twice", "\x1d\x1d", nil, "1d 1d"},
		{"d alone", "d", nil, "64"},
		{"not utf-8", "\xff\xfe\x80", nil, "ff fe 80"},
		{"another prefix", "\x1dd\x01a", []string{"--detach-keys", "ctrl-a"}, "1d 64 01"},
	}
	p := newPlace(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			bytes := strings.Fields(test.want)
			command := "stty raw -echo; echo ready; head -c " + strconv.Itoa(len(bytes)) + " | od -An -tx1"
			args := append(append([]string{"run", "--rm"}, test.flags...), p.bb(), "sh", "-c", command)
			u := p.sit(t, args...)
			u.sees("ready")
			u.types(test.typed)
			u.sees(" " + test.want + `$`)
			if status := u.leaves(); status != 0 {
				t.Errorf("exit status %d", status)
			}
		})
	}
}

func TestPrefixFromEnvironment(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	u := p.sitWith(t, "AQUARIUM_PREFIX=^A", "run", "--rm", p.bb(), "sh")
	u.sees(prompt)
	u.types("\x01d")
	u.leaves()
	u.sees("^aquarium: detached from")
}

// TestSignalsLeaveTheSandboxAlone: who kills the viewer, or closes its window,
// does not kill the program.
func TestSignalsLeaveTheSandboxAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, number := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		u := p.sit(t, "run", "--name", "coral", p.bb(), "sh")
		u.sees(prompt)
		u.command.Process.Signal(number)
		if status := u.leaves(); status != 128+int(number) {
			t.Errorf("%v: exit status %d, want %d", number, status, 128+int(number))
		}
		u = p.sit(t, "attach", "coral")
		u.types("echo a''live\r")
		u.sees("^alive")
		u.types("exit\r")
		u.leaves()
		p.run(t, "rm", "coral")
	}
	u := p.sit(t, "run", "--name", "coral", p.bb(), "sh")
	u.sees(prompt)
	u.command.Process.Kill() // the terminal stays raw: nobody is left to restore it
	<-u.ended
	u = p.sit(t, "attach", "coral")
	u.types("echo a''live\r")
	u.sees("^alive")
	u.types("exit 0\r")
	u.leaves()
}

func TestNotStartedInATerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	u := p.sit(t, "run", p.bb(), "nosuch")
	if status := u.leaves(); status != 127 {
		t.Errorf("exit status %d, want 127", status)
	}
	u.sees(`^aquarium: launch .*execve\("nosuch"`)
}

func TestExecInATerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.run(t, "run", "-d", "--name", "coral", p.bb(), "sleep", "1000")
	u := p.sit(t, "exec", "coral", "sh")
	u.sees(prompt)
	u.types("tty; stty size; hostname; exit 6\r")
	u.sees(`^/dev/pts/\d+$`)
	u.sees(`^24 80$`)
	u.sees(`^coral$`)
	if status := u.leaves(); status != 6 {
		t.Errorf("exit status %d, want 6", status)
	}
}

// TestFullScreenProgramsComeBack detaches from real full-screen programs and
// attaches again: the picture is the same, and the user's own screen was there
// in between.
func TestFullScreenProgramsComeBack(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	needProgram(t, "vim")
	needProgram(t, "less")
	tests := []struct {
		name, root  string
		command     []string
		starts      string
		keys, shows string
		quit        string
	}{
		{"vim", "host", []string{"vim", "-u", "NONE", "-N"}, "^~", "isome text\x1b", `(?s)\Asome text\n.*~\z`, ":q!\r"}, // -- INSERT -- goes a second after ESC
		{"less", "host", []string{"sh", "-c", "seq 1000 | less"}, "^:$", "500g", `(?s)\A500\s.*^:$`, "q"},
		{"busybox vi", p.bb(), []string{"vi", "/etc/passwd"}, "1/2", "G", `(?s)^root:x:0.*2/2 100%`, ":q!\r"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			name := strings.ReplaceAll(test.name, " ", "-")
			u := p.sit(t, append([]string{"run", "--rm", "--name", name, test.root}, test.command...)...)
			u.sees(test.starts)
			u.types(test.keys)
			u.sees(test.shows)
			picture := u.screen()
			u.types(detach)
			u.leaves()
			u.sees("^aquarium: detached")
			if m := u.pane.Modes(); m.AltScreen || m.AppCursor || m.BracketedPaste {
				t.Errorf("modes are left switched on: %+v", m)
			}
			u = p.sit(t, "attach", name)
			u.sees(test.shows)
			if again := u.screen(); again != picture {
				t.Errorf("the picture differs.\nBefore:\n%s\nAfter:\n%s", picture, again)
			}
			u.types(test.quit)
			if status := u.leaves(); status != 0 {
				t.Errorf("exit status %d", status)
			}
			if err := within(patience, func() error { // its last words may still be on their way
				if u.pane.Modes().AltScreen {
					return errors.New("the alternate screen is left on")
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLogsInATerminal: recorded output is shown, not done.
func TestLogsInATerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	u := p.sit(t, "run", "--name", "coral", p.bb(), "sh", "-c", `stty -echo; printf 'plain \033[31mred\033[m \033[6n\033]0;title\007\033[2J\033[?1049hend\n'`)
	u.leaves()
	u = p.sit(t, "logs", "coral")
	u.sees("^plain red end$")
	u.leaves()
	const want = "plain \x1b[31mred\x1b[m end\n"
	if err := within(patience, func() error { // the end of the line may still be on its way
		if got := strings.ReplaceAll(u.received(), "\r", ""); got != want {
			return fmt.Errorf("logs writes %q, want %q", got, want)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestInterruptsOfAProgramThatIgnoresThem: PID 1 has to ask for signals. Who
// insists gets away.
func TestInterruptsOfAProgramThatIgnoresThem(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	u := p.sitUnderShell(t, "run", "-t=false", "--name", "coral", p.bb(), "sh", "-c", "echo ready; exec sleep 1000")
	u.sees("^ready$")
	u.keepsOutput()
	// Signals that come before the last was looked at are one: go on pressing.
	err := within(patience, func() error {
		if strings.Contains(u.received(), "it ended with") {
			return nil
		}
		u.types("\x03") // Ctrl-C
		return errors.New("it has not given up")
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"aquarium: detached from coral, which runs on", "it ended with 130"} {
		if !strings.Contains(u.received(), said) {
			t.Errorf("%q is not in what it said: %q", said, u.received())
		}
	}
}

// TestAttachToPipes shows what was put out so far, and what comes.
func TestAttachToPipes(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.run(t, "run", "-d", "-i", "--name", "coral", p.bb(), "sh", "-c", "echo past; read line; echo got $line; exit 3")
	u := p.sit(t, "attach", "coral")
	u.sees("^past$")
	u.types("something\r")
	u.sees("^got something$")
	if status := u.leaves(); status != 3 {
		t.Errorf("exit status %d, want 3", status)
	}
}

// TestTerminalWithoutOne: -t gives the program a terminal although there is
// none here, and the end of the input reaches it.
func TestTerminalWithoutOne(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	c := p.command("run", "--rm", "-t", p.bb(), "sh", "-c", "tty; read line; echo got $line; read line || echo end")
	c.Stdin = strings.NewReader("something\n")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/dev/pts/0\r\n", "got something\r\n", "end\r\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in %q", want, out)
		}
	}
}

// TestTwoViewers: both see, both type, either may go.
func TestTwoViewers(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	first := p.sit(t, "run", "--rm", "--name", "coral", p.bb(), "sh")
	first.sees(prompt)
	second := p.sit(t, "attach", "coral")
	second.sees(prompt)
	second.types("echo from the sec''ond\r")
	first.sees("^from the second$")
	first.types(detach)
	first.leaves()
	second.types("exit 8\r")
	if status := second.leaves(); status != 8 {
		t.Errorf("exit status %d, want 8", status)
	}
}
