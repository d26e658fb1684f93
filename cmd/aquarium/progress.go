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
	pace  rootfs.Pace
	next  time.Time // when to show again
	drawn bool
}

func newProgress(file *os.File) *progress {
	p := &progress{file: file, terminal: console.IsTerminal(file), every: 5 * time.Second}
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
	item := p.pace.Take(now)
	if time.Now().Before(p.next) {
		return
	}
	p.next = time.Now().Add(p.every)
	if item.Item != "" { // one of several, perhaps side by side
		item = p.pace.Together(item.Stage)
	}
	line := item.Text()
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
