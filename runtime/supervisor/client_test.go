package supervisor

import (
	"io"
	"testing"

	"aquarium/runtime/wire"
)

// TestEndWithRequestsUnread: what a supervisor said last arrives, and then the
// end, also where it has not read what it was told meanwhile.
func TestEndWithRequestsUnread(t *testing.T) {
	ours, theirs, err := wire.Pair()
	if err != nil {
		t.Fatal(err)
	}
	c := &Conn{conn: ours}
	defer c.Close()
	if err := c.Input([]byte("typed too late")); err != nil {
		t.Fatal(err)
	}
	if err := wire.Write(theirs, wire.Output, []byte("bye")); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	if kind, payload, err := c.Next(); err != nil || kind != wire.Output || string(payload) != "bye" {
		t.Errorf("the last frame is %q %q, %v", kind, payload, err)
	}
	if _, _, err := c.Next(); err != io.EOF {
		t.Errorf("then comes %v, not the end", err)
	}
}
