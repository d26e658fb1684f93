package tui

import (
	"sync"

	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// maxUnsent bounds what waits for a program that does not read, in bytes.
const maxUnsent = 1 << 20

// outbox is what goes to a sandbox: keys, answers to queries, sizes. A program
// that does not read makes its supervisor wait, and that must never make the
// reader of the keyboard wait: it would miss the prefix key.
type outbox struct {
	mu     sync.Mutex
	cond   *sync.Cond
	unsent []byte
	size   wire.Dimensions // zero when there is nothing to tell
	closed bool
}

func newOutbox() *outbox {
	o := &outbox{}
	o.cond = sync.NewCond(&o.mu)
	return o
}

// send queues bytes for the program. Where there is no room all of them are
// dropped, as a terminal's full input queue does.
func (o *outbox) send(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.unsent)+len(b) <= maxUnsent {
		o.unsent = append(o.unsent, b...)
		o.cond.Signal()
	}
}

// resize queues a size; only the last one counts.
func (o *outbox) resize(size wire.Dimensions) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.size = size
	o.cond.Signal()
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.cond.Signal()
}

// run sends until the outbox is closed or the connection is gone.
func (o *outbox) run(conn *supervisor.Conn) {
	for {
		b, size, ok := o.take()
		if !ok {
			return
		}
		if size != (wire.Dimensions{}) && conn.Resize(size) != nil {
			return
		}
		if len(b) > 0 && conn.Input(b) != nil {
			return
		}
	}
}

func (o *outbox) take() (b []byte, size wire.Dimensions, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.unsent) == 0 && o.size == (wire.Dimensions{}) && !o.closed {
		o.cond.Wait()
	}
	b, size = o.unsent, o.size
	o.unsent, o.size = nil, wire.Dimensions{}
	return b, size, !o.closed
}
