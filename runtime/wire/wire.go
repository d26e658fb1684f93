// Package wire is the protocol between a supervisor and its viewers: framed
// messages on a unix socket, and the same frames in a saved output file.
//
//	viewer                                   supervisor
//	   │ ── Attach ─────────────────────────────▶ │
//	   │ ◀─ Size, Output, Errput … ───────────── │  the history, as it was
//	   │ ◀─ Live ──────────────────────────────── │  from here on as it happens
//	   │ ◀─ Output, Errput, Size ─────────────── │
//	   │ ── Input, EndOfInput, Resize ──────────▶ │
//	   │ ── Signal, Stop, Pause, Unpause ───────▶ │
//	   │ ◀─ Skipped ───────────────────────────── │  the viewer was too slow
//	   │ ◀─ Exit ──────────────────────────────── │  and the end of the stream
//
// A stepped launch is led by whoever watches it, at first its creator:
//
//	│ ── Watch ──────────────────────────────▶ │
//	│ ◀─ Before ───────────────────────────── │  the launch stands before a step
//	│ ── GoOn, Skip or Abort ────────────────▶ │
//	│ ◀─ Before … or Started ──────────────── │  and then Attach, as above
//
// A frame is one byte of type, four bytes of length (big endian) and the
// payload: raw bytes for Input, Output and Errput, JSON for the rest.
package wire

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"aquarium/runtime/observe"
	"aquarium/runtime/step"
)

// Type says what a frame carries.
type Type byte

// Frames from a viewer.
const (
	Prepare    Type = 'P' // the creator's first frame: supervisor.Preparation
	Boot       Type = 'B' // and its second: supervisor.Boot
	Attach     Type = 'a' // AttachRequest
	Input      Type = 'i' // bytes for the program
	EndOfInput Type = 'e' // close the program's standard input
	Resize     Type = 'r' // Dimensions
	Signal     Type = 'k' // SignalRequest
	Stop       Type = 's' // StopRequest
	Pause      Type = 'p' // freeze all processes of the sandbox
	Unpause    Type = 'u' // and let them run on
	Watch      Type = 'W' // stepped launch: tell of each step, and of the start
	GoOn       Type = 'g' // StepRequest: do the step
	Skip       Type = 'n' // StepRequest: leave the step out
	Abort      Type = 'A' // end a stepped launch and undo it
	Trace      Type = 't' // ask for the launch's trace
	Save       Type = 'v' // write the running state anew
	CloseOut   Type = 'c' // CloseRequest: nobody reads that output any more
	Exec       Type = 'x' // ExecRequest: one more program; the connection becomes its viewer
)

// Frames from a supervisor.
const (
	Started Type = 'S' // StartedReport: the program runs (or, for Boot, why it does not)
	Output  Type = 'o' // standard output, or the terminal
	Errput  Type = 'E' // standard error, where there is no terminal
	Size    Type = 'w' // Dimensions of the terminal from here on
	Live    Type = 'l' // the history ends here
	Skipped Type = 'z' // output was left out because the viewer was too slow; what follows, up to Live, is the latest history
	Before  Type = 'b' // StepReport: a stepped launch waits
	Exit    Type = 'q' // ExitReport: the last frame
	Traced  Type = 'T' // step.Trace, as asked for
	Done    Type = 'd' // a request was carried out; ErrorReport when it was not
)

// Dimensions is a terminal's size in character cells.
type Dimensions struct {
	Cols int `json:"cols"`
	Rows int `json:"rows"`
}

// AttachRequest asks for a sandbox's output.
type AttachRequest struct {
	Dimensions      // of the viewer's terminal; zero leaves the sandbox's as it is
	History    bool `json:"history"`  // replay what was kept
	Follow     bool `json:"follow"`   // then stay for what comes
	Lossless   bool `json:"lossless"` // pipes only: rather slow the program down than lose output
}

// SignalRequest sends a signal to the sandbox's first process.
type SignalRequest struct {
	Number int `json:"number"`
}

// CloseRequest closes the pipe that the program writes to: it then sees EPIPE,
// as in a pipeline whose reader has gone.
type CloseRequest struct {
	Number int `json:"number"` // 1 is standard output, 2 standard error
}

