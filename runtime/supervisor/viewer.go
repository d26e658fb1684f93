package supervisor

import (
	"encoding/json"
	"math"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"aquarium/runtime/wire"
)

// maxQueued is how much output waits for a slow viewer, in bytes, before it
// is left out (or, for a lossless viewer, before the program has to wait).
const maxQueued = 1 << 20

// batchSize is how many bytes of frames are collected into one write.
const batchSize = 32 << 10

// viewer is one connection that output is sent to. Its queue never blocks the
// sender; a goroutine of its own writes it out.
type viewer struct {
	conn     *os.File
	creator  bool // of the sandbox
	lossless bool
	catchUp  func() []frame // what a viewer that fell behind is shown next

	mu     sync.Mutex
	cond   *sync.Cond // queue, behind or ended changed
	queue  []frame
	queued int  // bytes of output in queue
	sent   int  // bytes written to the connection
	behind bool // output was left out since the last write
	ending bool // write what is queued, then close
	ended  bool // the writer is gone
}

func newViewer(conn *os.File) *viewer {
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

// replay queues the past. It is not held against the viewer: only what comes
// faster than it reads is.
func (v *viewer) replay(frames []frame) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.queue = append(v.queue, frames...)
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

// full tells whether waitRoom would wait.
func (v *viewer) full() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lossless && v.queued > maxQueued && !v.ended
}

// waitEnd waits until the connection is closed.
func (v *viewer) waitEnd() {
	v.mu.Lock()
	for !v.ended {
		v.cond.Wait()
	}
	v.mu.Unlock()
}

// waitEnds waits until the connections are closed.
func waitEnds(viewers []*viewer) {
	for _, v := range viewers {
		v.waitEnd()
	}
}

// waitReaders is waitEnds for those who read: when none of them has got on for
// a while, it gives up.
func waitReaders(viewers []*viewer) {
	for before := math.MinInt; ; {
		read := 0
		for _, v := range viewers {
			read += v.read()
		}
		if read == before || within(flushTime, func() { waitEnds(viewers) }) {
			return
		}
		before = read
	}
}

// read is how much the viewer has read, more or less; in bytes. What it has
// not read counts with what the kernel needs for it, see TIOCOUTQ.
func (v *viewer) read() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	var unread int32
	if raw, err := v.conn.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&unread)))
		})
	}
	return v.sent - int(unread)
}

func (v *viewer) write() {
	defer v.end()
	var batch []byte
	for {
		frames, ok := v.next()
		if !ok {
			return
		}
		batch = batch[:0]
		for i, f := range frames {
			header := wire.Header(f.kind, len(f.payload))
			batch = append(append(batch, header[:]...), f.payload...)
			if len(batch) < batchSize && i < len(frames)-1 {
				continue
			}
			if _, err := v.conn.Write(batch); err != nil {
				return
			}
			v.mu.Lock()
			v.sent += len(batch)
			v.mu.Unlock()
			batch = batch[:0]
		}
		if cap(batch) > 2*batchSize {
			batch = nil // a replay's worth is not kept
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
	frames = append(append([]frame{{kind: wire.Skipped}}, frames...), frame{wire.Live, []byte("{}")})
	return append(frames, late...)
}

func (v *viewer) end() {
	v.conn.Close()
	v.mu.Lock()
	v.ended, v.queue = true, nil
	v.cond.Broadcast()
	v.mu.Unlock()
}
