package rootfs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/unpack"
	"aquarium/runtime/userns"
)

// An ordinary user with subordinate ids keeps files of other owners than oneself: those of images,
// and what other users of a sandbox have written. Only the root of a user namespace with these ids
// may make, read and remove all of them. So that is done apart, by a process of this program in such
// a namespace:
//
//	this process                                apart
//	    │ ── order, one JSON document ───────────▶ │ on descriptor 3
//	    │ ── archive ────────────────────────────▶ │ on descriptor 0
//	    │ ◀─────────────────────────── archive ─── │ on descriptor 1
//	    │ ◀─ inodes made so far, now and then ──── │ on descriptor 4
//	    │ ◀─ outcome, one JSON document ────────── │ on descriptor 4
const (
	apartOrder   = 3
	apartOutcome = 4
)

// apartName is argv[0] of that process.
const apartName = "aquarium-rootfs"

// order is what to do apart.
type order struct {
	Task string          `json:"task"`
	Args json.RawMessage `json:"args"`
}

// outcome is what came of it; or, with Made, what came of it so far.
type outcome struct {
	Made   int             `json:"made,omitempty"` // inodes since the last time
	Result json.RawMessage `json:"result,omitempty"`
	Error  *apartError     `json:"error,omitempty"`
}

// apartError is an error that happened apart, and what others want to know of it.
type apartError struct {
	Text    string        `json:"text"`
	Errno   syscall.Errno `json:"errno,omitempty"`
	TooMuch bool          `json:"tooMuch,omitempty"`
	CutOff  bool          `json:"cutOff,omitempty"`
}

func (e *apartError) Error() string { return e.Text }

func (e *apartError) Is(target error) bool {
	return e.TooMuch && target == unpack.ErrTooMuch || e.CutOff && target == unpack.ErrCutOff || e.Errno != 0 && errors.Is(e.Errno, target)
}

// init takes over in a process that was started to work apart. It is done here, so that every
// program that can start one can be one, tests among them.
func init() {
	if os.Args[0] == apartName {
		workApart()
		os.Exit(0)
	}
}

func workApart() {
	var o order
	var done outcome
	told := json.NewEncoder(os.NewFile(apartOutcome, "outcome"))
	err := json.NewDecoder(os.NewFile(apartOrder, "order")).Decode(&o)
	var result any
	if err == nil {
		result, err = worker{told}.perform(context.Background(), o)
	}
	if err == nil {
		done.Result, err = json.Marshal(result)
	}
	if err != nil {
		done.Error = &apartError{Text: err.Error(), TooMuch: errors.Is(err, unpack.ErrTooMuch), CutOff: errors.Is(err, unpack.ErrCutOff)}
		errors.As(err, &done.Error.Errno)
	}
	if told.Encode(done) != nil {
		os.Exit(1)
	}
}

// apart is a piece of work for another process.
type apart struct {
	task string
	args any
	in   io.Reader              // archive to read; may be nil
	out  io.Writer              // for the archive that it writes; may be nil
	made func(inodes int) error // is told of what it makes; its error ends the work; may be nil
}

// do has the work done in a user namespace with these ids. result is filled in; it may be nil.
func (a apart) do(ctx context.Context, ids userns.Map, result any) error {
	args, err := json.Marshal(a.args)
	if err != nil {
		return err
	}
	p, err := a.start(ids)
	if err != nil {
		return fmt.Errorf("start a process with subordinate ids: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { p.process.Kill() })
	defer stop()
	orderErr := json.NewEncoder(p.order).Encode(order{a.task, args})
	p.order.Close()
	done, refused, outcomeErr := a.await(p.outcome)
	p.outcome.Close()
	p.process.Kill() // an archive that it does not read must not keep the one who writes
	state, waitErr := p.process.Wait()
	inErr, outErr := <-p.in, <-p.out
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case refused != nil:
		return refused
	case inErr != nil:
		return inErr
	case outErr != nil:
		return outErr
	case done.Error != nil:
		return done.Error
	case outcomeErr != nil || orderErr != nil || waitErr != nil:
		return fmt.Errorf("the process with subordinate ids ended without a word: %v", state)
	case result == nil:
		return nil
	}
	return json.Unmarshal(done.Result, result)
}

// await reads how the work goes on, until it is done or refused.
func (a apart) await(from io.Reader) (done outcome, refused, err error) {
	documents := json.NewDecoder(from)
	for {
		done = outcome{}
		if err := documents.Decode(&done); err != nil || done.Made == 0 || a.made == nil {
			return done, nil, err
		}
		if refused := a.made(done.Made); refused != nil {
			return done, refused, nil
		}
	}
}

// running is a process at work apart, and what goes between it and this one.
type running struct {
	process        *os.Process
	order, outcome *os.File
	in, out        <-chan error // what came of passing on the archives
}

func (a apart) start(ids userns.Map) (running, error) {
	var theirs, ours []*os.File
	defer func() { closeFiles(theirs) }()
	pipe := func(toThem bool) (*os.File, error) {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		if !toThem {
			r, w = w, r
		}
		theirs, ours = append(theirs, r), append(ours, w)
		return w, nil
	}
	var errs []error
	var ends []*os.File
	for _, toThem := range []bool{true, false, true, false} { // 0, 1, 3 and 4
		end, err := pipe(toThem)
		ends, errs = append(ends, end), append(errs, err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err := errors.Join(append(errs, err)...); err != nil {
		closeFiles(ours)
		return running{}, err
	}
	theirs = append(theirs, null)
	process, err := ids.Start(userns.Command{
		Path: "/proc/self/exe", Argv: []string{apartName}, Env: []string{"LC_ALL=C"},
		Files: []*os.File{theirs[0], theirs[1], null, theirs[2], theirs[3]}, Flags: syscall.CLONE_NEWUSER,
	})
	if err != nil {
		closeFiles(ours)
		return running{}, err
	}
	return running{process: process, order: ends[2], outcome: ends[3], in: passIn(ends[0], a.in), out: passOut(a.out, ends[1])}, nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// passIn writes an archive to a pipe. That the other end reads no more is no error here: it says
// itself why.
func passIn(to *os.File, archive io.Reader) <-chan error {
	done := make(chan error, 1)
	go func() {
		defer to.Close()
		if archive == nil {
			done <- nil
			return
		}
		_, err := io.Copy(to, archive)
		if errors.Is(err, unix.EPIPE) {
			err = nil
		}
		done <- err
	}()
	return done
}

// passOut reads an archive from a pipe.
func passOut(to io.Writer, from *os.File) <-chan error {
	done := make(chan error, 1)
	if to == nil {
		to = io.Discard
	}
	go func() {
		defer from.Close()
		_, err := io.Copy(to, from)
		done <- err
	}()
	return done
}
