package tui

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/creack/pty"

	"aquarium/runtime/spec"
)

// BenchmarkKeyEcho is the time from a key on the outer terminal to its echo
// there, for `cat` in an attached sandbox and, in the same run, for `cat` in a
// tmux pane. Keys come at a typist's pace, so each finds an idle screen.
//
//	go test ./tui -run '^$' -bench KeyEcho -benchtime 100x
//
// Last measured: p50 0.6 ms (p90 0.8), tmux 0.3 (0.4); with a ticker at 120
// frames a second it was ten times that.
func BenchmarkKeyEcho(b *testing.B) {
	terminals := map[string]*echoing{"aquarium": echoInAquarium(b), "tmux": echoInTmux(b)}
	times := make(map[string][]time.Duration)
	const letters = "vwxyz" // in no control sequence and no other text there
	for i := 0; b.Loop(); i++ {
		for name, t := range terminals {
			time.Sleep(30 * time.Millisecond) // the typist's pause, not waiting for anything
			times[name] = append(times[name], t.key(b, letters[i%len(letters)]))
		}
	}
	for name, list := range times {
		slices.Sort(list)
		b.ReportMetric(float64(list[len(list)/2].Microseconds())/1000, name+"-p50-ms")
		b.ReportMetric(float64(list[len(list)*9/10].Microseconds())/1000, name+"-p90-ms")
	}
}

func echoInAquarium(b *testing.B) *echoing {
	h := newHome(b)
	h.launch(b, spec.Options{Name: "echo", Rootfs: busybox(b), Command: []string{"cat"}, TTY: true, Interactive: true})
	c := exec.Command(program(b))
	c.Env = h.environment()
	t := startEchoing(b, c)
	t.waits(b, "echo")
	t.file.Write([]byte("\t\r")) // to the sandboxes, and attach
	t.waits(b, "To get out")
	t.file.Write([]byte("\x1dz")) // nothing but the program on the screen
	t.waits(b, "echo")
	return t
}

func echoInTmux(b *testing.B) *echoing {
	socket := filepath.Join(b.TempDir(), "tmux")
	c := exec.Command("tmux", "-S", socket, "-f", "/dev/null", "new-session", "cat")
	c.Env = append(os.Environ(), "TERM=xterm-256color", "TMUX=")
	t := startEchoing(b, c)
	b.Cleanup(func() { exec.Command("tmux", "-S", socket, "kill-server").Run() })
	t.waits(b, "[0]")
	return t
}

// echoing is a full-screen program on a pty whose output is looked through as
// it comes.
type echoing struct {
	file   *os.File
	chunks chan []byte
}

func startEchoing(b *testing.B, c *exec.Cmd) *echoing {
	b.Helper()
	file, err := pty.StartWithSize(c, &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		file.Close()
	})
	t := &echoing{file: file, chunks: make(chan []byte, 1000)}
	go func() {
		for {
			buffer := make([]byte, 4096)
			n, err := file.Read(buffer)
			if err != nil {
				return
			}
			t.chunks <- buffer[:n]
		}
	}()
	return t
}

// waits reads until the output holds text.
func (t *echoing) waits(b *testing.B, text string) {
	b.Helper()
	t.until(b, func(seen []byte) bool { return bytes.Contains(seen, []byte(text)) }, text)
}

// key types one letter and waits for the picture that shows it.
func (t *echoing) key(b *testing.B, letter byte) time.Duration {
	b.Helper()
	for len(t.chunks) > 0 {
		<-t.chunks
	}
	began := time.Now()
	if _, err := t.file.Write([]byte{letter}); err != nil {
		b.Fatal(err)
	}
	t.until(b, func(seen []byte) bool { return slices.Contains(seen, letter) }, fmt.Sprintf("%c", letter))
	return time.Since(began)
}

func (t *echoing) until(b *testing.B, enough func(seen []byte) bool, what string) {
	b.Helper()
	var seen []byte
	deadline := time.After(20 * time.Second)
	for !enough(seen) {
		select {
		case chunk := <-t.chunks:
			seen = append(seen, chunk...)
		case <-deadline:
			b.Fatalf("waited for %q in vain: %q", what, seen)
		}
	}
}
