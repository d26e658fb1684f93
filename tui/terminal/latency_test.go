package terminal

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// startOnPane runs a program on a pseudo-terminal whose output feeds a pane.
func startOnPane(b *testing.B, argv ...string) (*Pane, *os.File) {
	pane := NewPane(80, 24, Options{})
	cmd := exec.Command(argv[0], argv[1:]...)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 80, Rows: 24})
	if err != nil {
		b.Fatal(err)
	}
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		buf := make([]byte, 64<<10)
		for {
			n, err := tty.Read(buf)
			pane.Feed(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		<-fed
		tty.Close()
		pane.Close()
	})
	return pane, tty
}

// waitFor draws the pane whenever it changes until its first row says so.
func waitFor(b *testing.B, p *Pane, row int, want func(text string) bool) {
	timeout := time.After(10 * time.Second)
	for !want(p.Rows()[row]) {
		select {
		case <-p.Changed():
		case <-timeout:
			b.Fatalf("row %d is %q", row, p.Rows()[row])
		}
	}
}

// BenchmarkKeyEcho is the time from a key to its echo in a finished row.
func BenchmarkKeyEcho(b *testing.B) {
	pane, tty := startOnPane(b, "sh", "-c", "stty raw -echoctl; printf ready; exec cat >/dev/null")
	waitFor(b, pane, 0, func(s string) bool { return strings.HasPrefix(s, "ready") })
	var times []time.Duration
	key := byte('a')
	for b.Loop() {
		start := time.Now()
		tty.Write([]byte{'\r', key})
		waitFor(b, pane, 0, func(s string) bool { return s[0] == key })
		times = append(times, time.Since(start))
		key = 'a' + (key-'a'+1)%26
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "µs-p99")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkInterrupt is the time from Ctrl-C during yes until its shell's
// answer is in a finished row.
func BenchmarkInterrupt(b *testing.B) {
	var worst time.Duration
	for b.Loop() {
		pane, tty := startOnPane(b, "sh", "-c", "trap : INT; yes; printf '\\033[2J\\033[Hquiet'; exec cat")
		waitFor(b, pane, 20, func(s string) bool { return strings.HasPrefix(s, "y") })
		start := time.Now()
		tty.Write([]byte{3})
		waitFor(b, pane, 0, func(s string) bool { return strings.HasPrefix(s, "quiet") })
		worst = max(worst, time.Since(start))
	}
	b.ReportMetric(float64(worst.Microseconds()), "µs-worst")
	b.ReportMetric(0, "ns/op")
}
