package unpack

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"
)

// xzOf is what the real xz makes of data.
func xzOf(t testing.TB, data []byte, flags ...string) []byte {
	t.Helper()
	c := exec.Command("xz", append(flags, "--stdout")...)
	c.Stdin = bytes.NewReader(data)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("xz %v: %v", flags, err)
	}
	return out
}

// noisy is data of which half compresses, half does not.
func noisy(size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(data[:size/2])
	return data
}

// asking is a stream whose first block asks for a dictionary of 4 GiB.
func asking(t testing.TB) []byte {
	t.Helper()
	stream := xzOf(t, []byte("content"))
	header := stream[xzStreamHeader:][:(int(stream[xzStreamHeader])+1)*4]
	at := bytes.Index(header, []byte{xzFilterLZMA2, 1})
	header[at+2] = 40
	binary.LittleEndian.PutUint32(header[len(header)-4:], crc32.ChecksumIEEE(header[:len(header)-4]))
	return stream
}

func TestXZ(t *testing.T) {
	t.Parallel()
	data := noisy(600_000)
	whole := xzOf(t, data)
	for about, test := range map[string]struct {
		stream []byte
		want   []byte
		err    string
	}{
		"usual":                {whole, data, ""},
		"best":                 {xzOf(t, data, "-9"), data, ""},
		"many blocks":          {xzOf(t, data, "--block-size=100000"), data, ""},
		"several threads":      {xzOf(t, data, "--threads=4", "--block-size=50000"), data, ""},
		"no checksum":          {xzOf(t, data, "--check=none"), data, ""},
		"SHA-256":              {xzOf(t, data, "--check=sha256"), data, ""},
		"CRC32":                {xzOf(t, data, "--check=crc32"), data, ""},
		"empty":                {xzOf(t, nil), nil, ""},
		"two streams":          {append(bytes.Clone(whole), whole...), append(bytes.Clone(data), data...), ""},
		"two streams, padded":  {append(append(bytes.Clone(whole), 0, 0, 0, 0), whole...), append(bytes.Clone(data), data...), ""},
		"large dictionary":     {xzOf(t, data, "--lzma2=dict=128MiB"), nil, "a dictionary of 128 MiB, and gets at most 64"},
		"huge dictionary":      {asking(t), nil, "a dictionary of 4095 MiB"},
		"huge, second stream":  {append(bytes.Clone(whole), asking(t)...), data, "a dictionary of 4095 MiB"},
		"other filters":        {xzOf(t, data, "--x86", "--lzma2"), nil, "filters beside LZMA2"},
		"cut":                  {whole[:len(whole)/2], nil, "unexpected EOF"},
		"cut in the index":     {whole[:len(whole)-14], data, "unexpected EOF"},
		"cut in a header":      {whole[:14], nil, "unexpected EOF"},
		"damaged chunk header": {replaced(whole, xzStreamHeader+int(whole[xzStreamHeader]+1)*4, 0x40), nil, "chunk header"},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			for _, reader := range []io.Reader{bytes.NewReader(test.stream), iotest.OneByteReader(bytes.NewReader(test.stream))} {
				d, _, err := openXZ(reader)
				var got bytes.Buffer
				if err == nil {
					_, err = io.Copy(&got, d)
				}
				if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
					t.Errorf("the error is %v, want %q", err, test.err)
				}
				if test.want != nil && !bytes.Equal(got.Bytes(), test.want) {
					t.Errorf("%d bytes came out, want %d", got.Len(), len(test.want))
				}
			}
		})
	}
}

func replaced(data []byte, at int, by byte) []byte {
	data = bytes.Clone(data)
	data[at] = by
	return data
}

// Whatever the guard passes on is what it read, as far as it goes.
func FuzzXZGuard(f *testing.F) {
	f.Add(xzOf(f, noisy(1000)))
	f.Add(xzOf(f, noisy(1000), "--block-size=200", "--check=none"))
	f.Add(asking(f))
	f.Add(append(xzOf(f, nil), 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := io.ReadAll(&xzGuard{r: bufio.NewReader(bytes.NewReader(data)), next: (*xzGuard).stream})
		if !bytes.HasPrefix(data, got) || err == nil && len(got) != len(data) {
			t.Errorf("%d bytes became %d, %v", len(data), len(got), err)
		}
	})
}
