package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"aquarium/runtime/ledger"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

// noticing has the store tell what it cleans up, and returns what it told.
func noticing(s *Store) (told func() []string) {
	var mu sync.Mutex
	var lines []string
	s.Notice = func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(lines)
	}
}

// abandon makes what a creator leaves that was killed in mid-launch, with more
// entries in its ledger.
func abandon(t *testing.T, s *Store, name string, entries ...ledger.Entry) (id string) {
	t.Helper()
	id = newID()
	if _, err := s.reserve(name, id); err != nil {
		t.Fatal(err)
	}
	st, err := readState(s.run(id))
	if err != nil {
		t.Fatal(err)
	}
	st.Name, st.KeepStart = name, 1 // no process is that old
	if err := st.Save(s.run(id)); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{s.bundle(id), filepath.Join(s.bundle(id), "root")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	l, err := ledger.Open(s.run(id))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.WillAll(entries...); err != nil {
		t.Fatal(err)
	}
	return id
}

// A sandbox's ledger, written by whom it may, undoes nothing but its own.
func TestATamperedLedgerHarmsNothing(t *testing.T) {
	s := newStore(t)
	told := noticing(s)
	treasure := t.TempDir()
	neighbour := newID()
	if _, err := s.reserve("neighbour", neighbour); err != nil {
		t.Fatal(err)
	}
	var entries []ledger.Entry
	for _, path := range []string{
		treasure, "/", "", ".", "..", s.Data, s.Run, s.sandboxes(), s.bundle(neighbour), s.run(neighbour),
		s.bundle(neighbour) + "/../" + neighbour, "/proc/self/root" + treasure,
	} {
		entries = append(entries, ledger.Entry{Kind: ledger.Dir, Name: path}, ledger.Entry{Kind: ledger.Mount, Name: path})
	}
	for _, name := range []string{"neighbour", "../names/neighbour", "..", "."} {
		entries = append(entries, ledger.Entry{Kind: ledger.Name, Name: name})
	}
	id := abandon(t, s, "tampered", append(entries, ledger.Entry{Kind: "shell", Name: "touch /tmp/x"})...)
	s.Sweep()
	if _, err := os.Stat(treasure); err != nil {
		t.Error(err)
	}
	if holder, err := os.Readlink(s.name("neighbour")); err != nil || holder != neighbour {
		t.Errorf("the neighbour's name is %q's: %v", holder, err)
	}
	if _, err := readState(s.run(neighbour)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.run(id)); !os.IsNotExist(err) {
		t.Errorf("the sandbox itself is left: %v", err)
	}
	if lines := told(); len(lines) != 1 || !strings.Contains(lines[0], "left alone dir "+treasure) || !strings.Contains(lines[0], "left alone shell") {
		t.Errorf("told %q", lines)
	}
	s.erase(supervisor.State{ID: neighbour, Name: "neighbour"})
}

// What is mounted in the host's namespace is unmounted before the directory
// below it is deleted.
func TestMountsAreUndoneBeforeTheirDirectories(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	s := newStore(t)
	told := noticing(s)
	treasure := t.TempDir()
	if err := os.WriteFile(filepath.Join(treasure, "pearl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	id := abandon(t, s, "mounted")
	at := filepath.Join(s.bundle(id), "root")
	if err := s.willMake(id, ledger.Entry{Kind: ledger.Mount, Name: at}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(treasure, at, "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	s.Sweep()
	if _, err := os.Stat(filepath.Join(treasure, "pearl")); err != nil {
		t.Errorf("deleted through the mount: %v", err)
	}
	want := "cleaned up after mounted: unmounted " + at + ", freed its name, removed " + s.bundle(id) + ", removed " + s.run(id)
	if lines := told(); !slices.Equal(lines, []string{want}) {
		t.Errorf("told %q, want %q", lines, want)
	}
}

// A state that somebody else has cut in half hides no sandbox, and makes none
// that runs look dead.
func TestHalfAState(t *testing.T) {
	s := newStore(t)
	sb, _ := startSandbox(t, s, spec.Options{Name: "half", Rootfs: busybox(t), Command: []string{"sleep", "1000"}})
	cut := func(dir string) {
		t.Helper()
		path := filepath.Join(dir, supervisor.StateFile)
		document, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, document[:len(document)/2], 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cut(s.run(sb.ID))
	s.Sweep()
	if _, err := os.Stat(s.run(sb.ID)); err != nil {
		t.Fatalf("what runs was settled: %v", err)
	}
	cut(s.run(sb.ID)) // again: meanwhile it was written anew
	if err := syscall.Kill(sb.Keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	found := func() (sb Sandbox) {
		t.Helper()
		if !eventually(func() (ok bool) {
			var err error
			sb, err = s.Find("half")
			return err == nil && sb.Status == supervisor.Stopped
		}) {
			t.Fatal("it is not found as stopped")
		}
		return sb
	}
	found()
	cut(s.bundle(sb.ID))
	if sb = found(); *sb.ExitCode != lost {
		t.Errorf("exit code %d, want %d", *sb.ExitCode, lost)
	}
}
