package supervisor

import (
	"encoding/json"

	"aquarium/runtime/wire"
)

// frame is one message to a viewer. Payloads are shared between the history
// and every viewer's queue, and never change.
type frame struct {
	kind    wire.Type
	payload []byte
}

// history keeps the latest output of a program within a budget of bytes, with
// the terminal sizes it was made for. It is a list of chunks; the oldest is
// dropped whole, and what its loss would break is restored from the modes
// recorded at the head of the next.
type history struct {
	budget int // bytes of output
	unit   int // bytes that are dropped at a time
	kept   int
	chunks []*chunk
	modes  modes // at the end of all output
	size   wire.Dimensions
}

// chunk is a stretch of output with the state a terminal has at its head.
type chunk struct {
	modes  modes
	size   wire.Dimensions
	frames []frame
	used   int // bytes of payload
	buffer []byte
}

const (
	// readSize is how much output comes at a time, at most; in bytes.
	readSize = 16 << 10
	// chunkSize is how much of a long history is dropped at a time, in bytes.
	chunkSize = 64 << 10
	// firstBuffer is what an idle sandbox's history costs, in bytes.
	firstBuffer = 4 << 10
	// DefaultScrollback holds 10,000 lines of a dense 200-column screen.
	DefaultScrollback = 4 << 20
)

// newHistory keeps at most budget bytes of output; of a small budget, at least
// as much as is read at a time, twice.
func newHistory(budget int64, size wire.Dimensions) *history {
	if budget <= 0 {
		budget = DefaultScrollback
	}
	budget = max(budget, 2*readSize)
	return &history{budget: int(budget), unit: min(chunkSize, max(readSize, int(budget)/4)), size: size}
}

// add keeps b, which the caller may reuse, and returns the frame to hand to
// viewers.
func (h *history) add(kind wire.Type, b []byte) frame {
	f := frame{kind, h.last(len(b)).copy(b)}
	h.append(f)
	if kind == wire.Output {
		h.modes.feed(b)
	}
	return f
}

// resize notes that the terminal has another size from here on.
func (h *history) resize(size wire.Dimensions) frame {
	h.size = size
	f := sizeFrame(size)
	h.last(len(f.payload))
	h.append(f)
	return f
}

func sizeFrame(size wire.Dimensions) frame {
	payload, _ := json.Marshal(size) // two numbers: cannot fail
	return frame{wire.Size, payload}
}

// last returns the chunk that n more bytes go into.
func (h *history) last(n int) *chunk {
	if len(h.chunks) == 0 || h.chunks[len(h.chunks)-1].used+n > h.unit {
		h.chunks = append(h.chunks, &chunk{modes: h.modes, size: h.size})
		h.trim()
	}
	return h.chunks[len(h.chunks)-1]
}

func (h *history) append(f frame) {
	c := h.chunks[len(h.chunks)-1]
	c.frames = append(c.frames, f)
	c.used += len(f.payload)
	h.kept += len(f.payload)
	c.merge()
}

// trim drops the oldest chunks until one more fits.
func (h *history) trim() {
	for len(h.chunks) > 1 && h.kept+h.unit > h.budget {
		h.kept -= h.chunks[0].used
		h.chunks[0] = nil
		h.chunks = h.chunks[1:]
	}
}

// copy stores b at the end of the chunk's buffer.
func (c *chunk) copy(b []byte) []byte {
	if cap(c.buffer)-len(c.buffer) < len(b) {
		// Frames already made keep the old buffer alive; start another.
		c.buffer = make([]byte, 0, max(len(b), min(chunkSize, max(firstBuffer, 2*cap(c.buffer)))))
	}
	from := len(c.buffer)
	c.buffer = append(c.buffer, b...)
	return c.buffer[from:len(c.buffer):len(c.buffer)]
}

// merge joins the last two frames when they are neighbours in the buffer, so
// that a program that writes byte by byte does not cost a frame for each.
func (c *chunk) merge() {
	n := len(c.frames)
	if n < 2 || c.frames[n-1].kind != c.frames[n-2].kind || c.frames[n-1].kind == wire.Size {
		return
	}
	before, last := c.frames[n-2].payload, c.frames[n-1].payload
	end := len(c.buffer)
	from := end - len(last) - len(before)
	if from < 0 || len(before) == 0 || &c.buffer[from] != &before[0] {
		return
	}
	c.frames[n-2].payload = c.buffer[from:end:end]
	c.frames = c.frames[:n-1]
}

// replay is everything kept, as frames for a fresh terminal.
func (h *history) replay() []frame {
	return h.replayFrom(0)
}

// recent is the end of the history alone, for a viewer that fell behind.
func (h *history) recent() []frame {
	return h.replayFrom(max(0, len(h.chunks)-2))
}

func (h *history) replayFrom(first int) []frame {
	if len(h.chunks) == 0 {
		return []frame{sizeFrame(h.size)}
	}
	head := h.chunks[first]
	frames := []frame{sizeFrame(head.size)}
	if restore := head.modes.restore(); len(restore) > 0 {
		frames = append(frames, frame{wire.Output, restore})
	}
	for _, c := range h.chunks[first:] {
		frames = append(frames, c.frames...)
	}
	return frames
}

// torn tells whether a full-screen program's picture began before what is
// kept: replaying cannot show it whole.
func (h *history) torn() bool {
	return len(h.chunks) > 0 && h.chunks[0].modes.alternate() && h.modes.alternate()
}
