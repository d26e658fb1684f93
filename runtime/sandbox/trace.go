package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aquarium/rootfs"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// Trace is the launch of a sandbox, or of one of that name that failed: such
// a sandbox is gone, but its trace is kept for a while.
func (s *Store) Trace(ref string) (step.Trace, error) {
	sb, err := s.Find(ref)
	if err == nil {
		return sb.Trace()
	}
	if spec.CheckName(ref) != nil {
		return step.Trace{}, err
	}
	t, missing := ReadTrace(supervisor.FailedTrace(s.failed(), ref))
	if errors.Is(missing, fs.ErrNotExist) {
		return t, err
	}
	return t, missing
}

// FailedLaunches are the names whose last launch failed and whose trace is
// kept.
func (s *Store) FailedLaunches() []string {
	entries, _ := os.ReadDir(s.failed()) // there is none before the first failure
	var names []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".json"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Trace is the sandbox's launch: from its bundle, or from its supervisor while
// the launch is under way.
func (sb Sandbox) Trace() (step.Trace, error) {
	t, err := ReadTrace(filepath.Join(sb.Bundle, supervisor.TraceName))
	if !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	if sb.Status == supervisor.Stopped {
		return t, &Error{"trace " + sb.Name, errors.New("it was not kept: its supervisor was killed, or the disk was full"), ""}
	}
	conn, err := sb.Dial()
	if err != nil {
		return t, err
	}
	defer conn.Close()
	if err := conn.Trace(); err != nil {
		return t, &Error{"trace " + sb.Name, err, ""}
	}
	for {
		kind, payload, err := conn.Next()
		if err != nil {
			return t, &Error{"trace " + sb.Name, err, ""}
		}
		if kind == wire.Traced {
			return t, wrap("trace "+sb.Name, json.Unmarshal(payload, &t))
		}
	}
}

// ReadTrace reads the file of a trace, which anyone may have written. An
// error that there is none is fs.ErrNotExist.
func ReadTrace(path string) (step.Trace, error) {
	file, err := os.Open(path)
	if err != nil {
		return step.Trace{}, wrap("read trace "+rootfs.Visible(path), pathCause(err))
	}
	defer file.Close()
	return ReadTraceFrom(file, path)
}

// ReadTraceFrom is ReadTrace from what is open already; name is for errors.
func ReadTraceFrom(r io.Reader, name string) (step.Trace, error) {
	t, err := step.ReadTrace(r)
	if err != nil {
		err = &Error{"read trace " + rootfs.Visible(name), pathCause(err), "`aquarium trace SANDBOX --export FILE` writes one"}
	}
	return t, err
}

// pathCause is an error without the path, which the line has already.
func pathCause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// WriteTrace writes a trace to a file that stands for itself, without the
// values of the environment. An existing file is replaced.
func WriteTrace(path string, t step.Trace) error {
	document, err := exported(t)
	if err == nil {
		err = os.WriteFile(path, document, 0o644)
	}
	return wrap("write trace "+rootfs.Visible(path), pathCause(err))
}

// WriteTraceTo is WriteTrace to what is open already.
func WriteTraceTo(w io.Writer, t step.Trace) error {
	document, err := exported(t)
	if err == nil {
		_, err = w.Write(document)
	}
	return wrap("write trace", pathCause(err))
}

func exported(t step.Trace) ([]byte, error) {
	t, err := t.Redact()
	if err != nil {
		return nil, err
	}
	document, err := json.MarshalIndent(t, "", "\t")
	return append(document, '\n'), err
}
