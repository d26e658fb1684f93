package step

import (
	"os"
	"testing"
)

// TestInitThatEndsBeforeItsPlan: whoever removes a sandbox while it is launched
// may kill init before it has its plan. That is said, not what send(2) says.
func TestInitThatEndsBeforeItsPlan(t *testing.T) {
	t.Parallel()
	var stdio [3]*os.File
	for i := range stdio {
		file, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		stdio[i] = file
	}
	l, err := NewLaunch(stdio)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closeFiles(l.world.files) // init's ends, among them that of its socket
	const want = "init ended after step 0 of 0 without a word"
	if err := l.Send(Encoded{}); err == nil || err.Error() != want {
		t.Errorf("Send: %v, want %s", err, want)
	}
	if err := l.GoOn(false); err == nil || err.Error() != want {
		t.Errorf("GoOn: %v, want %s", err, want)
	}
}
