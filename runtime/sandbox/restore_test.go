package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"aquarium/runtime/ledger"
	"aquarium/runtime/network"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// damages are what may have become of a running sandbox's state document.
var damages = map[string]func(path string) error{
	"empty":   func(path string) error { return os.Truncate(path, 0) },
	"cut":     func(path string) error { return os.Truncate(path, 100) },
	"other":   func(path string) error { return os.WriteFile(path, []byte(`{"id": "../x"}`), 0o600) },
	"deleted": os.Remove,
}

// A sandbox that runs stays in reach, whatever becomes of its state: the
// supervisor still has it.
func TestDamagedStateOfARunningSandbox(t *testing.T) {
	s := newStore(t)
	told := noticing(s)
	root := busybox(t)
	for name, damage := range damages {
		sb, conn := startSandbox(t, s, spec.Options{Name: name, Rootfs: root, Command: []string{"sleep", "1000"}})
		conn.Close()
		harm := func() {
			t.Helper()
			if err := damage(filepath.Join(s.run(sb.ID), supervisor.StateFile)); err != nil {
				t.Fatal(err)
			}
		}
		harm()
		list, err := s.List()
		if err != nil || len(list) != 1 || !reflect.DeepEqual(list[0], sb) {
			t.Errorf("%s: listed are %+v, %v; want %+v", name, list, err, sb)
		}
		harm()
		found, err := s.Find(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		conn = dial(t, found)
		if err := conn.Exec(wire.ExecRequest{Argv: []string{"echo", "pearl"}}); err != nil {
			t.Fatal(err)
		}
		if got := watch(t, conn); got.output != "pearl\n" {
			t.Errorf("%s: exec printed %q", name, got.output)
		}
		harm()
		s.Sweep()
		if found, err = s.Find(name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := errors.Join(found.Stop(t.Context(), time.Millisecond), found.Remove(t.Context(), true)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(s.run(sb.ID)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: left is %s: %v", name, s.run(sb.ID), err)
		}
		want := "the state of " + name + " was damaged, and has been written anew"
		if lines := strings.Join(told(), "\n"); strings.Count(lines, want) != 3 {
			t.Errorf("%s: told %q, want %q", name, lines, want)
		}
	}
}

// A damaged ledger leaves nothing behind that the state knows of, and is no
// secret: neither of a sandbox that is stopped, nor of one whose supervisor is
// killed.
func TestDamagedLedger(t *testing.T) {
	s := newStore(t)
	told := noticing(s)
	o := spec.Options{Rootfs: busybox(t), Command: []string{"sleep", "1000"}}
	if os.Geteuid() == 0 {
		o.Network = spec.BridgeNetwork
	}
	for name, text := range map[string]string{"asked": "{\n", "forced": "", "orphaned": "\x00\n+cgroup"} {
		o.Name = name
		sb, conn := startSandbox(t, s, o)
		conn.Close()
		if os.Geteuid() == 0 && len(sb.Groups) == 0 {
			t.Fatal("it has no control groups: the test tells nothing")
		}
		if err := os.WriteFile(filepath.Join(s.run(sb.ID), ledger.FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		switch name {
		case "asked":
			if err := sb.Stop(t.Context(), time.Millisecond); err != nil {
				t.Fatal(err)
			}
		case "orphaned":
			if err := syscall.Kill(sb.Keeper, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if !eventually(func() bool { return !sb.Alive(s.run(sb.ID)) }) {
				t.Fatal("its supervisor lives on")
			}
			s.Sweep()
		}
		sb, err := s.Find(name)
		if err == nil {
			err = sb.Remove(t.Context(), true)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, g := range sb.Groups {
			if _, err := os.Stat(g.Directory()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: left is %s: %v", name, g.Directory(), err)
			}
		}
		if had, err := network.Release(s.leases(), sb.ID); had || err != nil {
			t.Errorf("%s: it still had an address: %v", name, err)
		}
		lines := slices.DeleteFunc(told(), func(line string) bool { return !strings.Contains(line, name) })
		if len(lines) != 1 || !strings.Contains(lines[0], "ledger") || !strings.Contains(lines[0], "damaged") {
			t.Errorf("%s: told %q", name, lines)
		}
	}
}

// Of one whose supervisor does not answer either the configuration tells.
func TestDamagedStateAndNoAnswer(t *testing.T) {
	s := newStore(t)
	sb, conn := startSandbox(t, s, spec.Options{Name: "mute", Rootfs: busybox(t), Command: []string{"sleep", "1000"}})
	conn.Close()
	if err := syscall.Kill(sb.Keeper, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := damages["empty"](filepath.Join(s.run(sb.ID), supervisor.StateFile)); err != nil {
		t.Fatal(err)
	}
	list, err := s.List()
	if err != nil || len(list) != 1 || list[0].Name != "mute" || list[0].Status != supervisor.Running {
		t.Errorf("listed are %+v, %v", list, err)
	}
	if err := syscall.Kill(sb.Keeper, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for _, sb := range list {
		if err := sb.Remove(t.Context(), true); err != nil {
			t.Error(err)
		}
	}
}
