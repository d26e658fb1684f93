package wire

import (
	"bytes"
	"io"
	"testing"
)

func TestReadReturnsWhatWriteSent(t *testing.T) {
	var stream bytes.Buffer
	for _, payload := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("ab"), 100_000)} {
		if err := Write(&stream, Output, payload); err != nil {
			t.Fatal(err)
		}
		kind, got, err := Read(&stream)
		if err != nil || kind != Output || !bytes.Equal(got, payload) {
			t.Errorf("read %q, %d bytes, %v; want %q, %d bytes", kind, len(got), err, Output, len(payload))
		}
	}
	if _, _, err := Read(&stream); err != io.EOF {
		t.Errorf("read at the end: %v, want EOF", err)
	}
}

func TestReadRefusesAnOversizedFrame(t *testing.T) {
	h := Header(Input, MaxPayload+1)
	if _, _, err := Read(bytes.NewReader(h[:])); err == nil {
		t.Error("a frame larger than MaxPayload was read")
	}
}

func TestReadReportsACutFrame(t *testing.T) {
	h := Header(Input, 10)
	if _, _, err := Read(bytes.NewReader(append(h[:], "abc"...))); err != io.ErrUnexpectedEOF {
		t.Errorf("read: %v, want unexpected EOF", err)
	}
}

func FuzzRead(f *testing.F) {
	h := Header(Output, 3)
	f.Add(append(h[:], "abc"...))
	f.Add([]byte{'o', 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bytes.NewReader(stream)
		for {
			kind, payload, err := Read(r)
			if err != nil {
				return
			}
			var again bytes.Buffer
			if Write(&again, kind, payload); !bytes.Contains(stream, again.Bytes()) {
				t.Fatalf("frame %q does not encode as it was read", kind)
			}
		}
	})
}
