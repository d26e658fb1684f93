package terminal

import (
	"fmt"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// BenchmarkBareParser is the parser of charmbracelet/x/ansi doing nothing with
// what it finds. Alone it takes about as long as parser and screen together
// take here (BenchmarkThroughput), which is why this package has its own.
func BenchmarkBareParser(b *testing.B) {
	for _, w := range workloads {
		b.Run(w.name, func(b *testing.B) {
			data := w.make(80, 24, 1<<20)
			p := ansi.NewParser()
			p.SetParamsSize(maxParams)
			p.SetDataSize(maxStringBytes)
			p.SetHandler(ansi.Handler{
				Print:     func(rune) {},
				Execute:   func(byte) {},
				HandleCsi: func(ansi.Cmd, ansi.Params) {},
				HandleEsc: func(ansi.Cmd) {},
			})
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				for _, c := range data {
					p.Advance(c)
				}
			}
		})
	}
}

// BenchmarkRows is what a frame costs: nothing changed, one row changed, all did.
func BenchmarkRows(b *testing.B) {
	for _, size := range sizes {
		pane := NewPane(size.cols, size.rows, Options{})
		defer pane.Close()
		pane.Feed(denseColour(size.cols, size.rows, 1<<18))
		for _, c := range []struct {
			name   string
			change func(i int)
		}{
			{"same", func(int) {}},
			{"one row", func(i int) { pane.Feed([]byte{'\r', 'a' + byte(i%26)}) }},
			{"all rows", func(int) { pane.Feed([]byte("\x1b[?5h\x1b[?5l")) }},
		} {
			b.Run(fmt.Sprintf("%s/%dx%d", c.name, size.cols, size.rows), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					c.change(i)
					pane.Rows()
				}
			})
		}
	}
}
