package sandbox

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "aquarium/runtime/reexec" // the test binary plays supervisor and init
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// newStore is a store of the test's own; at the end of the test nothing may
// be left of its sandboxes.
func newStore(t *testing.T) *Store {
	t.Helper()
	t.Setenv("AQUARIUM_HOME", t.TempDir())
	s, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		list, err := s.List()
		if err != nil {
			t.Error(err)
		}
		for _, sb := range list {
			if err := sb.Remove(context.Background(), true); err != nil {
				t.Error(err)
			}
		}
		for _, dir := range []string{s.sandboxes(), s.names()} {
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%s still holds %v", dir, left)
			}
		}
	})
	return s
}

// busybox is a root filesystem with nothing but busybox in it.
func busybox(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "bb")
	binary, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatalf("needs Debian's busybox-static: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "bin/busybox"), binary, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, applet := range strings.Fields("chown chmod mkdir sh cat echo id sleep true tty stty ps ls readlink grep hostname env head seq kill touch dd") {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// startSandbox starts a sandbox and waits until its program runs.
func startSandbox(t *testing.T, s *Store, o spec.Options) (Sandbox, *supervisor.Conn) {
	t.Helper()
	sb, conn, err := s.Launch(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := sb.WaitStarted(conn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	sb, err = s.Find(sb.ID)
	if err != nil {
		t.Fatal(err)
	}
	return sb, conn
}

// outcome is what a program put out and how it ended.
type outcome struct {
	output, errput string
	exit           wire.ExitReport
}

// watch reads frames to the end.
func watch(t *testing.T, conn Frames) (o outcome) {
	t.Helper()
	for {
		kind, payload, err := conn.Next()
		if err == io.EOF {
			return o
		}
		if err != nil {
			t.Fatal(err)
		}
		switch kind {
		case wire.Output:
			o.output += string(payload)
		case wire.Errput:
			o.errput += string(payload)
		case wire.Started:
			var r wire.StartedReport
			if json.Unmarshal(payload, &r); r.Error != "" {
				t.Fatal(r.Error)
			}
		case wire.Exit:
			if err := json.Unmarshal(payload, &o.exit); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// until reads frames until the output holds text.
func until(t *testing.T, conn *supervisor.Conn, text string) string {
	t.Helper()
	timer := time.AfterFunc(time.Minute, func() { conn.Close() })
	defer timer.Stop()
	var output string
	for !strings.Contains(output, text) {
		kind, payload, err := conn.Next()
		if err != nil {
			t.Fatalf("waiting for %q: %v; the output is %q", text, err, output)
		}
		if kind == wire.Output {
			output += string(payload)
		}
	}
	return output
}

func dial(t *testing.T, sb Sandbox) *supervisor.Conn {
	t.Helper()
	conn, err := sb.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
