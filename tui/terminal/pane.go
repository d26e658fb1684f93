package terminal

import (
	"sync"
	"time"
)

const (
	// feedChunk is how much is parsed before the lock is let go.
	feedChunk = 4 << 10
	// syncTimeout ends a synchronized update that the program does not end.
	syncTimeout = 150 * time.Millisecond
)

// Pane is a Screen in a user interface: a lock around it, the view of it, and
// the way back for its answers. It is safe for concurrent use.
type Pane struct {
	turn    sync.Mutex // held while waiting for mu: see lock
	mu      sync.Mutex
	screen  *Screen
	painter painter
	changed chan struct{}
	replies *replyQueue

	view       view
	selection  selection
	search     search
	generation uint64
	outputs    uint64 // counts chunks of output
	epoch      uint64 // the screen's, when line numbers were last looked at
	past       decoder
	pastCells  []cell

	frame     frame // the last rows handed out
	held      frame // what shows during a synchronized update
	syncSince time.Time
	syncTimer *time.Timer // tells when an update has lasted too long
	looked    bool        // Rows was called since held was taken
}

// frame is a finished picture, good for one generation.
type frame struct {
	rows       []string
	generation uint64
	cursor     Cursor
}

// NewPane returns a pane with a blank screen.
func NewPane(cols, rows int, opts Options) *Pane {
	p := &Pane{
		screen:  New(cols, rows, opts),
		changed: make(chan struct{}, 1),
		replies: newReplyQueue(),
	}
	p.screen.beforeSync = p.hold
	p.epoch = p.screen.epoch
	return p
}

// lock takes the lock in the order of asking. A plain mutex would let Feed,
// which asks again at once, go first for a millisecond and more.
func (p *Pane) lock() {
	p.turn.Lock()
	p.mu.Lock()
	p.turn.Unlock()
}

// Feed takes what the program wrote. It lets go of the lock often, so that
// others can draw, and then signals Changed once.
func (p *Pane) Feed(b []byte) { p.write(b, true) }

// Replay is Feed for output of the past: questions in it were answered then,
// and are not answered again.
func (p *Pane) Replay(b []byte) { p.write(b, false) }

func (p *Pane) write(b []byte, answer bool) {
	for len(b) > 0 {
		n := min(len(b), feedChunk)
		p.lock()
		p.screen.Write(b[:n])
		p.generation++
		p.outputs++
		p.renumber()
		replies := p.screen.TakeReplies()
		p.mu.Unlock()
		if answer && len(replies) > 0 {
			p.replies.add(replies)
		}
		b = b[n:]
	}
	p.signal()
}

func (p *Pane) signal() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Changed receives after something changed; many changes may be one signal.
func (p *Pane) Changed() <-chan struct{} { return p.changed }

// Generation counts changes: while it stays, Rows stays.
func (p *Pane) Generation() uint64 {
	p.lock()
	defer p.mu.Unlock()
	return p.generation
}

// Resize changes the size in columns and rows.
func (p *Pane) Resize(cols, rows int) {
	p.change(func() {
		h := p.screen.history
		top, total := p.firstLine()-h.begin(), h.end()-h.begin()
		held := p.view.held
		p.screen.Resize(cols, rows)
		p.renumber()
		p.held.rows = nil
		if h = p.screen.history; held && total > 0 {
			// About the same text; lines may have been wrapped anew.
			now := h.end() - h.begin()
			p.scrollTo(now - top*now/total)
		}
	})
}

// renumber lets go of places in the text when the lines have new numbers, or
// the other screen shows.
func (p *Pane) renumber() {
	if p.epoch == p.screen.epoch {
		return
	}
	p.epoch = p.screen.epoch
	p.selection, p.view = selection{}, view{}
	p.search.found, p.search.valid = false, false
	p.search.at = point{p.lastLine() + 1, 0}
}

// Size returns the columns and rows.
func (p *Pane) Size() (cols, rows int) {
	p.lock()
	defer p.mu.Unlock()
	return p.screen.Size()
}

// change runs f under the lock and tells about it.
func (p *Pane) change(f func()) {
	p.lock()
	f()
	p.generation++
	p.mu.Unlock()
	p.signal()
}

// OnReply sets where answers to the program's queries go: f is called from one
// goroutine, in order, and may block; meanwhile answers wait in a bounded queue.
func (p *Pane) OnReply(f func([]byte)) { p.replies.start(f) }

// Close ends the goroutine of OnReply.
func (p *Pane) Close() {
	p.replies.close()
	p.lock()
	defer p.mu.Unlock()
	if p.syncTimer != nil {
		p.syncTimer.Stop()
	}
}

// Title returns the title the program set, without control characters.
func (p *Pane) Title() string {
	p.lock()
	defer p.mu.Unlock()
	return p.screen.title
}

// Directory returns the working directory that the program reported (OSC 7),
// as it was written: an address, without control characters.
func (p *Pane) Directory() string {
	p.lock()
	defer p.mu.Unlock()
	return p.screen.directory
}

// Clipboard returns the program's wishes to set the clipboard since the last
// call. Nothing has been done about them.
func (p *Pane) Clipboard() []ClipboardRequest {
	p.lock()
	defer p.mu.Unlock()
	c := p.screen.clipboard
	p.screen.clipboard = nil
	return c
}

// Bells returns how often the bell rang since the last call.
func (p *Pane) Bells() int {
	p.lock()
	defer p.mu.Unlock()
	n := p.screen.bells
	p.screen.bells = 0
	return n
}
