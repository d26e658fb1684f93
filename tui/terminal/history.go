package terminal

import "sort"

// blockSize is the unit in which history is allocated and forgotten.
const blockSize = 64 << 10

// maxCellBytes is what a cell with a style of its own takes, links aside.
const maxCellBytes = 20

// history is the scrollback: encoded lines in blocks, oldest first. When the
// byte budget is spent, the oldest block is emptied and used again.
//
// Lines have absolute numbers that never change while the width stays: the
// first line ever pushed is 0, and the grid's top row is number end().
type history struct {
	budget int
	bytes  int
	blocks []*block
	spare  *block
	next   int // number of the line to be pushed next
}

type block struct {
	first int // number of the first line
	buf   []byte
	ends  []int32 // where each line ends in buf
	width int     // cells of the longest line
	wraps bool    // some line continues on the next
}

func (b *block) size() int { return cap(b.buf) + 4*cap(b.ends) }

func (b *block) line(i int) []byte {
	start := int32(0)
	if i > 0 {
		start = b.ends[i-1]
	}
	return b.buf[start:b.ends[i]]
}

// begin and end bound the numbers of the lines that are kept: [begin, end).
func (h *history) begin() int {
	if len(h.blocks) == 0 {
		return h.next
	}
	return h.blocks[0].first
}

func (h *history) end() int { return h.next }

// line returns the encoded line n; nil when it is not kept.
func (h *history) line(n int) []byte {
	if n < h.begin() || n >= h.next {
		return nil
	}
	i := sort.Search(len(h.blocks), func(i int) bool { return h.blocks[i].first > n }) - 1
	return h.blocks[i].line(n - h.blocks[i].first)
}

// push appends a row.
func (h *history) push(r *row, p *pool) {
	if h.budget <= 0 {
		h.next++
		return
	}
	b := h.room(maxCellBytes * r.used)
	start := len(b.buf)
	b.buf = appendRow(b.buf, r, p)
	if len(b.buf) > blockSize && start > 0 {
		// Hyperlinks or long clusters made it longer: begin a block of its own.
		line := b.buf[start:]
		nb := h.addBlock(len(line))
		nb.buf = append(nb.buf, line...)
		b.buf = append(make([]byte, 0, blockSize), b.buf[:start]...)
		b = nb
	}
	b.ends = append(b.ends, int32(len(b.buf)))
	b.width, b.wraps = max(b.width, r.used), b.wraps || r.wrapped
	h.next++
}

// adopt appends a whole block of another history.
func (h *history) adopt(b *block) {
	h.measure()
	for len(h.blocks) > 0 && h.bytes+b.size() > h.budget {
		h.dropOldest()
	}
	b.first = h.next
	h.blocks = append(h.blocks, b)
	h.next += len(b.ends)
}

// room returns the last block, or a new one when it has no room for n bytes.
func (h *history) room(n int) *block {
	if k := len(h.blocks); k > 0 {
		if b := h.blocks[k-1]; len(b.buf)+n <= blockSize {
			return b
		}
	}
	return h.addBlock(0)
}

func (h *history) addBlock(atLeast int) *block {
	h.measure()
	size := max(blockSize, atLeast)
	for len(h.blocks) > 0 && h.bytes+size > h.budget {
		h.dropOldest()
	}
	b := h.spare
	h.spare = nil
	if b == nil || atLeast > blockSize {
		b = &block{buf: make([]byte, 0, size)}
	}
	b.first = h.next
	h.blocks = append(h.blocks, b)
	return b
}

func (h *history) dropOldest() {
	b := h.blocks[0]
	copy(h.blocks, h.blocks[1:])
	h.blocks = h.blocks[:len(h.blocks)-1]
	h.bytes -= b.size()
	if cap(b.buf) == blockSize {
		b.buf, b.ends, b.width, b.wraps = b.buf[:0], b.ends[:0], 0, false
		h.spare = b
	}
}

// measure adds up what the blocks hold; ends may have grown since.
func (h *history) measure() {
	h.bytes = 0
	for _, b := range h.blocks {
		h.bytes += b.size()
	}
}

// clear forgets every line; numbers go on counting.
func (h *history) clear() {
	h.blocks, h.spare, h.bytes = nil, nil, 0
}

// pop forgets the newest line; there must be one.
func (h *history) pop() {
	b := h.blocks[len(h.blocks)-1]
	n := len(b.ends) - 1
	b.buf = b.buf[:len(b.buf)-len(b.line(n))]
	b.ends = b.ends[:n]
	if n == 0 {
		h.blocks = h.blocks[:len(h.blocks)-1]
	}
	h.next--
}
