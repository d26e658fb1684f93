package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/kernel"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// probe runs one command on the host and in the sandbox, and shows what both
// print, side by side.
type probe struct {
	theme     theme
	who       who
	line      input
	typing    bool
	ran       string
	turn      int
	host, box probeOutput
	list      list
}

// probeOutput is what a command printed on one side.
type probeOutput struct {
	done  bool
	lines []string
	end   string // how it ended
}

// Bounds of a probe.
const (
	probeTime  = 5 * time.Second
	probeBytes = 256 << 10
)

func newProbe(t theme, w who) *probe { return &probe{theme: t, who: w, typing: true} }

// probeDone is what one side printed.
type probeDone struct {
	probe  *probe
	turn   int
	host   bool
	output probeOutput
}

func (m probeDone) deliver() tea.Cmd {
	p := m.probe
	if m.turn != p.turn {
		return nil
	}
	if m.host {
		p.host = m.output
	} else {
		p.box = m.output
	}
	entries := make([]entry, max(len(p.host.lines), len(p.box.lines)))
	for i := range entries {
		entries[i].key = strconv.Itoa(i)
	}
	p.list.set(entries)
	return nil
}

func (p *probe) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	key := msg.String()
	if !p.typing {
		if key == "!" || key == "enter" {
			p.typing = true
			return nil, true
		}
		return nil, p.list.press(key)
	}
	switch key {
	case "enter":
		return p.run(), true
	case "esc", "ctrl+c":
		if p.ran == "" {
			return nil, false
		}
		p.typing = false
		return nil, true
	}
	return nil, p.line.press(msg) || true
}

func (p *probe) run() tea.Cmd {
	command := strings.TrimSpace(p.line.value())
	if command == "" {
		return nil
	}
	p.ran, p.typing = command, false
	p.turn++
	turn, w := p.turn, p.who
	p.host, p.box = probeOutput{}, probeOutput{}
	p.list.set(nil)
	return tea.Batch(
		func() tea.Msg { return probeDone{p, turn, true, runOnHost("/bin/sh", "-c", command)} },
		func() tea.Msg { return probeDone{p, turn, false, runInside(w, command)} },
	)
}

// runOnHost runs a program without input, for a bounded time and output.
func runOnHost(argv ...string) probeOutput {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	out := &boundedBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	pidfd := -1
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, PidFD: &pidfd}
	cmd.Cancel = func() error { return kernel.KillGroup(pidfd, cmd.Process.Pid) }
	defer func() { syscall.Close(pidfd) }()
	cmd.WaitDelay = time.Second // a grandchild may hold the pipe open
	err := cmd.Run()
	end := "exit 0"
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		end = "took too long: killed"
	case errors.As(err, &exit):
		end = exit.String()
		if exit.Exited() {
			end = "exit " + strconv.Itoa(exit.ExitCode())
		}
	case err != nil:
		end = err.Error()
	}
	return out.output(end)
}

// runInside runs a command where the process is: through the supervisor of a
// sandbox, by entering otherwise.
func runInside(w who, command string) probeOutput {
	if w.subject == nil {
		program, err := os.Executable()
		if err != nil {
			return probeOutput{done: true, end: err.Error()}
		}
		return runOnHost(program, "enter", "-t", strconv.Itoa(w.pid), "-a", "-r", "/bin/sh", "-c", command)
	}
	conn, err := w.subject.Dial()
	if err != nil {
		return probeOutput{done: true, end: err.Error()}
	}
	late := time.AfterFunc(probeTime, func() { conn.Close() })
	defer late.Stop()
	defer conn.Close()
	out := &boundedBuffer{}
	end, err := execInside(conn, command, out)
	switch {
	case err != nil && !late.Stop():
		end = "took too long: killed"
	case err != nil:
		end = err.Error()
	}
	return out.output(end)
}

// execInside runs a command through a supervisor, and returns how it ended.
func execInside(conn *supervisor.Conn, command string, out *boundedBuffer) (end string, err error) {
	if err := conn.Exec(wire.ExecRequest{Argv: []string{"/bin/sh", "-c", command}}); err != nil {
		return "", err
	}
	for {
		kind, payload, err := conn.Next()
		if err != nil {
			return "", err
		}
		switch kind {
		case wire.Output, wire.Errput:
			out.Write(payload)
		case wire.Started:
			var report wire.StartedReport
			if json.Unmarshal(payload, &report) == nil && report.Error != "" {
				return report.Error, nil
			}
		case wire.Exit:
			var report wire.ExitReport
			if err := json.Unmarshal(payload, &report); err != nil {
				return "", err
			}
			return fmt.Sprintf("exit %d", report.Code), nil
		}
	}
}

// boundedBuffer keeps the beginning of what is written to it.
type boundedBuffer struct {
	bytes.Buffer
	more bool
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	room := max(0, probeBytes-b.Len())
	if len(p) > room {
		b.more = true
	}
	b.Buffer.Write(p[:min(len(p), room)])
	return len(p), nil
}

var _ io.Writer = (*boundedBuffer)(nil)

// output makes lines that are fit to be drawn.
func (b *boundedBuffer) output(end string) probeOutput {
	o := probeOutput{done: true, end: visible(end)}
	if b.more {
		o.end += ", only the first " + bytesText(probeBytes)
	}
	text := strings.TrimSuffix(b.String(), "\n")
	if text == "" {
		return o
	}
	for _, line := range strings.Split(text, "\n") {
		o.lines = append(o.lines, visible(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "    ")))
	}
	return o
}

func (p *probe) hints() []hint {
	if p.typing {
		return []hint{{"Enter", "run in both"}, {"Esc", "back"}}
	}
	return []hint{{"!", "another command"}, {"j k", "scroll"}, {"Esc", "back"}}
}

func (p *probe) view(w, h int) tabView {
	t := p.theme
	half := (w - gutter - 1) / 2
	text, column := p.line.view(t, w-16)
	rows := []string{paint(t.bold, " Run in both: ") + text}
	head := func(name string, o probeOutput, w int) string {
		end := ""
		if o.done {
			end = " " + o.end + " "
		} else if p.ran != "" {
			end = " runs" + t.ellipsis + " "
		}
		return t.rule(" "+name+" ", end, w)
	}
	rows = append(rows, head(paint(t.bold, "Host"), p.host, half+1)+t.line+t.teeDown+t.line+head(paint(t.focus, visible(p.who.name)), p.box, w-half-1-gutter))
	p.list.resize(h - 2)
	rows = append(rows, p.list.rows(t, w, !p.typing, func(i int) string { return p.draw(i, half) })...)
	v := tabView{rows: t.padRows(rows, w, h)}
	if p.typing {
		v.cursor = tea.NewCursor(14+column, 0)
	}
	return v
}

// draw puts a line of both sides beside each other.
func (p *probe) draw(i, half int) string {
	t := p.theme
	line := func(o probeOutput) (string, bool) {
		if i < len(o.lines) {
			return o.lines[i], true
		}
		return "", false
	}
	left, onHost := line(p.host)
	right, inside := line(p.box)
	m := markDiffers
	switch {
	case !inside:
		m = markHostOnly
	case !onHost:
		m = markBoxOnly
	case left == right:
		m = markSame
	}
	glyph := " " + t.marks()[m] + " "
	if m == markSame {
		return paint(t.muted, t.fit(left, half)+glyph+t.fit(right, half))
	}
	return t.fit(left, half) + paint(t.warn, glyph) + t.fit(right, half)
}
