package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"aquarium/cmd/aquarium/console"
	"aquarium/rootfs"
)

// progress shows how far an import is: one line that is redrawn in a
// terminal, a plain line every few seconds elsewhere.
type progress struct {
	file     *os.File
	terminal bool
	every    time.Duration

	mu    sync.Mutex
	began map[string]time.Time // by stage and item
	next  time.Time            // when to show again
	drawn bool
}

func newProgress(file *os.File) *progress {
	p := &progress{file: file, terminal: console.IsTerminal(file), every: 5 * time.Second, began: make(map[string]time.Time)}
	if p.terminal {
		p.every = 100 * time.Millisecond
	}
	p.next = time.Now().Add(p.every)
	return p
}

// show is a rootfs.ImportOptions.Progress.
func (p *progress) show(now rootfs.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := now.Stage + " " + now.Item
	if _, ok := p.began[key]; !ok {
		p.began[key] = time.Now()
	}
	if time.Now().Before(p.next) {
		return
	}
	p.next = time.Now().Add(p.every)
	line := progressText(now, time.Since(p.began[key]))
	if !p.terminal {
		fmt.Fprintln(p.file, line)
		return
	}
	p.drawn = true
	fmt.Fprintf(p.file, "\r\x1b[K%.78s", line)
}

// end clears the redrawn line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn {
		fmt.Fprint(p.file, "\r\x1b[K")
	}
}

// progressText is one line: what, how much, how fast, how long still.
func progressText(p rootfs.Progress, took time.Duration) string {
	line := rootfs.Visible(p.Stage)
	if p.Item != "" {
		item := rootfs.Visible(p.Item)
		line += fmt.Sprintf(" %.19s", item)
	}
	if p.Done == 0 && p.Total == 0 {
		return line
	}
	line += "  " + bytesText(p.Done)
	rate := float64(p.Done) / max(took.Seconds(), 0.001)
	if p.Total > 0 {
		line += fmt.Sprintf(" of %s (%d%%)", bytesText(p.Total), 100*p.Done/p.Total)
	}
	line += fmt.Sprintf("  %s/s", bytesText(int64(rate)))
	if p.Total > p.Done && rate > 0 {
		left := time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second))
		line += fmt.Sprintf("  %v left", left.Round(time.Second))
	}
	return line
}

// bytesText writes a size in binary units, as ls -h does.
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, letters := float64(n)/unit, "KMGTP"
	for value >= unit && len(letters) > 1 {
		value, letters = value/unit, letters[1:]
	}
	return fmt.Sprintf("%.1f %ciB", value, letters[0])
}
