package terminal

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

func newTestPane(t *testing.T, output string) *Pane {
	t.Helper()
	p := NewPane(10, 5, Options{})
	t.Cleanup(p.Close)
	p.Feed([]byte(output))
	return p
}

// text is the pane's text, trailing blanks cut, rows joined by "|".
func text(p *Pane) string {
	rows := p.Text()
	for i := range rows {
		rows[i] = strings.TrimRight(rows[i], " ")
	}
	return strings.TrimRight(strings.Join(rows, "|"), "|")
}

func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "\r\nline %d", i)
	}
	return b.String()[2:]
}

func TestRows(t *testing.T) {
	p := newTestPane(t, "a\x1b[31mb\x1b[m日\x1b]2;t\x07\x1b[5n")
	rows := p.Rows()
	if want := "a\x1b[0;31mb\x1b[m日      "; len(rows) != 5 || rows[0] != want {
		t.Errorf("rows %q, want %q first", rows, want)
	}
	for i, row := range rows {
		if w := ansi.StringWidth(row); w != 10 {
			t.Errorf("row %d is %d columns wide: %q", i, w, row)
		}
	}
	if &p.Rows()[0] != &rows[0] {
		t.Error("rows were built again without a change")
	}
	if framed, cursor, g := p.Frame(); &framed[0] != &rows[0] || cursor != p.Cursor() || g != p.Generation() {
		t.Error("the frame is another picture")
	}
	g := p.Generation()
	p.Feed([]byte("x"))
	if p.Generation() == g {
		t.Error("the generation stayed")
	}
	select {
	case <-p.Changed():
	default:
		t.Error("no signal")
	}
}

func TestLinksAreOffByDefault(t *testing.T) {
	const output = "\x1b]8;;https://example.org/\x1b\\a\x1b]8;;\x1b\\\x1b]8;;javascript:alert(1)\x1b\\b\x1b]8;;\x1b\\"
	p := newTestPane(t, output)
	if row := p.Rows()[0]; strings.Contains(row, "example") || strings.Contains(row, "]8") {
		t.Errorf("row %q", row)
	}
	p = NewPane(10, 5, Options{Links: true})
	defer p.Close()
	p.Feed([]byte(output))
	row := p.Rows()[0]
	if !strings.Contains(row, "\x1b]8;;https://example.org/\x1b\\") || strings.Contains(row, "javascript") || !strings.Contains(row, "\x1b]8;;\x1b\\") {
		t.Errorf("row %q", row)
	}
}

func TestScrolling(t *testing.T) {
	p := newTestPane(t, numbered(1, 20))
	if got, want := text(p), "line 16|line 17|line 18|line 19|line 20"; got != want {
		t.Fatalf("at the end: %q", got)
	}
	p.ScrollBy(-3)
	held := "line 13|line 14|line 15|line 16|line 17"
	if got := text(p); got != held {
		t.Errorf("3 back: %q", got)
	}
	if offset, total, below := p.ScrollInfo(); offset != 3 || total != 15 || below {
		t.Errorf("info %d %d %v", offset, total, below)
	}
	p.Feed([]byte("\r\nline 21\r\nline 22"))
	if got := text(p); got != held {
		t.Errorf("after more output: %q", got)
	}
	if offset, total, below := p.ScrollInfo(); offset != 5 || total != 17 || !below {
		t.Errorf("info %d %d %v", offset, total, below)
	}
	if p.Cursor().Visible {
		t.Error("the cursor shows in the history")
	}
	p.ScrollTo(1000)
	if got := text(p); !strings.HasPrefix(got, "line 1|") {
		t.Errorf("at the top: %q", got)
	}
	p.Resize(12, 4)
	if got := text(p); !strings.HasPrefix(got, "line 1|") {
		t.Errorf("at the top, resized: %q", got)
	}
	p.ScrollTo(0)
	if got := text(p); !strings.HasSuffix(got, "|line 22") {
		t.Errorf("following again: %q", got)
	}
	p.Feed([]byte("\x1b[?1049h"))
	p.ScrollBy(-3)
	if offset, total, _ := p.ScrollInfo(); offset != 0 || total != 0 {
		t.Errorf("alternate screen: %d of %d", offset, total)
	}
}

