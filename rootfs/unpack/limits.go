package unpack

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// ErrTooMuch is the cause when an archive is beyond a limit.
var ErrTooMuch = errors.New("this looks like an archive made to fill the disk")

// Limits bound what an archive may expand to. A zero field means the default, so the zero value is
// the usual set.
type Limits struct {
	Entries int   // default 4 million
	Bytes   int64 // what an archive may expand to, whatever its own size; 0 leaves that to Free and Ratio
	Free    int64 // bytes that any archive may expand to; default 1 GiB
	Ratio   int64 // beyond Free, how many times its compressed size; default 100
	// Together, if not nil, holds the archives that share it to the limits as if they were one, too:
	// hundreds of layers, each just small enough, are a bomb as well.
	Together *Tally
}

// Tally is what several archives have come to so far, in bytes. Its zero value is ready to use.
type Tally struct{ expanded, compressed atomic.Int64 }

// Unlimited lifts every limit.
var Unlimited = Limits{Entries: 1 << 62, Free: 1 << 62, Ratio: 1 << 62}

func (l Limits) withDefaults() Limits {
	if l.Entries == 0 {
		l.Entries = 4 << 20
	}
	if l.Free == 0 {
		l.Free = 1 << 30
	}
	if l.Ratio == 0 {
		l.Ratio = 100
	}
	return l
}

// inodeSize is what a file without content is taken to need, in bytes: a directory has a block.
const inodeSize = 4096

// check refuses an expansion that is both large and far out of proportion, or beyond what was asked for.
func (l Limits) check(expanded, compressed int64) error {
	if l.Bytes > 0 {
		if expanded > l.Bytes {
			return fmt.Errorf("it expands to more than %d bytes: %w", l.Bytes, ErrTooMuch)
		}
		return nil
	}
	if expanded > l.Free && expanded/l.Ratio > compressed {
		return fmt.Errorf("%d bytes expand to more than %d: %w", compressed, expanded, ErrTooMuch)
	}
	return nil
}

// counter counts what is read through it, and the zero bytes at its end.
type counter struct {
	reader io.Reader
	count  atomic.Int64
	zeros  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	c.count.Add(int64(n))
	end := n
	for end > 0 && p[end-1] == 0 {
		end--
	}
	if end > 0 {
		c.zeros = 0
	}
	c.zeros += int64(n - end)
	return n, err
}

// bounded stops an expansion that is beyond the limits.
type bounded struct {
	expanded   io.Reader
	compressed *counter
	limits     Limits
	mutex      sync.Mutex // what is read and what is made of it may be counted at the same time
	total      int64
	told       int64 // of the compressed bytes, how many the tally knows
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.expanded.Read(p)
	if err := b.count(int64(n)); err != nil {
		return 0, err
	}
	return n, err
}

// count adds bytes to what the archive has expanded to.
func (b *bounded) count(n int64) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.total += n
	compressed := b.compressed.count.Load()
	if err := b.limits.check(b.total, compressed); err != nil {
		return err
	}
	if t := b.limits.Together; t != nil {
		all := t.compressed.Add(compressed - b.told)
		b.told = compressed
		return b.limits.check(t.expanded.Add(n), all)
	}
	return nil
}