// StopRequest asks the program to end, and kills it when it has not by then.
type StopRequest struct {
	Signal int `json:"signal"` // 0 is SIGTERM
	Grace  int `json:"grace"`  // milliseconds
}

// ExecRequest runs one more program in all of the sandbox's namespaces.
type ExecRequest struct {
	Dimensions
	Argv    []string `json:"argv"`
	Env     []string `json:"env"`
	User    string   `json:"user,omitempty"`
	Workdir string   `json:"workdir,omitempty"`
	TTY     bool     `json:"tty"`
	Stdin   bool     `json:"stdin"`
}

// StartedReport says that a program runs, or why it does not.
type StartedReport struct {
	PID   int    `json:"pid"` // as the host numbers it
	Error string `json:"error,omitempty"`
	Code  int    `json:"code,omitempty"` // exit status that goes with Error: 125, 126 or 127
	Errno int    `json:"errno,omitempty"`
	Call  string `json:"call,omitempty"` // the refused system call, as C

	Detail  string          `json:"detail,omitempty"`  // why, from evidence
	Aborted bool            `json:"aborted,omitempty"` // a stepped launch was ended on purpose
	Trace   json.RawMessage `json:"trace,omitempty"`   // step.Trace of a launch that failed
}

// StepReport says that a stepped launch waits before a step.
type StepReport struct {
	Before int `json:"before"` // index into the plan
	PID    int `json:"pid"`    // init, as the host numbers it; 0 before the clone

	Outer  int            `json:"outer,omitempty"`  // thread of the supervisor in the outer mount namespace, 0 for none
	State  *observe.State `json:"state,omitempty"`  // what the kernel knows of init now; of the supervisor before the clone
	Events []step.Event   `json:"events,omitempty"` // what came of the steps so far
}

// StepRequest answers a StepReport. One that is not about the step at hand is
// an answer that came late, and does nothing.
type StepRequest struct {
	Before int `json:"before"`
}

// ExitReport says how a program ended.
type ExitReport struct {
	Code   int    `json:"code"`             // 0…255; 128+N for signal N
	Signal int    `json:"signal,omitempty"` // 0 when it exited by itself
	Reason string `json:"reason,omitempty"` // in words, when neither says enough
}

// ErrorReport answers a request; Error is "" when it was carried out.
type ErrorReport struct {
	Error string `json:"error,omitempty"`
}

// MaxPayload bounds a frame: a peer that announces more is broken or hostile.
const MaxPayload = 16 << 20

// HeaderSize is the length of a frame's header in bytes.
const HeaderSize = 5

// Header returns the header of a frame with a payload of n bytes.
func Header(t Type, n int) [HeaderSize]byte {
	h := [HeaderSize]byte{byte(t)}
	binary.BigEndian.PutUint32(h[1:], uint32(n))
	return h
}

// Write sends one frame in a single write.
func Write(w io.Writer, t Type, payload []byte) error {
	h := Header(t, len(payload))
	_, err := w.Write(append(h[:], payload...))
	return err
}

// WriteJSON sends one frame with v as its payload.
func WriteJSON(w io.Writer, t Type, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return Write(w, t, payload)
}

// Read receives one frame. At the end of the stream err is io.EOF; a frame
// cut short is io.ErrUnexpectedEOF.
func Read(r io.Reader) (Type, []byte, error) {
	var h [HeaderSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(h[1:])
	if n > MaxPayload {
		return 0, nil, fmt.Errorf("read frame %q: %d bytes, at most %d are allowed", h[0], n, MaxPayload)
	}
	payload, err := readPayload(r, int(n))
	return Type(h[0]), payload, err
}

// readPayload reads n bytes. The buffer grows with what arrives, so that an
// announced length alone costs no memory.
func readPayload(r io.Reader, n int) ([]byte, error) {
	const step = 64 << 10
	payload := make([]byte, 0, min(n, step))
	for len(payload) < n {
		from := len(payload)
		payload = append(payload, make([]byte, min(n-from, step))...)
		if _, err := io.ReadFull(r, payload[from:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return payload, nil
}
