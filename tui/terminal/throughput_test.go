package terminal

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// workloads are what is measured: each a function of the size, with about
// size bytes of output.
var workloads = []struct {
	name string
	make func(cols, rows, size int) []byte
}{
	{"yes", func(_, _, size int) []byte { return bytes.Repeat([]byte("y\r\n"), size/3) }},
	{"plain", func(_, _, size int) []byte {
		line := []byte("The quick brown fox jumps over the lazy dog, 0123456789 times.\r\n")
		return bytes.Repeat(line, size/len(line))
	}},
	{"colour", denseColour},
	{"cjk", func(_, _, size int) []byte {
		line := []byte("漢字かな交じり文 カタカナ 한글 👩‍👩‍👧 mixed 🎉 text é ё 🇩🇪\r\n")
		return bytes.Repeat(line, size/len(line))
	}},
	{"cursor", cursorAddressing},
	{"region", scrollRegions},
}

func denseColour(_, _, size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "\x1b[38;5;%dm%c\x1b[48;2;%d;%d;%dm#", i%256, 'a'+i%26, i%256, i/3%256, i/7%256)
		if i%38 == 37 {
			b.WriteString("\x1b[0m\r\n")
		}
	}
	return b.Bytes()
}

func cursorAddressing(cols, rows, size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "\x1b[%d;%dHx%d", i*7%rows+1, i*13%cols+1, i%10)
	}
	return b.Bytes()
}

func scrollRegions(_, rows, size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "\x1b[3;%dr\x1b[%d;1Hline %d of a region\n\x1b[5;1H\x1b[2L\x1b[M\x1bM", rows-2, rows-2, i)
	}
	return b.Bytes()
}

var sizes = []struct{ cols, rows int }{{80, 24}, {200, 50}}

func BenchmarkThroughput(b *testing.B) {
	for _, size := range sizes {
		for _, w := range workloads {
			b.Run(fmt.Sprintf("%s/%dx%d", w.name, size.cols, size.rows), func(b *testing.B) {
				data := w.make(size.cols, size.rows, 1<<20)
				s := New(size.cols, size.rows, Options{})
				s.Write(data)
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					s.Write(data)
				}
			})
		}
	}
}

// BenchmarkBesideTmux lets tmux and a Pane show the same bytes, each through a
// pseudo-terminal from "cat", and reports the Pane's speed as a multiple of tmux's.
func BenchmarkBesideTmux(b *testing.B) {
	if _, err := exec.LookPath("tmux"); err != nil {
		b.Skip("tmux is not installed")
	}
	for _, size := range sizes {
		for _, w := range workloads {
			b.Run(fmt.Sprintf("%s/%dx%d", w.name, size.cols, size.rows), func(b *testing.B) {
				data := w.make(size.cols, size.rows, 8<<20)
				file := filepath.Join(b.TempDir(), "output")
				if err := os.WriteFile(file, data, 0o600); err != nil {
					b.Fatal(err)
				}
				ours, theirs := time.Hour, time.Hour
				for b.Loop() {
					ours = min(ours, timePane(b, file, size.cols, size.rows))
					theirs = min(theirs, timeTmux(b, file, size.cols, size.rows))
				}
				mb := float64(len(data)) / 1e6
				b.ReportMetric(mb/ours.Seconds(), "MB/s")
				b.ReportMetric(mb/theirs.Seconds(), "tmux-MB/s")
				b.ReportMetric(theirs.Seconds()/ours.Seconds(), "×tmux")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// timePane takes the time from cat's start until a Pane has shown it all.
func timePane(b *testing.B, file string, cols, rows int) time.Duration {
	pane := NewPane(cols, rows, Options{})
	defer pane.Close()
	cmd := exec.Command("sh", "-c", "stty raw -echo; exec cat "+file)
	start := time.Now()
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		b.Fatal(err)
	}
	defer tty.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := tty.Read(buf)
		pane.Feed(buf[:n])
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// timeTmux takes the time from cat's start until a tmux with one pane, and no
// client to draw for, has shown it all: a DSR after the output is answered then.
func timeTmux(b *testing.B, file string, cols, rows int) time.Duration {
	dir := b.TempDir()
	socket := filepath.Join(dir, "tmux")
	done := filepath.Join(dir, "done")
	tmux := func(args ...string) {
		cmd := exec.Command("tmux", append([]string{"-S", socket, "-f", "/dev/null"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	script := "stty raw -echo; date +%s%N > " + done + ".start; cat " + file + "; printf '\\033[5n'; dd bs=4 count=1 2>/dev/null >/dev/null; date +%s%N > " + done + ".end; tmux -S " + socket + " wait-for -S finished; cat"
	tmux("new-session", "-d", "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows), "sh", "-c", script)
	defer tmux("kill-server")
	tmux("wait-for", "finished")
	return readNanos(b, done+".end") - readNanos(b, done+".start")
}

func readNanos(b *testing.B, file string) time.Duration {
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	var n int64
	if _, err := fmt.Sscan(string(text), &n); err != nil {
		b.Fatal(err)
	}
	return time.Duration(n)
}