func TestSearch(t *testing.T) {
	p := newTestPane(t, "Needle one\r\n"+numbered(1, 20)+"\r\nneedle two is wrapped: ndl and needle three\r\nend")
	if !p.Search("needle") {
		t.Fatal("not found")
	}
	if got := text(p); !strings.Contains(got, "needle thr") && !strings.Contains(got, "needle") {
		t.Errorf("first match: %q", got)
	}
	for range 2 {
		if !p.PrevMatch() {
			t.Fatal("no further match upwards")
		}
	}
	if !strings.HasPrefix(text(p), "Needle one") {
		t.Errorf("last match upwards: %q", text(p))
	}
	if p.PrevMatch() {
		t.Error("found one more upwards")
	}
	if !strings.Contains(p.Rows()[0], "\x1b[0;1;7;4mNeedle") {
		t.Errorf("not marked: %q", p.Rows()[0])
	}
	for range 2 {
		if !p.NextMatch() {
			t.Fatal("no further match downwards")
		}
	}
	if p.NextMatch() {
		t.Error("found one more downwards")
	}
	if p.Search("Needle two") || !p.Search("Needle") {
		t.Error("capitals")
	}
	if !p.Search("wrapped: ndl") {
		t.Error("across a soft wrap")
	}
	p.ClearSearch()
	if strings.Contains(strings.Join(p.Rows(), ""), "\x1b") {
		t.Error("marked after the end of the search")
	}
	if p.Search("") || p.NextMatch() {
		t.Error("found nothing's name")
	}
}

func TestSelection(t *testing.T) {
	p := NewPane(10, 6, Options{})
	defer p.Close()
	p.Feed([]byte("first line that wraps   \r\n日本語 /usr/bin\r\nend"))
	// first line| that wrap|s|日本語 /us|r/bin|end
	for _, c := range []struct {
		name           string
		x, y, toX, toY int
		unit           SelectionUnit
		want           string
	}{
		{"cells", 1, 0, 3, 0, SelectCells, "irs"},
		{"backwards", 3, 0, 1, 0, SelectCells, "irs"},
		{"soft wrap", 6, 0, 4, 1, SelectCells, "line that"},
		{"hard newline", 0, 2, 1, 3, SelectCells, "s\n日"},
		{"half of a wide character", 1, 3, 2, 3, SelectCells, "日本"},
		{"word", 7, 0, 7, 0, SelectWords, "line"},
		{"word over a soft wrap", 8, 3, 8, 3, SelectWords, "/usr/bin"},
		{"words", 1, 0, 2, 1, SelectWords, "first line that"},
		{"line", 3, 1, 3, 1, SelectLines, "first line that wraps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.SelectStart(c.x, c.y, c.unit)
			p.SelectTo(c.toX, c.toY)
			if got := p.SelectedText(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if !strings.Contains(strings.Join(p.Rows(), ""), "\x1b[0;7m") {
				t.Error("not shown")
			}
		})
	}
	p.ClearSelection()
	if p.HasSelection() || p.SelectedText() != "" || strings.Contains(strings.Join(p.Rows(), ""), "\x1b") {
		t.Error("still selected")
	}
}

