package unpack

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxDictionary bounds the memory that an xz stream may ask for, in bytes: what `xz -9` needs.
const maxDictionary = 64 << 20

// openXZ decompresses xz. The decompressor takes for its dictionary what the stream asks for, up to
// 4 GiB, in each block anew; so what it reads passes a guard.
func openXZ(r io.Reader) (io.Reader, func(), error) {
	d, err := xz.NewReader(&xzGuard{r: bufio.NewReader(r), next: (*xzGuard).stream})
	return d, func() {}, err
}

// errXZ is the cause when a stream is not as the format says (The .xz File Format, 1.2.1).
var errXZ = errors.New("it is damaged")

// Parts of the format.
const (
	xzStreamHeader = 12
	xzStreamFooter = 12
	xzChecksum     = 4 // of an index
	xzFilterLZMA2  = 0x21
)

// xzGuard passes an xz stream on, and refuses it before a block that asks for too much. It follows
// the structure, and leaves it to the decompressor to check what is in it.
type xzGuard struct {
	r     *bufio.Reader
	ready []byte               // structure, read already
	pass  int64                // bytes of content
	next  func(*xzGuard) error // reads the structure behind that
	err   error

	check   int    // size of a block's checksum, in bytes
	block   int64  // data of the block so far, in bytes
	records uint64 // of the index that are to come
	length  int64  // of the index so far, in bytes
}

func (g *xzGuard) Read(p []byte) (int, error) {
	for len(g.ready) == 0 && g.pass == 0 {
		if g.err == nil {
			g.err = g.next(g)
		}
		if g.err != nil && len(g.ready) == 0 {
			return 0, g.err
		}
	}
	if len(g.ready) > 0 {
		n := copy(p, g.ready)
		g.ready = g.ready[n:]
		return n, nil
	}
	n, err := g.r.Read(p[:min(int64(len(p)), g.pass)])
	g.pass -= int64(n)
	return n, err
}

// take reads n more bytes of structure. What there is of them is passed on even if they end early.
func (g *xzGuard) take(n int) ([]byte, error) {
	from := len(g.ready)
	g.ready = append(g.ready, make([]byte, n)...)
	got, err := io.ReadFull(g.r, g.ready[from:])
	g.ready = g.ready[:from+got]
	if err != nil {
		return nil, err
	}
	return g.ready[from:], nil
}

// stream is at the beginning of a stream, or of the padding before one.
func (g *xzGuard) stream() error {
	head, err := g.take(4)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(head) == 0 {
		return nil // padding
	}
	if head, err = g.take(xzStreamHeader - 4); err != nil {
		return err
	}
	g.check = 0
	if kind := head[3] & 0xf; kind > 0 {
		g.check = 4 << ((kind - 1) / 3)
	}
	g.next = (*xzGuard).blockOrIndex
	return nil
}

func (g *xzGuard) blockOrIndex() error {
	size, err := g.take(1)
	if err != nil {
		return err
	}
	if size[0] == 0 {
		return g.index()
	}
	header, err := g.take(int(size[0])*4 + 3)
	if err != nil {
		return err
	}
	if err := checkBlock(header); err != nil {
		g.ready = nil
		return err
	}
	g.block, g.next = 0, (*xzGuard).chunk
	return nil
}

// checkBlock looks at a block's header, without its first byte, for the size of the dictionary.
func checkBlock(header []byte) error {
	flags, rest := header[0], header[1:len(header)-4]
	if flags&3 != 0 {
		return errors.New("it has filters beside LZMA2, which are not known here")
	}
	for _, bit := range []byte{0x40, 0x80} { // the sizes of what follows
		if flags&bit == 0 {
			continue
		}
		_, n := binary.Uvarint(rest)
		if n <= 0 {
			return errXZ
		}
		rest = rest[n:]
	}
	if len(rest) < 3 || rest[0] != xzFilterLZMA2 || rest[1] != 1 {
		return errXZ
	}
	dictionary, err := lzma.DecodeDictCap(rest[2])
	if err != nil {
		return errXZ
	}
	if dictionary > maxDictionary {
		return fmt.Errorf("it needs a dictionary of %d MiB, and gets at most %d", dictionary>>20, maxDictionary>>20)
	}
	return nil
}

// chunk is at the beginning of a chunk of LZMA2 data, or at their end.
func (g *xzGuard) chunk() error {
	control, err := g.take(1)
	if err != nil {
		return err
	}
	g.block++
	header, size := 0, 0 // length of the rest of its header; where in it the size of the content is
	switch c := control[0]; {
	case c == 0:
		g.pass = -g.block&3 + int64(g.check) // padding and checksum
		g.next = (*xzGuard).blockOrIndex
		return nil
	case c <= 2:
		header, size = 2, 0
	case c < 0x80:
		return errXZ
	case c < 0xc0:
		header, size = 4, 2
	default:
		header, size = 5, 2
	}
	rest, err := g.take(header)
	if err != nil {
		return err
	}
	g.pass = int64(binary.BigEndian.Uint16(rest[size:])) + 1
	g.block += int64(header) + g.pass
	return nil
}

// index is behind the first byte of an index.
func (g *xzGuard) index() error {
	var err error
	g.length = 1
	g.records, err = g.number()
	g.next = (*xzGuard).record
	return err
}

// record is at a record of the index, or at its end, with which the stream ends too.
func (g *xzGuard) record() error {
	if g.records == 0 {
		g.pass = -g.length&3 + xzChecksum + xzStreamFooter
		g.next = (*xzGuard).stream
		return nil
	}
	g.records--
	for range 2 {
		if _, err := g.number(); err != nil {
			return err
		}
	}
	return nil
}

// number reads a number of the index.
func (g *xzGuard) number() (uint64, error) {
	var value uint64
	for shift := 0; shift < 63; shift += 7 {
		b, err := g.take(1)
		if err != nil {
			return 0, err
		}
		g.length++
		value |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return value, nil
		}
	}
	return 0, errXZ
}
