package step

import (
	"fmt"
	"strconv"
	"strings"
)

// Call is a system call as a C programmer would write it.
type Call struct {
	Name string
	Args []any  // string for a C string, []string for a vector of them, numbers, and expressions
	Note string // when it is made, or for what, in a few words; "" where that is plain
}

// call makes a Call. Strings are quoted when it is rendered, raw ones are not.
func call(name string, args ...any) Call { return Call{Name: name, Args: args} }

// when is c with a note.
func (c Call) when(note string) Call {
	c.Note = note
	return c
}

// String renders the call, the note as a comment.
func (c Call) String() string {
	args := make([]string, len(c.Args))
	for i, arg := range c.Args {
		args[i] = render(arg)
	}
	text := c.Name + "(" + strings.Join(args, ", ") + ")"
	if c.Note != "" {
		text += "  /* " + visible(c.Note) + " */"
	}
	return text
}

func render(arg any) string {
	switch arg := arg.(type) {
	case string:
		return strconv.Quote(arg)
	case []string:
		quoted := make([]string, len(arg))
		for i, s := range arg {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return fmt.Sprint(arg)
}

// arguments are the call's for JSON: strings without C's quotes, NULL as null.
func (c Call) arguments() []any {
	out := make([]any, len(c.Args))
	for i, arg := range c.Args {
		switch arg := arg.(type) {
		case raw:
			if arg != null {
				out[i] = string(arg)
			}
		default:
			out[i] = arg
		}
	}
	return out
}

// raw is an argument rendered as it stands: a constant or an expression.
type raw string

const null = raw("NULL")

// text is a string argument; the empty string is NULL, as in most calls that
// take an optional one.
func text(s string) any {
	if s == "" {
		return null
	}
	return s
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
