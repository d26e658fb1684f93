package supervisor

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"aquarium/runtime/step"
	"aquarium/runtime/wire"
)

// maxFailed is how many traces of failed launches are kept.
const maxFailed = 20

// traced is the launch as far as it has come.
func (s *supervisor) traced() step.Trace {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trace
	t.Version = step.TraceVersion
	t.Name, t.Steps, t.Kernel, t.Weaker = s.boot.State.Name, s.boot.Plan.Steps, kernelRelease(), s.boot.State.Weaker
	return t
}

// ended is the whole launch, once no step is under way any more.
func (s *supervisor) ended() step.Trace {
	s.mu.Lock()
	if s.launch != nil {
		s.trace.Events = s.launch.Events
		if s.launch.Process != nil {
			s.trace.PID = s.launch.Process.Pid
		}
	}
	s.mu.Unlock()
	return s.traced()
}

// keepTrace writes the trace beside the running program; the channel is
// closed when that is done. A sandbox that will be deleted keeps it in memory.
func (s *supervisor) keepTrace(t step.Trace) <-chan struct{} {
	written := make(chan struct{})
	go func() {
		defer close(written)
		if s.boot.State.Remove {
			return
		}
		if document, err := json.Marshal(t); err == nil {
			WriteFile(s.boot.State.Bundle+"/"+TraceName, document)
		}
	}()
	return written
}

// keepFailed writes the trace of a launch that failed where it outlives the
// sandbox, and returns it. A full disk costs the file, not the error.
func (s *supervisor) keepFailed() json.RawMessage {
	document, err := json.Marshal(s.ended())
	if err != nil || s.boot.Failed == "" {
		return document
	}
	// Written in the bundle, which goes, so that half of it is never left.
	whole := s.boot.State.Bundle + "/" + TraceName
	if os.MkdirAll(s.boot.Failed, 0o700) == nil && os.WriteFile(whole, document, 0o600) == nil &&
		os.Rename(whole, FailedTrace(s.boot.Failed, s.boot.State.Name)) == nil {
		prune(s.boot.Failed)
	}
	return document
}

// FailedTrace is the file that keeps the trace of a failed launch.
func FailedTrace(dir, name string) string { return dir + "/" + name + ".json" }

// prune deletes all but the latest traces.
func prune(dir string) {
	entries, _ := os.ReadDir(dir) // what cannot be read stays
	type file struct {
		name    string
		written time.Time
	}
	var files []file
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			files = append(files, file{entry.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return b.written.Compare(a.written) })
	for _, f := range files[min(maxFailed, len(files)):] {
		os.Remove(dir + "/" + f.name)
	}
}

func (s *supervisor) sendTrace(v *viewer) error {
	v.send(wire.Traced, s.traced())
	return nil
}

// kernelRelease is uname(2)'s release and machine.
func kernelRelease() string {
	var uts syscall.Utsname
	if syscall.Uname(&uts) != nil {
		return ""
	}
	return field(uts.Release[:]) + " " + field(uts.Machine[:])
}

// field is a C string of struct utsname.
func field[T int8 | uint8](chars []T) string {
	var out strings.Builder
	for _, c := range chars {
		if c == 0 {
			break
		}
		out.WriteByte(byte(c))
	}
	return out.String()
}
