package terminal

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// heap returns the bytes that a value made by f keeps alive.
func heap(f func() any) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	v := f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(v)
	return int(after.HeapAlloc) - int(before.HeapAlloc)
}

func filled(budget int, line func(i int) string) *Screen {
	s := New(100, 24, Options{ScrollbackBytes: budget})
	for i := range 10_024 {
		s.Write([]byte(line(i) + "\r\n"))
	}
	return s
}

// TestScrollbackMemory holds what 10,000 lines of 100 columns may cost.
func TestScrollbackMemory(t *testing.T) {
	every := func(i int) string { // each cell in another colour
		var b strings.Builder
		for x := range 100 {
			fmt.Fprintf(&b, "\x1b[1;38;2;%d;%d;%d;48;2;%d;%d;%dm%c", i%256, x, i/256, x, i%256, 7, 'a'+x%26)
		}
		return b.String()
	}
	for _, c := range []struct {
		name  string
		line  func(i int) string
		limit int
	}{
		{"plain", func(int) string { return strings.Repeat("x", 100) }, 6 << 20},
		{"worst", every, 20 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s *Screen
			got := heap(func() any { s = filled(64<<20, c.line); return s })
			if lines := s.history.end() - s.history.begin(); lines < 10_000 {
				t.Errorf("%d lines kept", lines)
			}
			t.Logf("%.1f MB", float64(got)/1e6)
			if got > c.limit {
				t.Errorf("%d bytes, want at most %d", got, c.limit)
			}
		})
	}
}

// TestHostileMemory lets a program make ever new clusters, links and colours.
func TestHostileMemory(t *testing.T) {
	for _, c := range []struct {
		name string
		line func(i int) string
	}{
		{"clusters", func(i int) string {
			return strings.Repeat(fmt.Sprintf("e%c%c", 0x300+i%100, 0x300+i/100%100), 50)
		}},
		{"links", func(i int) string { return fmt.Sprintf("\x1b]8;;http://%d/%s\x1b\\x", i, strings.Repeat("y", 1500)) }},
		{"a link for each cell", func(i int) string {
			var b strings.Builder
			for x := range 100 {
				fmt.Fprintf(&b, "\x1b]8;;http://%d/%d/%s\x1b\\x", i%16, x, strings.Repeat("y", 80))
			}
			return b.String()
		}},
		{"underline colours", func(i int) string { return fmt.Sprintf("\x1b[58;2;%d;%d;7mx", i%256, i/256) }},
		{"long cluster", func(int) string { return "e" + strings.Repeat("\u0301", 300) }},
		{"titles", func(i int) string { return fmt.Sprintf("\x1b]2;%d%s\x07\x1b[22t", i, strings.Repeat("y", 4000)) }},
		{"kitty", func(i int) string { return fmt.Sprintf("\x1b[>%du", i%32) }},
		{"clipboard", func(int) string { return "\x1b]52;c;" + strings.Repeat("QUJD", 1000) + "\x07" }},
		{"endless string", func(int) string { return "\x1b]2;" + strings.Repeat("z", 1000) }},
		{"queries", func(int) string { return strings.Repeat("\x1b[c", 30) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s *Screen
			got := heap(func() any { s = filled(1<<20, c.line); return s })
			t.Logf("%.1f MB", float64(got)/1e6)
			if limit := 5 << 20; got > limit {
				t.Errorf("%d bytes, want at most %d", got, limit)
			}
			checkScreen(t, s)
		})
	}
}

func TestPlainLinesAllocateNothing(t *testing.T) {
	s := New(80, 24, Options{ScrollbackBytes: 1 << 20})
	data := bytes.Repeat([]byte("The quick brown fox jumps over the lazy dog.\r\n"), 1000)
	for range 50 {
		s.Write(data)
	}
	if n := testing.AllocsPerRun(50, func() { s.Write(data) }); n > 0 {
		t.Errorf("%v allocations for 1000 lines", n)
	}
}
