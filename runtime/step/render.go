package step

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

// CallError is a system call that the kernel refused.
type CallError struct {
	Call   string // as C, with its arguments
	Errno  syscall.Errno
	Detail string // one clause of evidence, where there is any
}

func (e *CallError) Error() string {
	if e.Detail != "" {
		return e.Call + ": " + e.Errno.Error() + " (" + e.Detail + ")"
	}
	return e.Call + ": " + e.Errno.Error()
}

func (e *CallError) Unwrap() error { return e.Errno }

func errno(n int) syscall.Errno { return syscall.Errno(n) }

// failed wraps the error of a system call; nil stays nil.
func failed(call string, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := err.(*CallError); ok {
		return known
	}
	number, ok := err.(syscall.Errno)
	if !ok {
		return &CallError{Call: call, Errno: syscall.EINVAL, Detail: err.Error()}
	}
	return &CallError{Call: call, Errno: number}
}

// raw is an argument rendered as it stands: a constant or an expression.
type raw string

const null = raw("NULL")

// text renders a string argument; the empty string is NULL, as in most calls
// that take an optional one.
func text(s string) any {
	if s == "" {
		return null
	}
	return s
}

// call renders a C function call. Strings are quoted, numbers plain.
func call(name string, args ...any) string {
	parts := make([]string, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			parts[i] = strconv.Quote(arg)
		default:
			parts[i] = fmt.Sprint(arg)
		}
	}
	return name + "(" + strings.Join(parts, ", ") + ")"
}

// vector renders an argument list such as execve's.
func vector(args []string) raw {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = strconv.Quote(arg)
	}
	return raw("[" + strings.Join(quoted, ", ") + "]")
}

// flag is one bit of a flag word and its name in the C headers.
type flag struct {
	bit  uintptr
	name string
}

// names renders a flag word as "A|B", unknown bits in hexadecimal, 0 as "0".
func names(table []flag, word uintptr) raw {
	var set []string
	for _, f := range table {
		if word&f.bit == f.bit {
			set = append(set, f.name)
			word &^= f.bit
		}
	}
	if word != 0 {
		set = append(set, "0x"+strconv.FormatUint(uint64(word), 16))
	}
	if len(set) == 0 {
		return "0"
	}
	return raw(strings.Join(set, "|"))
}
