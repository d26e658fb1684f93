package terminal

import (
	"io"
	"os"
	"slices"
	"testing"
)

// typist types into a Passthrough, and reads from it.
type typist struct {
	*Passthrough
	t   *testing.T
	out *os.File
}

func newTypist(t *testing.T, prefix byte) typist {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		out.Close()
	})
	return typist{NewPassthrough(in, prefix), t, out}
}

// types types, reads once, and returns what came for the UI.
func (k typist) types(keys string) string {
	k.t.Helper()
	if _, err := io.WriteString(k.out, keys); err != nil {
		k.t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := k.Read(buf)
	if err != nil {
		k.t.Fatal(err)
	}
	return string(buf[:n])
}

// attach reads once, which is nothing, so that the next time is the new target's.
func (k typist) attach(target Target) {
	k.t.Helper()
	k.Attach(target)
	if got := k.types(""); got != "" {
		k.t.Errorf("%q was read before the target has begun", got)
	}
}

// TestPassthroughBegins: nothing is read for a new target before what was read
// earlier has been dealt with.
func TestPassthroughBegins(t *testing.T) {
	k, r, other := newTypist(t, 0), &recorder{}, &recorder{prefixed: true}
	types := func(keys, want string, begun, otherBegun int) {
		t.Helper()
		if ui := k.types(keys); ui != want {
			t.Errorf("for the UI %q, want %q", ui, want)
		}
		if r.begun != begun || other.begun != otherBegun {
			t.Errorf("begun %d and %d times, want %d and %d", r.begun, other.begun, begun, otherBegun)
		}
	}
	types("a", "a", 0, 0)
	k.Attach(r)
	types("b", "", 0, 0)
	if r.input.Len() > 0 {
		t.Errorf("%q came before it had begun", r.input.String())
	}
	types("", "", 1, 0)
	types("c", "", 1, 0)
	k.Attach(other) // the prefix key was read before
	types("de", "", 1, 0)
	types("", "e", 1, 1)
	if r.input.String() != "bc" || other.input.String() != "" || !slices.Equal(other.commands, []Command{CommandDetach}) {
		t.Errorf("got %q and %q with the commands %v", r.input.String(), other.input.String(), other.commands)
	}
}

// TestPassthroughPasteBeforeTheTarget: a paste that has begun for the UI ends
// there, wherever it was cut in two.
func TestPassthroughPasteBeforeTheTarget(t *testing.T) {
	const pasted, after = pasteBegin + "a\x1b[200x" + pasteEnd, "b"
	for cut := 1; cut <= len(pasted); cut++ {
		k, r := newTypist(t, 0), &recorder{}
		ui := k.types(pasted[:cut])
		k.Attach(r)
		if rest := pasted[cut:]; rest != "" {
			ui += k.types(rest)
		}
		ui += k.types(after) + k.types("")
		if ui != pasted || r.input.String() != after {
			t.Errorf("cut after %d bytes: %q for the UI, %q for the program", cut, ui, r.input.String())
		}
	}
}

// TestPassthroughPasteAfterTheTarget: what is left of a paste when its program
// has ended is neither keys nor another program's.
func TestPassthroughPasteAfterTheTarget(t *testing.T) {
	const pasted, after = pasteBegin + "exit\rq\x1b[201x" + pasteEnd, "j"
	for cut := len(pasteBegin); cut < len(pasted); cut++ {
		for _, next := range []*recorder{nil, {}} {
			k := newTypist(t, 0)
			k.attach(&recorder{})
			got := k.types(pasted[:cut])
			k.Detach()
			if next != nil {
				k.attach(next)
			}
			got += k.types(pasted[cut:]+after) + k.types(after)
			if next != nil {
				got += next.input.String()
			}
			if got != after+after {
				t.Errorf("cut after %d bytes, with another program %v: %q came of it", cut, next != nil, got)
			}
		}
	}
}
