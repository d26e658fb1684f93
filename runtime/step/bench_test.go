package step

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"aquarium/runtime/observe"
)

// BenchmarkTracing is all that a launch does for its trace, on the way to the
// program, as a part of a whole launch in the same run; medians are compared.
// There is nothing to switch off: the same events say what failed.
//
//	go test ./runtime/step -run '^$' -bench Tracing -benchtime 100x
func BenchmarkTracing(b *testing.B) {
	dir := b.TempDir()
	binary, root := filepath.Join(dir, "aquarium"), filepath.Join(dir, "bb")
	do := func(name string, args ...string) time.Duration {
		command := exec.Command(name, args...)
		command.Env = append(os.Environ(), "CGO_ENABLED=0", "AQUARIUM_HOME="+filepath.Join(dir, "home"))
		began := time.Now()
		if out, err := command.CombinedOutput(); err != nil {
			b.Fatalf("%s: %v: %s", command, err, out)
		}
		return time.Since(began)
	}
	do("go", "build", "-o", binary, "aquarium/cmd/aquarium")
	do("mkdir", "-p", root+"/bin")
	do("cp", "/bin/busybox", root+"/bin/sh")
	var launches, traces []time.Duration
	for b.Loop() {
		launches = append(launches, do(binary, "run", "--rm", root, "sh", "-c", "exit"))
		traces = append(traces, trace(b))
	}
	slices.Sort(launches)
	slices.Sort(traces)
	launch, tracing := launches[len(launches)/2], traces[len(traces)/2]
	b.ReportMetric(100*float64(tracing)/float64(launch), "%-of-launch")
	b.ReportMetric(float64(tracing.Microseconds()), "µs/trace")
}

// trace takes the time of a trace: init notes an event for each of forty steps
// and writes them once, as one message, which it would have to send without
// them, too; the supervisor reads it. (Writing the file comes after the program
// has started.)
func trace(b *testing.B) time.Duration {
	const steps = 40
	started := time.Now()
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
	return time.Since(started)
}
