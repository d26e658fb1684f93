package supervisor

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"aquarium/runtime/wire"
)

func text(frames []frame) string {
	var b strings.Builder
	for _, f := range frames {
		if f.kind == wire.Output {
			b.Write(f.payload)
		}
	}
	return b.String()
}

func TestHistoryReplaysWhatWasPutOut(t *testing.T) {
	h := newHistory(0, wire.Dimensions{Cols: 80, Rows: 24})
	var want strings.Builder
	buffer := make([]byte, 0, 100)
	for i := range 5000 {
		buffer = fmt.Appendf(buffer[:0], "line %d\r\n", i) // the caller reuses its buffer
		want.Write(buffer)
		h.add(wire.Output, buffer)
	}
	if got := text(h.replay()); got != want.String() {
		t.Errorf("replayed %d bytes that differ from the %d put out", len(got), want.Len())
	}
}

func TestHistoryStaysWithinItsBudget(t *testing.T) {
	for _, budget := range []int{2 * readSize, 64 << 10, 100_000, 1 << 20} {
		for _, piece := range []int{1000, 9000, readSize} {
			h := newHistory(int64(budget), wire.Dimensions{Cols: 80, Rows: 24})
			most, least := 0, budget
			for put := 0; put < 5*budget; put += piece {
				h.add(wire.Output, bytes.Repeat([]byte("x"), piece))
				if put > 2*budget {
					most, least = max(most, h.kept), min(least, h.kept)
				}
			}
			if got := len(text(h.replay())); got != h.kept {
				t.Errorf("%d bytes are replayed of the %d kept", got, h.kept)
			}
			if most > budget || least < budget/3 {
				t.Errorf("of pieces of %d bytes %d to %d are kept, want nearly %d", piece, least, most, budget)
			}
		}
	}
}

func TestHistoryKeepsTenThousandLinesByDefault(t *testing.T) {
	h := newHistory(0, wire.Dimensions{Cols: 100, Rows: 24})
	for i := range 30_000 {
		h.add(wire.Output, fmt.Appendf(nil, "%-98d\r\n", i))
	}
	if got := strings.Count(text(h.replay()), "\n"); got < 10_000 {
		t.Errorf("kept %d lines, want at least 10,000", got)
	}
}

func TestHistoryMergesSmallWrites(t *testing.T) {
	h := newHistory(0, wire.Dimensions{Cols: 80, Rows: 24})
	for range 10_000 {
		h.add(wire.Output, []byte("x"))
	}
	if got := len(h.replay()); got > 20 {
		t.Errorf("10,000 bytes became %d frames", got)
	}
}

func TestHistoryKeepsStreamsApart(t *testing.T) {
	h := newHistory(0, wire.Dimensions{})
	h.add(wire.Output, []byte("a"))
	h.add(wire.Errput, []byte("b"))
	h.add(wire.Output, []byte("c"))
	var got string
	for _, f := range h.replay()[1:] {
		got += string(f.kind) + string(f.payload)
	}
	if got != "oaEboc" {
		t.Errorf("replayed %q", got)
	}
}

// What was cut off with the beginning of the output is restored: the alternate
// screen, the hidden cursor, colours; also when the cut is inside a sequence.
func TestHistoryRestoresModesItHasLost(t *testing.T) {
	h := newHistory(2*chunkSize, wire.Dimensions{Cols: 80, Rows: 24})
	h.add(wire.Output, []byte("\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[1;31m\x1b[2;20r\x1b="))
	h.resize(wire.Dimensions{Cols: 100, Rows: 30})
	for range 400 {
		h.add(wire.Output, bytes.Repeat([]byte("y"), 1000))
	}
	frames := h.replay()
	if frames[0].kind != wire.Size || string(frames[0].payload) != `{"cols":100,"rows":30}` {
		t.Errorf("the first frame is %q %s, want the size at the cut", frames[0].kind, frames[0].payload)
	}
	head := string(frames[1].payload)
	for _, want := range []string{"\x1b[?1049h", "\x1b[?25l", "\x1b[?2004h", "\x1b[1;31m", "\x1b[2;20r", "\x1b="} {
		if !strings.Contains(head, want) {
			t.Errorf("the restored head %q lacks %q", head, want)
		}
	}
	if !h.torn() {
		t.Error("a full-screen picture that began before the cut is not torn")
	}
	h.add(wire.Output, []byte("\x1b[?1049l"))
	if h.torn() {
		t.Error("back on the main screen, the picture is still torn")
	}
}

func TestModesAcrossACut(t *testing.T) {
	var m modes
	for _, b := range []byte("\x1b[?25l\x1b]0;a title\x07\x1b[3") {
		m.feed([]byte{b})
	}
	if got := string(m.restore()); got != "\x1b[?25l\x1b[3" {
		t.Errorf("restore is %q, want the mode and the cut sequence", got)
	}
	m.feed([]byte("2m"))
	if got := string(m.restore()); got != "\x1b[?25l\x1b[32m" {
		t.Errorf("restore is %q", got)
	}
	m.feed([]byte("\x1bc"))
	if got := string(m.restore()); got != "" {
		t.Errorf("after a reset restore is %q", got)
	}
}

func FuzzModes(f *testing.F) {
	f.Add([]byte("\x1b[?1049h\x1b[1;2m\x1b]8;;x\x1b\\\x1b(0"), 3)
	f.Add([]byte("\x1b]\x1b]\x1bP\x1b["), 1)
	f.Fuzz(func(t *testing.T, output []byte, cut int) {
		var whole, parts modes
		whole.feed(output)
		cut = max(0, min(cut, len(output)))
		parts.feed(output[:cut])
		parts.feed(output[cut:])
		if len(whole.restore()) > maxSGR+maxPartial+1024 {
			t.Fatalf("restore grew to %d bytes", len(whole.restore()))
		}
		if len(output) < maxPartial && !bytes.Equal(whole.restore(), parts.restore()) {
			t.Fatalf("in one piece %q, in two %q", whole.restore(), parts.restore())
		}
	})
}
