package supervisor

import (
	"encoding/json"
	"net"
	"sync"

	"aquarium/runtime/wire"
)

// maxQueued is how much output waits for a slow viewer, in bytes, before it
// is left out (or, for a lossless viewer, before the program has to wait).
const maxQueued = 1 << 20

// viewer is one connection that output is sent to. Its queue never blocks the
// sender; a goroutine of its own writes it out.
type viewer struct {
	conn     net.Conn
	lossless bool
	catchUp  func() []frame // what a viewer that fell behind is shown next

	mu     sync.Mutex
	cond   *sync.Cond // queue, behind or ended changed
	queue  []frame
	queued int  // bytes of output in queue
	behind bool // output was left out since the last write
	ending bool // write what is queued, then close
	ended  bool // the writer is gone
}

func newViewer(conn net.Conn) *viewer {
	v := &viewer{conn: conn}
	v.cond = sync.NewCond(&v.mu)
	go v.write()
	return v
}

// output queues frames of a program's output, or notes that there was no room.
func (v *viewer) output(frames ...frame) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended || v.behind {
		return
	}
	if v.queued > maxQueued && !v.lossless {
		v.queue, v.queued, v.behind = nil, 0, true
		return
	}
	for _, f := range frames {
		v.queue = append(v.queue, f)
		v.queued += len(f.payload)
	}
	v.cond.Broadcast()
}

// send queues a frame that is never left out.
func (v *viewer) send(kind wire.Type, message any) {
	payload, err := json.Marshal(message)
	if err != nil {
		return // messages are plain structures of ours: it cannot fail
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.queue = append(v.queue, frame{kind, payload})
	v.cond.Broadcast()
}

// finish closes the connection once everything queued is written.
func (v *viewer) finish() {
	v.mu.Lock()
	v.ending = true
	v.cond.Broadcast()
	v.mu.Unlock()
}

// waitRoom waits while a lossless viewer has not read what it was sent.
func (v *viewer) waitRoom() {
	v.mu.Lock()
	for v.lossless && v.queued > maxQueued && !v.ended {
		v.cond.Wait()
	}
	v.mu.Unlock()
}

// waitEnd waits until the connection is closed.
func (v *viewer) waitEnd() {
	v.mu.Lock()
	for !v.ended {
		v.cond.Wait()
	}
	v.mu.Unlock()
}

func (v *viewer) write() {
	defer v.end()
	for {
		frames, ok := v.next()
		if !ok {
			return
		}
		buffers := make(net.Buffers, 0, 2*len(frames))
		for _, f := range frames {
			header := wire.Header(f.kind, len(f.payload))
			buffers = append(buffers, header[:], f.payload)
		}
		if _, err := buffers.WriteTo(v.conn); err != nil {
			return
		}
	}
}

// next waits for frames to write; ok is false at the end.
func (v *viewer) next() (frames []frame, ok bool) {
	v.mu.Lock()
	for len(v.queue) == 0 && !v.behind && !v.ending {
		v.cond.Wait()
	}
	if v.behind {
		v.mu.Unlock()
		return v.resume(), true
	}
	defer v.mu.Unlock()
	frames, v.queue, v.queued = v.queue, nil, 0
	v.cond.Broadcast()
	return frames, len(frames) > 0
}

// resume shows a viewer that fell behind the end of the history instead of
// what it missed. The session calls output under its own lock, so that lock
// comes first.
func (v *viewer) resume() []frame {
	frames := v.catchUp()
	v.mu.Lock()
	defer v.mu.Unlock()
	late := v.queue // what may not be left out came after
	v.queue = nil
	return append(append([]frame{{kind: wire.Skipped}}, frames...), late...)
}

func (v *viewer) end() {
	v.conn.Close()
	v.mu.Lock()
	v.ended, v.queue = true, nil
	v.cond.Broadcast()
	v.mu.Unlock()
}
