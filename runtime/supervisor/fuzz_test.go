package supervisor

import (
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"aquarium/runtime/wire"
)

// FuzzServe has a viewer send anything to a supervisor whose launch waits: it
// is answered or hung up on, and what the supervisor keeps stays bounded.
func FuzzServe(f *testing.F) {
	frames := func(list ...string) []byte {
		var stream []byte
		for _, text := range list {
			h := wire.Header(wire.Type(text[0]), len(text)-1)
			stream = append(append(stream, h[:]...), text[1:]...)
		}
		return stream
	}
	f.Add(frames(`a{"cols":80,"rows":24,"history":true,"follow":true}`, "iecho\n", `r{"cols":-1,"rows":9999999}`, "e{}"))
	f.Add(frames(`W{}`, `n{"before":-1}`, `n{"before":99999}`, `g{"before":0}`, `g{"before":0}`, "t{}", "A{}"))
	f.Add(frames(`k{"number":-9}`, `k{"number":15}`, `s{"signal":999,"grace":-1}`, "p{}", "u{}", `c{"number":7}`))
	f.Add(frames(`x{"argv":[]}`, `x{"argv":["sh"],"user":"\u0000"}`, "x", `a{"lossless":true}`, `a{"follow":true}`))
	f.Add(frames("v{}"))
	f.Add([]byte("o\xff\xff\xff\xffabc"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		s := &supervisor{answers: make(chan answer, 1), watchers: make(map[*viewer]bool), asking: make(map[*viewer]bool), before: &wire.StepReport{Before: 0}}
		s.changed = sync.NewCond(&s.mu)
		s.boot.Plan.Stepped = true // an exec is refused then, and does not wait
		s.session = newSession(0, wire.Dimensions{Cols: 80, Rows: 24})
		s.session.decided = make(chan struct{})
		ours, theirs, err := wire.Pair()
		if err != nil {
			t.Fatal(err)
		}
		defer ours.Close()
		var answers sync.WaitGroup
		answers.Go(func() { io.Copy(io.Discard, ours) })
		v := newViewer(theirs)
		v.creator = true
		served := make(chan struct{})
		go func() {
			s.serve(v)
			close(served)
		}()
		early := len(stream) // more than maxEarly of it would wait for a terminal
		ours.Write(stream[:min(early, maxEarly)])
		wire.CloseWrite(ours)
		<-served
		v.waitEnd()
		answers.Wait()
		if len(s.watchers) > 0 || len(s.session.viewers) > 0 || len(s.session.early) > maxEarly {
			t.Errorf("left are %d watchers, %d viewers and %d bytes of input", len(s.watchers), len(s.session.viewers), len(s.session.early))
		}
	})
}

// FuzzStartTime has the process call itself anything: it is the same one
// nevertheless.
func FuzzStartTime(f *testing.F) {
	want, err := StartTime(os.Getpid())
	if err != nil {
		f.Fatal(err)
	}
	own, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		f.Fatal(err)
	}
	defer os.WriteFile("/proc/self/comm", own, 0)
	for _, name := range []string{") S 1 1 1 1 1", "a) Z 1", "\n", "((", ")))", " ) ) "} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if strings.TrimSpace(name) == "" || os.WriteFile("/proc/self/comm", []byte(name), 0) != nil {
			return
		}
		if got, err := StartTime(os.Getpid()); err != nil || got != want {
			t.Errorf("called %q, it started at %d, %v; want %d", name, got, err, want)
		}
	})
}
