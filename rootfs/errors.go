package rootfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Error is one line, "verb object: cause", with a way out where there is one.
type Error struct {
	Verb   string // what was tried: "open", "import"
	Object string // on what, already fit to be shown
	Cause  error
	hint   string
}

func (e *Error) Error() string { return e.Verb + " " + e.Object + ": " + e.Cause.Error() }
func (e *Error) Unwrap() error { return e.Cause }

// Hint says what the user can do about it; it may be "".
func (e *Error) Hint() string { return e.hint }

func fail(verb, object string, cause error) *Error {
	// os errors repeat the call and the path, which the line has already.
	switch e := cause.(type) {
	case *fs.PathError:
		cause = e.Err
	case *os.LinkError:
		cause = e.Err
	case *os.SyscallError:
		cause = e.Err
	}
	if errors.Is(cause, context.Canceled) {
		cause = canceled{}
	}
	return &Error{Verb: verb, Object: object, Cause: cause}
}

// canceled is context.Canceled in the user's words, whatever was going on at the time.
type canceled struct{}

func (canceled) Error() string { return "canceled" }
func (canceled) Unwrap() error { return context.Canceled }

func (e *Error) withHint(format string, args ...any) *Error {
	e.hint = fmt.Sprintf(format, args...)
	return e
}

// NewError makes an error about an object that may have any name. What the cause repeats of the line is
// left out.
func NewError(verb, object string, cause error) *Error { return fail(verb, quote(object), cause) }

// WithHint adds a way out.
func (e *Error) WithHint(hint string) *Error { return e.withHint("%s", hint) }

func errText(format string, args ...any) error { return fmt.Errorf(format, args...) }
