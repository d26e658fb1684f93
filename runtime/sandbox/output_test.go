package sandbox

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// everything asks for all output, and to be waited for.
var everything = wire.AttachRequest{History: true, Follow: true, Lossless: true}

func attach(t *testing.T, conn *supervisor.Conn, request wire.AttachRequest) {
	t.Helper()
	if err := conn.Attach(request); err != nil {
		t.Fatal(err)
	}
}

// TestNothingIsLostBeforeAttaching: what a program puts out before its creator
// attaches is more than the history holds. It waits.
func TestNothingIsLostBeforeAttaching(t *testing.T) {
	s := newStore(t)
	const lines = 1_000_000 // 7 MB
	_, conn := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Command: []string{"seq", "1000000"}})
	attach(t, conn, everything)
	o := watch(t, conn)
	if got := strings.Count(o.output, "\n"); got != lines {
		t.Errorf("%d lines arrived, want %d", got, lines)
	}
}

// TestOutputOfASupervisorThatEnds asks one that takes the connection and ends
// before it has read what is asked.
func TestOutputOfASupervisorThatEnds(t *testing.T) {
	s := newStore(t)
	sb, conn := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Command: []string{"echo", "last words"}})
	attach(t, conn, everything)
	watch(t, conn)
	if !eventually(func() bool {
		stopped, err := s.Find(sb.ID)
		return err == nil && stopped.Status == supervisor.Stopped
	}) {
		t.Fatal("it does not stop")
	}
	for _, follow := range []bool{false, true} {
		if err := os.MkdirAll(s.run(sb.ID), 0o700); err != nil {
			t.Fatal(err)
		}
		socket, err := wire.Listen(s.run(sb.ID) + "/" + supervisor.SocketName)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if one, err := socket.Accept(); err == nil {
				one.Close()
			}
			socket.Close()
		}()
		sb.Status = supervisor.Running // as it was read
		frames, err := sb.Output(follow)
		if err != nil {
			t.Fatal(err)
		}
		output := ""
		for {
			kind, payload, err := frames.Next()
			if err != nil || kind == wire.Exit {
				break
			}
			if kind == wire.Output {
				output += string(payload)
			}
		}
		if output != "last words\n" {
			t.Errorf("it put out %q", output)
		}
		frames.Close()
		if err := os.RemoveAll(s.run(sb.ID)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEarlyInput is typed before there is a terminal to type into.
func TestEarlyInput(t *testing.T) {
	s := newStore(t)
	_, conn, err := s.Launch(spec.Options{Rootfs: busybox(t), TTY: true, Interactive: true,
		Command: []string{"sh", "-c", "read line; echo got $line; stty size"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	attach(t, conn, wire.AttachRequest{Dimensions: wire.Dimensions{Cols: 101, Rows: 37}, History: true, Follow: true})
	if err := conn.Input([]byte("an early line\n")); err != nil {
		t.Fatal(err)
	}
	o := watch(t, conn)
	if !strings.Contains(o.output, "got an early line\r\n") {
		t.Errorf("the input is lost: %q", o.output)
	}
	if !strings.Contains(o.output, "37 101\r\n") {
		t.Errorf("the size is not what was asked for before: %q", o.output)
	}
}

// TestCloseOutput: a program whose reader has gone sees it.
func TestCloseOutput(t *testing.T) {
	s := newStore(t)
	_, conn := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Command: []string{"sh", "-c", "seq 10000000; echo $? >&2"}})
	attach(t, conn, everything)
	if err := conn.CloseOutput(1); err != nil {
		t.Fatal(err)
	}
	if o := watch(t, conn); strings.TrimSpace(o.errput) == "0" || o.errput == "" {
		t.Errorf("seq ended with %q, want SIGPIPE or an error", o.errput)
	}
}

// TestViewerThatGetsOn takes longer than a supervisor waits for one that does not
// read: it is shown all of it, and told the end.
func TestViewerThatGetsOn(t *testing.T) {
	s := newStore(t)
	sb, conn := startSandbox(t, s, spec.Options{Rootfs: busybox(t), TTY: true, Interactive: true, Command: []string{"sh", "-c", "read begin; seq 100000"}})
	attach(t, conn, everything)
	if err := conn.Input([]byte("\n")); err != nil { // before that it would be history
		t.Fatal(err)
	}
	waitStopped(t, s, sb)
	var output strings.Builder
	began, paused := time.Now(), 0
	for {
		kind, payload, err := conn.Next()
		if err != nil {
			t.Fatalf("after %v and %d bytes: %v", time.Since(began), output.Len(), err)
		}
		if kind == wire.Exit {
			break
		}
		if kind == wire.Output {
			output.Write(payload)
		}
		if output.Len()-paused > 16<<10 && time.Since(began) < 5500*time.Millisecond {
			paused = output.Len()
			time.Sleep(250 * time.Millisecond) // a slow line
		}
	}
	if !strings.HasSuffix(output.String(), "100000\r\n") || strings.Count(output.String(), "\n") != 100_001 {
		t.Errorf("there are %d bytes that end with …%q", output.Len(), output.String()[max(0, output.Len()-40):])
	}
}

// TestSlowViewerOfATerminal does not hold the program up. It is told that
// something is missing, and shown the end.
func TestSlowViewerOfATerminal(t *testing.T) {
	s := newStore(t)
	sb, conn := startSandbox(t, s, spec.Options{Rootfs: busybox(t), TTY: true, Interactive: true, Command: []string{"sh", "-c", "read begin; seq 1000000"}})
	attach(t, conn, everything)
	if err := conn.Input([]byte("\n")); err != nil { // before that it would be history
		t.Fatal(err)
	}
	waitStopped(t, s, sb)
	var order []byte // of the frames that matter
	var output bytes.Buffer
	for {
		kind, payload, err := conn.Next()
		if err != nil {
			break
		}
		switch kind {
		case wire.Output:
			output.Write(payload)
		case wire.Skipped, wire.Live, wire.Exit:
			order = append(order, byte(kind))
		}
	}
	if want := []byte{byte(wire.Live), byte(wire.Skipped), byte(wire.Live), byte(wire.Exit)}; !bytes.Equal(order, want) {
		t.Errorf("frames %q, want %q", order, want)
	}
	if !strings.HasSuffix(output.String(), "1000000\r\n") {
		t.Errorf("the end is missing: …%q", output.String()[max(0, output.Len()-40):])
	}
	if output.Len() > 6<<20 {
		t.Errorf("%d bytes were queued for a viewer that does not read", output.Len())
	}
}

// waitStopped waits for a program's end, to which it comes although nobody reads
// what it puts out.
func waitStopped(t *testing.T, s *Store, sb Sandbox) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); sb.Status != supervisor.Stopped; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the program waits for a viewer that does not read")
		}
		var err error
		if sb, err = s.Find(sb.ID); err != nil {
			t.Fatal(err)
		}
	}
}