func TestSelectionStaysWhileOutputArrives(t *testing.T) {
	p := newTestPane(t, numbered(1, 7))
	p.SelectStart(0, 0, SelectCells)
	p.SelectBy(5, 0)
	p.SelectBy(0, -2)
	p.Feed([]byte("\r\n" + numbered(8, 30)))
	if got := p.SelectedText(); got != "1\nline 2\nl" {
		t.Errorf("selected %q", got)
	}
	p.Feed([]byte("\x1b[3J"))
	if got := p.SelectedText(); got != "" {
		t.Errorf("selected %q after the history was cleared", got)
	}
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// updating feeds a pane the begin of a synchronized update, and what is looked
// at was looked at before the update had lasted too long.
func updating(t *testing.T, begin string, look func(p *Pane)) *Pane {
	t.Helper()
	for start := time.Now(); time.Since(start) < patience; {
		p := newTestPane(t, "before")
		<-p.Changed()
		began := time.Now()
		p.Feed([]byte("\x1b[?2026h\x1b[H\x1b[2J" + begin))
		look(p)
		if time.Since(began) < syncTimeout {
			return p
		}
	}
	t.Fatalf("this machine does nothing within %v", syncTimeout)
	return nil
}

func TestSynchronizedOutput(t *testing.T) {
	var row string
	var synchronized bool
	p := updating(t, "half", func(p *Pane) { row, synchronized = p.Rows()[0], p.Modes().Synchronized })
	if !strings.HasPrefix(row, "before") {
		t.Errorf("during the update: %q", row)
	}
	if !synchronized {
		t.Error("mode is not reported")
	}
	p.Feed([]byte(" and half\x1b[?2026l"))
	if got := p.Rows()[0]; got != "half and h" {
		t.Errorf("after it: %q", got)
	}
}

func TestSynchronizedOutputWithoutEnd(t *testing.T) {
	var generation uint64
	p := updating(t, "stuck", func(p *Pane) {
		<-p.Changed()
		generation = p.Generation()
	})
	select {
	case <-p.Changed():
	case <-time.After(patience):
		t.Error("no signal at the end of the time")
	}
	if p.Generation() == generation {
		t.Error("the generation stayed")
	}
	if got := p.Rows()[0]; !strings.HasPrefix(got, "stuck") {
		t.Errorf("an update without end holds the picture for ever: %q", got)
	}
}

func TestRepliesNeverBlock(t *testing.T) {
	p := NewPane(10, 5, Options{})
	defer p.Close()
	release := make(chan struct{})
	var got sync.Map
	p.OnReply(func(b []byte) {
		<-release
		got.Store(string(b), true)
	})
	for range 1000 { // more than any queue holds
		p.Feed([]byte(strings.Repeat("\x1b[5n", 1000)))
	}
	close(release)
	for deadline := time.Now().Add(patience); ; {
		if _, ok := got.Load(strings.Repeat("\x1b[0n", 1000)); ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no reply")
		}
	}
}

func TestReplayAnswersNothing(t *testing.T) {
	p := NewPane(10, 5, Options{})
	defer p.Close()
	replies := make(chan string, 10)
	p.OnReply(func(b []byte) { replies <- string(b) })
	p.Replay([]byte("\x1b[c\x1b[5n"))
	p.Feed([]byte("\x1b[6n"))
	if got := <-replies; got != "\x1b[1;1R" {
		t.Errorf("reply %q", got)
	}
}

func TestTitleClipboardBells(t *testing.T) {
	p := newTestPane(t, "\x1b]0;a\x01\x9b;b\x07\x07\x07\x1b]52;c;aGk=\x07")
	if p.Title() != "a\ufffd;b" && p.Title() != "a;b" {
		t.Errorf("title %q", p.Title())
	}
	if c := p.Clipboard(); len(c) != 1 || string(c[0].Text) != "hi" || len(p.Clipboard()) != 0 {
		t.Errorf("clipboard %q", c)
	}
	if p.Bells() != 2 || p.Bells() != 0 {
		t.Error("bells")
	}
}

func TestCursor(t *testing.T) {
	p := newTestPane(t, "ab\x1b[5 q")
	if got, want := p.Cursor(), (Cursor{X: 2, Visible: true, Shape: CursorBar, Blink: true}); got != want {
		t.Errorf("cursor %+v, want %+v", got, want)
	}
	p.Feed([]byte("\x1b[?25l\x1b[4 q"))
	if got, want := p.Cursor(), (Cursor{X: 2, Shape: CursorUnderline}); got != want {
		t.Errorf("cursor %+v, want %+v", got, want)
	}
}

// TestPaneConcurrently lets everything happen at once, for the race detector.
func TestPaneConcurrently(t *testing.T) {
	p := NewPane(40, 10, Options{ScrollbackBytes: 1 << 18})
	defer p.Close()
	p.OnReply(func([]byte) {})
	var all sync.WaitGroup
	for i, f := range []func(i int){
		func(i int) { p.Feed([]byte(fmt.Sprintf("\x1b[3%dmline %d\r\n\x1b[6n", i%8, i))) },
		func(i int) { p.Rows(); p.Cursor(); p.Modes(); p.Title() },
		func(i int) { p.Resize(20+i%30, 5+i%10) },
		func(i int) {
			p.ScrollBy(-i % 5)
			p.SelectStart(i%20, 1, SelectWords)
			p.SelectTo(3, -1)
			p.SelectedText()
		},
		func(i int) { p.Search("line"); p.PrevMatch(); p.Restore(); p.ScrollTo(0) },
	} {
		all.Go(func() {
			for n := range 200 {
				f(n + i)
			}
		})
	}
	all.Wait()
	checkScreen(t, p.screen)
}
