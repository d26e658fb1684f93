package unpack

import (
	"archive/tar"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// The names of an archive are made one after the other, in the archive's order, because each may
// depend on those before it. What is in the files depends on nothing: it is handed on by descriptor
// and written by others meanwhile, many small files at a time.
//
//	tar entries ─▶ applier: names, empty files ─┬─▶ batches of content ─▶ writer ─┐
//	                                            └─▶                       writer ─┴─▶ empty batches
const (
	batchSize  = 256 << 10 // bytes of content in one batch
	batchFiles = 32        // pieces of files in one batch
	batchCount = 4         // batches on their way
	maxWriters = 4
)

// batch is the content of several files, or a part of one.
type batch struct {
	content []byte
	pieces  []piece
}

// piece is a run of bytes of one file.
type piece struct {
	file   *newFile
	offset int64
	length int
}

// newFile is a file that has its name, but not all of its content yet.
type newFile struct {
	fd     int
	header *tar.Header
	open   atomic.Int32 // pieces that are not written yet, and one for whoever adds them
}

// contents writes files. Its methods, but for those of writers, belong to one goroutine.
type contents struct {
	a       *applier
	full    chan *batch
	empty   chan *batch
	current *batch
	writers sync.WaitGroup

	failed atomic.Bool
	mutex  sync.Mutex
	err    error // the first
}

func newContents(a *applier) *contents {
	c := &contents{a: a, full: make(chan *batch, batchCount), empty: make(chan *batch, batchCount)}
	for range batchCount {
		c.empty <- new(batch)
	}
	for range min(maxWriters, runtime.GOMAXPROCS(0)) {
		c.writers.Go(c.write)
	}
	return c
}

// begin takes over a new, empty file. Whoever adds its content releases it in the end.
func (c *contents) begin(h *tar.Header, fd int) *newFile {
	f := &newFile{fd: fd, header: h}
	f.open.Store(1)
	return f
}

// room returns where the next bytes of a file go, at most a batch of them; add says how many came.
func (c *contents) room() []byte {
	if c.current != nil && (len(c.current.pieces) == batchFiles || len(c.current.content) > batchSize-holeSize) {
		c.flush()
	}
	if c.current == nil {
		c.current = <-c.empty
		if c.current.content == nil {
			c.current.content = make([]byte, 0, batchSize)
		}
	}
	return c.current.content[len(c.current.content):batchSize]
}

func (c *contents) add(f *newFile, offset int64, length int) {
	f.open.Add(1)
	c.current.pieces = append(c.current.pieces, piece{f, offset, length})
	c.current.content = c.current.content[:len(c.current.content)+length]
}

func (c *contents) flush() {
	if c.current != nil {
		c.full <- c.current
		c.current = nil
	}
}

// wait ends the writers, when all is written, and returns the first error.
func (c *contents) wait() error {
	c.flush()
	close(c.full)
	c.writers.Wait()
	return c.err
}

// problem returns the first error so far.
func (c *contents) problem() error {
	if !c.failed.Load() {
		return nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.err
}

func (c *contents) fail(f *newFile, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.err == nil {
		c.err = &EntryError{Name: f.header.Name, Cause: err}
		c.failed.Store(true)
	}
}

func (c *contents) write() {
	for b := range c.full {
		rest := b.content
		for _, p := range b.pieces {
			if !c.failed.Load() {
				if err := p.write(rest[:p.length]); err != nil {
					c.fail(p.file, err)
				}
			}
			rest = rest[p.length:]
			c.release(p.file)
		}
		b.content, b.pieces = b.content[:0], b.pieces[:0]
		c.empty <- b
	}
}

// release finishes a file when nobody has anything more to write into it.
func (c *contents) release(f *newFile) {
	if f.open.Add(-1) > 0 {
		return
	}
	if !c.failed.Load() {
		if err := c.a.attributes(f.header, f.fd, unix.S_IFREG); err != nil {
			c.fail(f, err)
		}
	}
	unix.Close(f.fd)
}

// write writes the piece and leaves holes where it is zero.
func (p piece) write(content []byte) error {
	offset := p.offset
	hole := false
	for len(content) > 0 {
		var run int
		if run, hole = nextRun(content); !hole {
			if err := writeAt(p.file.fd, content[:run], offset); err != nil {
				return err
			}
		}
		content, offset = content[run:], offset+int64(run)
	}
	if hole && offset == p.file.header.Size {
		return os.NewSyscallError("ftruncate", unix.Ftruncate(p.file.fd, offset))
	}
	return nil
}
