package terminal

import (
	"bytes"
	"fmt"
	"testing"
)

func benchmark(b *testing.B, data []byte) {
	s := New(80, 24, Options{})
	s.Write(data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		s.Write(data)
	}
}

func BenchmarkYes(b *testing.B) { benchmark(b, bytes.Repeat([]byte("y\r\n"), 10000)) }
func BenchmarkPlain(b *testing.B) {
	benchmark(b, bytes.Repeat([]byte("The quick brown fox jumps over the lazy dog, 0123456789 times.\r\n"), 1000))
}
func BenchmarkColour(b *testing.B) {
	var buf bytes.Buffer
	for i := range 5000 {
		fmt.Fprintf(&buf, "\x1b[38;5;%dm%c\x1b[48;2;%d;%d;%dm#", i%256, 'a'+i%26, i%256, i/3%256, i/7%256)
		if i%40 == 39 {
			buf.WriteString("\x1b[0m\r\n")
		}
	}
	benchmark(b, buf.Bytes())
}
func BenchmarkCJK(b *testing.B) {
	benchmark(b, bytes.Repeat([]byte("漢字かな交じり文 👩‍👩‍👧 mixed 🎉 text é ё\r\n"), 1000))
}
func BenchmarkCursor(b *testing.B) {
	var buf bytes.Buffer
	for i := range 5000 {
		fmt.Fprintf(&buf, "\x1b[%d;%dHx%d", i*7%24+1, i*13%80+1, i%10)
	}
	benchmark(b, buf.Bytes())
}
