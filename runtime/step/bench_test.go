package step

import (
	"encoding/json"
	"testing"
	"time"

	"aquarium/runtime/observe"
)

// BenchmarkTracing is all that a launch does for its trace, on the way to the
// program: init notes an event for each of forty steps and writes them once,
// as one message, which it would have to send without them, too; the
// supervisor reads it. (Writing the file comes after the program has started.)
// There is nothing to switch off: a launch takes milliseconds, this a hundredth
// of that, and the same events say what failed.
func BenchmarkTracing(b *testing.B) {
	const steps = 40
	for b.Loop() {
		var w World
		events := make([]Event, 0, steps)
		for seq := range steps {
			began := time.Now()
			if seq == steps-1 {
				w.changed = append(w.changed, observe.Change{Kind: "user", After: "0"})
			}
			events = append(events, w.event(seq, nil, time.Since(began)))
		}
		message, err := json.Marshal(report{Events: events})
		if err != nil {
			b.Fatal(err)
		}
		if r, _, ok := firstReport(message); !ok || len(r.Events) != steps {
			b.Fatal("the report is not whole")
		}
	}
}
