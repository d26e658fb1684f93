package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"aquarium/rootfs"
	"aquarium/runtime/cgroup"
	"aquarium/runtime/ids"
	"aquarium/runtime/spec"
	"aquarium/runtime/wire"
)

// firstID is the first of the ids that the tests' sandboxes are given from.
const firstID = 1_000_000_000

// auto is a store of root's that has ids for some sandboxes.
func auto(t *testing.T, sandboxes int) *Store {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("ids that nobody has outside: needs root")
	}
	s := newStore(t)
	s.Subordinate.SubUID = filepath.Join(t.TempDir(), "subid")
	s.Subordinate.SubGID = s.Subordinate.SubUID
	line := fmt.Sprintf("fish:1:2\naquarium:%d:%d\n", firstID, sandboxes*ids.Width)
	if err := os.WriteFile(s.Subordinate.SubUID, []byte(line), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

// snapshot is what stat(2) says of every file of a tree.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("find", dir, "-printf", "%p %U:%G %m %s %T@ %C@\n").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Root inside is nobody outside; what it makes belongs to the range, and what
// is below stays as it is.
func TestAutoIDs(t *testing.T) {
	s := auto(t, 2)
	root := withUsers(t, busybox(t))
	before := snapshot(t, root)
	sb, conn := startSandbox(t, s, spec.Options{Rootfs: root, UserNS: spec.UserNSAuto, Command: []string{"sh", "-c",
		"id -u; ls -ln /etc/passwd; touch /made && chown 1000:1001 /made && cp /bin/busybox /setuid && chmod 4755 /setuid && chown 2:3 /etc/group && echo ready && sleep 1000"}})
	attach(t, conn, everything)
	if output := until(t, conn, "ready"); !strings.HasPrefix(output, "0\n") || !strings.Contains(output, " 0        0 ") {
		t.Errorf("inside, root and its files look like %q", output)
	}
	for name, want := range map[string][2]int{"made": {1000, 1001}, "setuid": {0, 0}, "etc/group": {2, 3}, "etc": {0, 0}} {
		if uid, gid := owner(t, filepath.Join(sb.Bundle, "upper0", name)); uid != firstID+want[0] || gid != firstID+want[1] {
			t.Errorf("%s belongs to %d:%d, want %d:%d beyond %d", name, uid, gid, want[0], want[1], firstID)
		}
	}
	if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", sb.PID)); err != nil || !strings.Contains(string(status), fmt.Sprintf("\nUid:\t%d\t%[1]d\t%[1]d\t%[1]d\n", firstID)) {
		t.Errorf("outside, the program is %s (%v)", status, err)
	}
	if after := snapshot(t, root); after != before {
		t.Errorf("the root filesystem has changed:\n%s\nwas\n%s", after, before)
	}
	written, err := sb.Written()
	if err != nil {
		t.Fatal(err)
	}
	base, err := s.Catalogue.Find(root)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := s.Catalogue.Commit(t.Context(), "committed", base, written, rootfs.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	layers, _, err := s.Catalogue.Layers(committed)
	if err != nil {
		t.Fatal(err)
	}
	top := layers[len(layers)-1]
	for name, want := range map[string][2]int{"made": {1000, 1001}, "setuid": {0, 0}, "etc/group": {2, 3}, "etc": {0, 0}, ".": {0, 0}} {
		if uid, gid := owner(t, filepath.Join(top, name)); uid != want[0] || gid != want[1] {
			t.Errorf("committed, %s belongs to %d:%d, want %d:%d", name, uid, gid, want[0], want[1])
		}
	}
}

// A set-user-ID program of the root filesystem's is the sandbox's root's, not
// the host's; and no_new_privs keeps even that from who is not root inside.
func TestSetuidInAnAutoSandbox(t *testing.T) {
	s := auto(t, 1)
	root := withUsers(t, busybox(t))
	if err := os.Chmod(filepath.Join(root, "bin/busybox"), os.ModeSetuid|0o755); err != nil {
		t.Fatal(err)
	}
	_, o := runOut(t, s, spec.Options{Rootfs: root, UserNS: spec.UserNSAuto, User: "fish", Remove: true, Command: []string{"sh", "-c", "ls -ln /bin/busybox; id -u; echo pipe > /dev/stdout; cat /proc/self/uid_map"}})
	if fields := strings.Fields(o.output); len(fields) < 14 || fields[0] != "-rwsr-xr-x" || fields[2] != "0" || strings.Join(fields[len(fields)-5:], " ") != fmt.Sprintf("1000 pipe 0 %d %d", firstID, ids.Width) {
		t.Errorf("inside it says %q, %q", o.output, o.errput)
	}
}

// Every sandbox has ids of its own, also of two that are launched at once;
// they are free again when it is removed, and none are given twice.
func TestAutoRangesAreDisjoint(t *testing.T) {
	s := auto(t, 3)
	root := busybox(t)
	o := spec.Options{Rootfs: root, UserNS: spec.UserNSAuto, Command: []string{"sleep", "1000"}}
	launched := make([]Sandbox, 3)
	var all sync.WaitGroup
	for i := range launched {
		all.Go(func() {
			sb, conn, err := s.Launch(o)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if err := sb.WaitStarted(conn); err != nil {
				t.Error(err)
			}
			launched[i] = sb
		})
	}
	all.Wait()
	seen := make(map[int]bool)
	for _, sb := range launched {
		if t.Failed() {
			return
		}
		first := sb.IDs.UIDs[0]
		if seen[first.Outside] || first.Outside < firstID || first.Outside >= firstID+3*ids.Width || first.Count != ids.Width {
			t.Errorf("%s has the ids %v", sb.Name, sb.IDs)
		}
		seen[first.Outside] = true
	}
	_, _, err := s.Launch(o)
	var refusal *spec.Refusal
	if !errors.As(err, &refusal) || !strings.Contains(refusal.What, "no 65536 ids are free") || refusal.Way == "" {
		t.Errorf("a fourth launch: %v", err)
	}
	sb, err := s.Find(launched[1].ID)
	if err == nil {
		err = sb.Remove(context.Background(), true)
	}
	if err != nil {
		t.Fatal(err)
	}
	again, _ := startSandbox(t, s, o)
	if again.IDs.UIDs[0] != launched[1].IDs.UIDs[0] {
		t.Errorf("the next one has %v, want those that are free again, %v", again.IDs, launched[1].IDs)
	}
}

// Where nobody has set ids aside, the refusal has the line that does.
func TestAutoWithoutIDs(t *testing.T) {
	s := auto(t, 1)
	s.Subordinate.SubGID = "/no/such/file"
	for name, try := range map[string]func(spec.Options) error{
		"launch": func(o spec.Options) error { _, _, err := s.Launch(o); return err },
		"plan":   func(o spec.Options) error { _, err := s.Plan(o); return err },
	} {
		err := try(spec.Options{Rootfs: busybox(t), UserNS: spec.UserNSAuto})
		var refusal *spec.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(refusal.What, "/no/such/file") || !strings.Contains(refusal.Way, "tee -a /etc/subuid /etc/subgid") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A volume's files belong inside to whom they belong to on the disk, and what
// is written there too.
func TestAutoVolumesAndWritable(t *testing.T) {
	s := auto(t, 1)
	root, volume := busybox(t), t.TempDir()
	for name, uid := range map[string]int{"theirs": 1000, "ours": 0} {
		path := filepath.Join(volume, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o644), os.Chown(path, uid, uid)); err != nil {
			t.Fatal(err)
		}
	}
	_, o := runOut(t, s, spec.Options{Rootfs: root, UserNS: spec.UserNSAuto, Writable: true, Remove: true,
		Volumes: []string{volume + ":/data", filepath.Join(volume, "ours") + ":/file:ro"},
		Command: []string{"sh", "-c", "ls -ln /data; touch /data/new /new && chown 5:6 /data/new /new; echo x > /file"}})
	if !strings.Contains(o.output, " 1000     1000 ") || !strings.Contains(o.errput, "Read-only file system") {
		t.Errorf("inside it says %q, %q", o.output, o.errput)
	}
	for _, path := range []string{filepath.Join(volume, "new"), filepath.Join(root, "new")} {
		if uid, gid := owner(t, path); uid != 5 || gid != 6 {
			t.Errorf("%s belongs to %d:%d", path, uid, gid)
		}
	}
}

// What cannot be shifted is named, and nothing is left.
func TestAutoOnAFilesystemThatCannot(t *testing.T) {
	s := auto(t, 1)
	sb, conn, err := s.Launch(spec.Options{Rootfs: busybox(t), UserNS: spec.UserNSAuto, Volumes: []string{"/proc/sys:/data"}, Command: []string{"true"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = sb.WaitStarted(conn)
	var failed *LaunchError
	if !errors.As(err, &failed) || failed.Report.Errno != int(syscall.EINVAL) || !strings.Contains(failed.Report.Detail, "cannot shift the owners on proc on ") || !strings.Contains(failed.Hint(), "ext4") {
		t.Errorf("the error is %v", err)
	}
}

// Programs that come later, and files that they open by name.
func TestExecInAnAutoSandbox(t *testing.T) {
	s := auto(t, 1)
	sb, _ := startSandbox(t, s, spec.Options{Rootfs: withUsers(t, busybox(t)), UserNS: spec.UserNSAuto, Command: []string{"sleep", "1000"}})
	for user, want := range map[string]string{"": "0 0", "fish": "1000 1001 2000"} {
		for _, tty := range []bool{false, true} {
			conn := dial(t, sb)
			name := "/dev/stdout"
			if tty {
				name = "$(tty)"
			}
			request := wire.ExecRequest{User: user, TTY: tty, Argv: []string{"sh", "-c", "echo $(id -u) $(id -G) > " + name}}
			if err := conn.Exec(request); err != nil {
				t.Fatal(err)
			}
			if o := watch(t, conn); strings.TrimSpace(o.output) != want || o.exit.Code != 0 {
				t.Errorf("user %q, terminal %v: %+v", user, tty, o)
			}
		}
	}
}

// The ids of a sandbox whose supervisor was killed are its own until it is
// removed, by what config.json says if all else is gone.
func TestAutoIDsOutliveACrash(t *testing.T) {
	s := auto(t, 2)
	o := spec.Options{Rootfs: busybox(t), UserNS: spec.UserNSAuto, Command: []string{"sleep", "1000"}}
	sb, conn := startSandbox(t, s, o)
	if err := syscall.Kill(sb.Keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for {
		if _, _, err := conn.Next(); err != nil {
			break
		}
	}
	for _, group := range sb.Groups { // as a restart of the machine does, with this and the next
		if err := cgroup.Remove(group.Directory()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(s.run(sb.ID)); err != nil {
		t.Fatal(err)
	}
	found, err := s.vacant()
	if err != nil {
		t.Fatal(err)
	}
	if found.UIDs[0].Outside != firstID+ids.Width {
		t.Errorf("%v are given, though %s has %v", found, sb.Name, sb.IDs)
	}
}
