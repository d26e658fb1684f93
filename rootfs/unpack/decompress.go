package unpack

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that a zstd stream may ask for, in bytes: what `zstd --long=27` needs.
const maxWindow = 128 << 20

// formats are recognised by their first bytes.
var formats = []struct {
	name  string
	magic []byte
	open  func(io.Reader) (io.Reader, func(), error)
}{
	{"gzip", []byte{0x1f, 0x8b}, func(r io.Reader) (io.Reader, func(), error) {
		d, err := gzip.NewReader(r)
		return d, func() {}, err
	}},
	{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, func(r io.Reader) (io.Reader, func(), error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, err
		}
		return d, d.Close, nil
	}},
	{"xz", []byte("\xfd7zXZ\x00"), openXZ},
	{"bzip2", []byte("BZh"), func(r io.Reader) (io.Reader, func(), error) {
		return bzip2.NewReader(r), func() {}, nil
	}},
}

// Stream is an archive being decompressed.
type Stream struct {
	Format  string // "gzip", "zstd", "xz", "bzip2", or "" where it is not compressed
	bounded *bounded
	close   func()
}

// Open recognises how an archive is compressed and decompresses it, in this process, within the
// limits. The caller closes the stream, and r itself.
func Open(r io.Reader, limits Limits) (*Stream, error) {
	compressed := &counter{reader: r}
	buffered := bufio.NewReaderSize(compressed, 1<<18)
	head, err := buffered.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(head) == 0 {
		return nil, errors.New("the archive is empty")
	}
	s := &Stream{close: func() {}}
	expanded := io.Reader(buffered)
	for _, f := range formats {
		if !bytes.HasPrefix(head, f.magic) {
			continue
		}
		reader, close, err := f.open(buffered)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.name, err)
		}
		s.Format, s.close, expanded = f.name, close, reader
		break
	}
	s.bounded = &bounded{expanded: expanded, compressed: compressed, limits: limits.withDefaults()}
	return s, nil
}

// Made counts inodes that were made of the stream: where they hold nothing, they take room on the
// disk and next to none in an archive. It may be called while the stream is read.
func (s *Stream) Made(inodes int) error { return s.bounded.count(int64(inodes) * inodeSize) }

func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.bounded.Read(p)
	if err != nil && err != io.EOF && s.Format != "" && !errors.Is(err, ErrTooMuch) {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return n, err
		}
		return n, fmt.Errorf("read %s: %w", s.Format, err)
	}
	return n, err
}

// Close releases the decompressor.
func (s *Stream) Close() error {
	s.close()
	return nil
}
