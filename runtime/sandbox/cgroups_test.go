package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// limitedSandbox starts a sandbox that needs control groups of its own, in
// which a shell waits.
func limitedSandbox(t *testing.T, s *Store, o spec.Options) (Sandbox, *supervisor.Conn) {
	t.Helper()
	if !caller().Privileged {
		t.Skip("control groups at the top of the hierarchies need root") // CI runs it as root too
	}
	o.Rootfs, o.Interactive = busybox(t), true
	if o.Command == nil {
		o.Command = []string{"sh"}
	}
	sb, conn := startSandbox(t, s, o)
	if len(sb.Groups) == 0 {
		t.Fatal("the sandbox has no control groups: `aquarium doctor` says why")
	}
	return sb, conn
}

// groupFile reads a file of the group that has a controller.
func groupFile(t *testing.T, sb Sandbox, controller, file string) string {
	t.Helper()
	g, ok := sb.Groups.Of(controller)
	if !ok {
		t.Fatalf("no group has %s", controller)
	}
	content, err := os.ReadFile(filepath.Join(g.Directory(), file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// file is the name of a file in the version of the sandbox's groups.
func inVersion(sb Sandbox, one, two string) string {
	if g, _ := sb.Groups.Of("memory"); g.Version == cgroup.V1 {
		return one
	}
	return two
}

func TestLimitsAreTheKernels(t *testing.T) {
	s := newStore(t)
	sb, conn := limitedSandbox(t, s, spec.Options{Memory: 64 << 20, CPUs: 0.5, Pids: 20})
	if got := groupFile(t, sb, "memory", inVersion(sb, "memory.limit_in_bytes", "memory.max")); got != "67108864" {
		t.Errorf("memory is limited to %s", got)
	}
	if got := groupFile(t, sb, "cpu", inVersion(sb, "cpu.cfs_quota_us", "cpu.max")); got != inVersion(sb, "50000", "50000 100000") {
		t.Errorf("processor time is limited to %s", got)
	}
	if got := groupFile(t, sb, "pids", "pids.max"); got != "20" {
		t.Errorf("processes are limited to %s", got)
	}
	if err := conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Input([]byte("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do sleep 100 & done; echo all\n")); err != nil {
		t.Fatal(err)
	}
	if err := sb.Wait(context.Background()); err != nil { // the shell ends when it cannot fork
		t.Fatal(err)
	}
	if got := watch(t, conn).errput; !strings.Contains(got, "can't fork") {
		t.Errorf("the shell said %q, want that it cannot fork", got)
	}
}

// Every process of the sandbox is in its groups, one that is run there later
// too; the supervisor is not.
func TestGroupsHoldAllButTheSupervisor(t *testing.T) {
	s := newStore(t)
	sb, _ := limitedSandbox(t, s, spec.Options{})
	if got := groupFile(t, sb, "pids", "pids.max"); got != "4096" {
		t.Errorf("processes are limited to %s, want the default", got)
	}
	conn := dial(t, sb)
	if err := conn.Exec(wire.ExecRequest{Argv: []string{"sh", "-c", "sleep 1000 & echo here; wait"}}); err != nil {
		t.Fatal(err)
	}
	until(t, conn, "here")
	for _, g := range sb.Groups {
		members, err := cgroup.Processes(g.Directory())
		if err != nil {
			t.Fatal(err)
		}
		if len(members) != 3 {
			t.Errorf("%s holds processes %v, want the shell, the one beside it, and its sleep", g.Directory(), members)
		}
		for _, pid := range members {
			if pid == sb.Keeper {
				t.Errorf("the supervisor is in %s", g.Directory())
			}
		}
	}
}

// The sandbox sees its groups as the topmost.
func TestCgroupNamespaceShowsNothingAbove(t *testing.T) {
	s := newStore(t)
	_, conn := limitedSandbox(t, s, spec.Options{Command: []string{"cat", "/proc/self/cgroup"}})
	if err := conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(watch(t, conn).output) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) == 3 && strings.Contains(parts[2], cgroup.Parent) {
			t.Errorf("the sandbox sees where it is: %s", line)
		}
	}
}

// Programs find their limits where they look for them, and cannot change them.
func TestOwnGroupsAreShownReadOnly(t *testing.T) {
	for _, o := range []spec.Options{{}, {UserNS: spec.UserNSAuto}} {
		s := newStore(t)
		o.Pids, o.Command = 77, []string{"sh", "-c", `exec 2>&1
			cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max
			for dir in /sys/fs/cgroup /sys/fs/cgroup/pids; do touch $dir/new; done
			for limit in /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max; do [ ! -e $limit ] || echo 1 >$limit || echo refused; done`}
		sb, conn := limitedSandbox(t, s, o)
		follow(t, conn)
		said := watch(t, conn).output
		if !strings.Contains(said, "77\n") {
			t.Errorf("the sandbox does not see its limit: %s", said)
		}
		if strings.Count(said, "Read-only file system") < 2 {
			t.Errorf("the groups are not read-only in the sandbox: %s", said)
		}
		if _, err := sb.Groups.Open(); err == nil {
			t.Error("the groups outlive the sandbox")
		}
	}
}

// However a sandbox ends, its groups go: also with processes that outlive the
// first one, because they are not in a pid namespace of its own.
func TestGroupsGoWithTheSandbox(t *testing.T) {
	for _, end := range []struct {
		name    string
		options spec.Options
	}{
		{"killed", spec.Options{}},
		{"removed", spec.Options{Remove: true}},
		{"processes left", spec.Options{Share: []string{"pid"}, Command: []string{"sh", "-c", "sleep 1000 & sleep 1000 & read line"}}},
	} {
		t.Run(end.name, func(t *testing.T) {
			s := newStore(t)
			sb, conn := limitedSandbox(t, s, end.options)
			conn.Close()
			if err := sb.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := sb.Wait(context.Background()); err != nil {
				t.Fatal(err)
			}
			for _, g := range sb.Groups {
				if _, err := os.Stat(g.Directory()); !os.IsNotExist(err) {
					t.Errorf("%s is left (%v)", g.Directory(), err)
				}
			}
		})
	}
}

// A creator that goes before it has told all leaves no groups: whoever cleans
// up after it may come before they are made.
func TestGroupsGoWithTheCreator(t *testing.T) {
	if !caller().Privileged {
		t.Skip("control groups at the top of the hierarchies need root") // CI runs it as root too
	}
	host, err := cgroup.Find(true)
	if err != nil {
		t.Fatal(err)
	}
	groups, _, err := host.Place(newID(), cgroup.Limits{Pids: 100}, 0)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := supervisor.Start(supervisor.Preparation{Name: "unborn", Steps: []step.Step{
		{Actor: step.Supervisor, Op: &step.Cgroup{Groups: groups}},
		{Actor: step.Supervisor, Op: &step.Clone{Title: "unborn", Flags: syscall.CLONE_NEWPID, Groups: groups}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	conn.Abandon()
	for _, g := range groups {
		if _, err := os.Stat(g.Directory()); !os.IsNotExist(err) {
			t.Errorf("%s is left (%v)", g.Directory(), err)
			cgroup.Remove(g.Directory())
		}
	}
}
