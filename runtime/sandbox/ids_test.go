package sandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"aquarium/runtime/spec"
	"aquarium/runtime/userns"
)

// ranged is a store of an ordinary user's with ranges, and its map.
func ranged(t *testing.T) (*Store, userns.Map) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("root needs no ranges: for an ordinary user")
	}
	s := newStore(t)
	ids, err := s.Subordinate.Own()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return s, ids
}

// owner is who a file belongs to, as this process sees it.
func owner(t *testing.T, path string) (uid, gid int) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return int(stat.Uid), int(stat.Gid)
}

// runOut launches a sandbox and watches it to its end.
func runOut(t *testing.T, s *Store, o spec.Options) (Sandbox, outcome) {
	t.Helper()
	sb, conn, err := s.Launch(o)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	attach(t, conn, everything)
	came := watch(t, conn)
	return sb, came
}

// withUsers adds an account to a root filesystem, with a group besides its own.
func withUsers(t *testing.T, root string) string {
	t.Helper()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"passwd": "root:x:0:0:root:/root:/bin/sh\nfish:x:1000:1001:fish:/home/fish:/bin/sh\n",
		"group":  "root:x:0:\nfish:x:1001:\nreef:x:2000:fish\n",
	} {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// foreign is a command that leaves files of other users, closed to everyone
// else, where the sandbox's layer keeps them.
const foreign = "mkdir -m 700 -p /d/e && echo secret >/d/e/f && chown -R 1000:1001 /d && touch /free && chown 7:8 /free && "

// Without root, the other users of a sandbox have ids of the user's ranges.
func TestRangesOfAnOrdinaryUser(t *testing.T) {
	s, ids := ranged(t)
	sb, conn := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Command: []string{"sh", "-c", foreign + "id -G && echo ready && sleep 1000"}})
	attach(t, conn, everything)
	until(t, conn, "ready")
	uid, gid := owner(t, filepath.Join(sb.Bundle, "upper0/d"))
	if uid != userns.Outside(ids.UIDs, 1000) || gid != userns.Outside(ids.GIDs, 1001) {
		t.Errorf("what belongs to 1000:1001 inside belongs to %d:%d outside, with the maps %v", uid, gid, ids)
	}
	if err := sb.Remove(context.Background(), true); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(sb.Bundle); !os.IsNotExist(err) {
		t.Errorf("the bundle is still there: %v", err)
	}
}

// Any user of the sandbox may run its program, with groups.
func TestUserInARange(t *testing.T) {
	s, ids := ranged(t)
	_, o := runOut(t, s, spec.Options{Rootfs: withUsers(t, busybox(t)), User: "fish", Remove: true, Command: []string{"sh", "-c", "id -u; id -G; cat /proc/self/uid_map"}})
	want := "1000 1001 2000"
	for _, line := range ids.UIDs {
		want += " " + line.String()
	}
	if got := strings.Join(strings.Fields(o.output), " "); got != want {
		t.Errorf("inside it says %q, want %q", got, want)
	}
	if o.exit.Code != 0 {
		t.Errorf("exit %+v: %s", o.exit, o.errput)
	}
}

// The supervisor removes what other users own, too.
func TestRemoveAtTheEndInARange(t *testing.T) {
	s, _ := ranged(t)
	sb, o := runOut(t, s, spec.Options{Rootfs: busybox(t), Remove: true, Command: []string{"sh", "-c", foreign + "true"}})
	if o.exit.Code != 0 {
		t.Errorf("exit %+v: %s", o.exit, o.errput)
	}
	sb.Wait(context.Background())
	if _, err := os.Lstat(sb.Bundle); !os.IsNotExist(err) {
		t.Errorf("the bundle is still there: %v", err)
	}
}

// After a crash the next command removes what other users own, too.
func TestCrashInARange(t *testing.T) {
	s, _ := ranged(t)
	sb, conn := startSandbox(t, s, spec.Options{Rootfs: busybox(t), Remove: true, Command: []string{"sh", "-c", foreign + "echo ready && sleep 1000"}})
	attach(t, conn, everything)
	until(t, conn, "ready")
	if err := syscall.Kill(sb.Keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	told := noticing(s)
	if !eventually(func() bool { // it may take a moment to end
		s.Sweep()
		_, err := os.Lstat(sb.Bundle)
		return os.IsNotExist(err)
	}) {
		t.Errorf("the bundle is still there; %q", told())
	}
}

// Who has no range, or no program to map it, has a single id, and is told why.
func TestSingleIDWithoutRanges(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root needs no ranges: for an ordinary user")
	}
	s := newStore(t)
	empty := filepath.Join(t.TempDir(), "subuid")
	if err := os.WriteFile(empty, []byte("somebody:1:2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ungranted := filepath.Join(t.TempDir(), "subuid")
	if err := os.WriteFile(ungranted, fmt.Appendf(nil, "%d:3000000000:3\n", os.Getuid()), 0o644); err != nil {
		t.Fatal(err)
	}
	root := busybox(t)
	for file, why := range map[string]string{empty: "gives .* no range", ungranted: "newuidmap"} {
		s.Subordinate.SubUID = file
		if file == ungranted {
			s.Subordinate.SubGID = file
		}
		o := spec.Options{Rootfs: root, Command: []string{"sh", "-c", "cat /proc/self/uid_map /proc/self/setgroups"}}
		plan, err := s.Plan(o)
		if err != nil {
			t.Fatal(err)
		}
		if text := plan.Steps[0].Why; !strings.Contains(text, "there are no other users: ") || !regexp.MustCompile(why).MatchString(text) {
			t.Errorf("the plan says %q, want %q", text, why)
		}
		sb, came := runOut(t, s, o)
		if len(sb.Notes) != 1 || !regexp.MustCompile(why).MatchString(sb.Notes[0]) {
			t.Errorf("the notes are %q, want %q", sb.Notes, why)
		}
		if got := strings.Fields(came.output); strings.Join(got, " ") != fmt.Sprintf("0 %d 1 deny", os.Getuid()) {
			t.Errorf("inside it says %q", got)
		}
		if sb, err = s.Find(sb.ID); err == nil {
			err = sb.Remove(context.Background(), true)
		}
		if err != nil {
			t.Error(err)
		}
	}
}
