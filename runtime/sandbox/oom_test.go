package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// A program that takes more memory than it may have is killed, and its
// sandbox says why; a neighbour does not notice.
func TestOutOfMemory(t *testing.T) {
	for _, hog := range []struct{ name, script, reason string }{
		{"the program", "exec dd if=/dev/zero of=/dev/null bs=200M count=1", "out of memory at its limit of 32M"},
		{"another process", "dd if=/dev/zero of=/dev/null bs=200M count=1; exit 7", "one of its processes was killed: out of memory at its limit of 32M"},
	} {
		t.Run(hog.name, func(t *testing.T) {
			s := newStore(t)
			_, neighbour := limitedSandbox(t, s, spec.Options{Command: []string{"cat"}, Memory: 32 << 20})
			sb, conn := limitedSandbox(t, s, spec.Options{Command: []string{"sh", "-c", hog.script}, Memory: 32 << 20})
			follow(t, conn)
			got := watch(t, conn)
			if got.exit.Reason != hog.reason {
				t.Errorf("it ended with %+v, want the reason %q", got.exit, hog.reason)
			}
			if sb = reread(t, s, sb); sb.Status != supervisor.Stopped || sb.Reason != hog.reason {
				t.Errorf("it is %s because of %q", sb.Status, sb.Reason)
			}
			follow(t, neighbour)
			if err := neighbour.Input([]byte("still here\n")); err != nil {
				t.Fatal(err)
			}
			until(t, neighbour, "still here")
		})
	}
}

func follow(t *testing.T, conn *supervisor.Conn) {
	t.Helper()
	if err := conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
		t.Fatal(err)
	}
}

// With too little memory to be launched, the error says so.
func TestTooLittleMemoryToLaunch(t *testing.T) {
	if !caller().Privileged {
		t.Skip("control groups at the top of the hierarchies need root") // CI runs it as root too
	}
	s := newStore(t)
	o := spec.Options{Name: "tight", Rootfs: busybox(t), Memory: 6 << 20, Command: []string{"true"}}
	for i := range 60 { // init reads all of it
		o.Env = append(o.Env, fmt.Sprintf("V%d=%s", i, strings.Repeat("v", 100_000)))
	}
	sb, conn, err := s.Launch(o)
	if err == nil {
		err = sb.WaitStarted(conn)
		conn.Close()
	}
	var failed *LaunchError
	if !errors.As(err, &failed) || !strings.HasPrefix(failed.Report.Error, "out of memory at its limit of 6M") || !strings.Contains(failed.Hint(), "--memory") {
		t.Errorf("the launch failed with %v", err)
	}
}
