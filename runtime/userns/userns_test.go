package userns_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aquarium/runtime/fork"
	"aquarium/runtime/ids"
	"aquarium/runtime/userns"
)

// own is the map of an ordinary user with ranges.
func own(t *testing.T) userns.Map {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("root needs no ranges: for an ordinary user")
	}
	m, err := ids.System().Own()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return m
}

// start runs a shell script in a user namespace and returns what it puts out.
func start(t *testing.T, m userns.Map, script string) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	process, err := m.Start(userns.Command{Path: "/bin/sh", Argv: []string{"sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"},
		Files: []*os.File{null, writer, writer}, Flags: syscall.CLONE_NEWUSER, Session: true})
	writer.Close()
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if state, err := process.Wait(); err != nil || !state.Success() {
		t.Errorf("the script ended with %v, %v: %s", state, err, said)
	}
	return string(said)
}

// The process is root of the whole range, leader of a session, and groups
// can be set.
func TestStartInRanges(t *testing.T) {
	m := own(t)
	said := start(t, m, `id -u; cat /proc/self/uid_map /proc/self/gid_map; grep CapEff /proc/self/status; pwd; ps -o sid= -p $$; echo $$; cat /proc/self/setgroups; ulimit -n`)
	var want []string
	want = append(want, "0")
	for _, line := range append(append([]userns.IDMap(nil), m.UIDs...), m.GIDs...) {
		want = append(want, line.String())
	}
	fields := strings.Fields(said)
	if got := strings.Join(fields, " "); !strings.HasPrefix(got, strings.Join(want, " ")+" CapEff: ") || !strings.Contains(got, " / ") || !strings.Contains(got, " allow ") {
		t.Errorf("inside it says %q, want %q, then all capabilities and /", got, want)
	}
	if n := len(fields); n > 4 && fields[n-4] != fields[n-3] {
		t.Errorf("the session is %s's, the process is %s", fields[n-4], fields[n-3])
	}
}

func TestTry(t *testing.T) {
	if err := own(t).Try(); err != nil {
		t.Error(err)
	}
}

// What a helper says when it refuses is in the error, on one line; and nobody
// is left waiting to be mapped.
func TestRefusedByTheHelper(t *testing.T) {
	helper := filepath.Join(t.TempDir(), "newuidmap")
	if err := os.WriteFile(helper, []byte("#!/bin/sh\necho \"not for\nyou: $*\" >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	m := userns.Map{UIDs: []userns.IDMap{{Inside: 0, Outside: os.Getuid(), Count: 1}}, UIDHelper: helper, GIDHelper: "/bin/true"}
	for name, try := range map[string]func() error{
		"try": m.Try,
		"start": func() error {
			_, err := m.Start(userns.Command{Path: "/bin/true", Argv: []string{"true"}, Flags: syscall.CLONE_NEWUSER})
			return err
		},
	} {
		err := try()
		var refused *fork.Refused
		if !errors.As(err, &refused) || !strings.Contains(refused.Call, helper) || refused.Errno != syscall.EPERM || !strings.HasPrefix(refused.Detail, "not for you: ") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left: %d, %v", pid, err)
	}
}

func TestNoHelper(t *testing.T) {
	m := userns.Map{UIDHelper: "/no/such/helper", GIDHelper: "/bin/true"}
	if err := m.Try(); !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "/no/such/helper") {
		t.Errorf("the error is %v", err)
	}
}

func TestSingle(t *testing.T) {
	m := userns.Map{UIDs: []userns.IDMap{{Inside: 0, Outside: os.Geteuid(), Count: 1}}, GIDs: []userns.IDMap{{Inside: 0, Outside: os.Getegid(), Count: 1}}}
	if !m.Single() {
		t.Error("one group is not single")
	}
	if said := start(t, m, "id -u; cat /proc/self/setgroups"); said != "0\ndeny\n" {
		t.Errorf("inside it says %q", said)
	}
}
