package step

import "syscall"

// CallError is a system call that the kernel refused.
type CallError struct {
	Call   string // as C, with its arguments
	Errno  syscall.Errno
	Detail string // one clause of evidence, where there is any

	path string // of the file that the call was about, where it is not plain
}

func (e *CallError) Error() string {
	if e.Detail != "" {
		return e.Call + ": " + e.Errno.Error() + " (" + e.Detail + ")"
	}
	return e.Call + ": " + e.Errno.Error()
}

func (e *CallError) Unwrap() error { return e.Errno }

// failed wraps the error of a system call; nil stays nil.
func failed(c Call, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := err.(*CallError); ok {
		return known
	}
	c.Note = ""
	number, ok := err.(syscall.Errno)
	if !ok {
		return &CallError{Call: c.String(), Errno: syscall.EINVAL, Detail: err.Error()}
	}
	return &CallError{Call: c.String(), Errno: number}
}

// is tells whether err is a refused call with the given errno.
func is(err error, number syscall.Errno) bool {
	refused, ok := err.(*CallError)
	return ok && refused.Errno == number
}
