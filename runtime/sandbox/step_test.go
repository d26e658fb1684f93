package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aquarium/runtime/observe"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// stepped is a launch that a test leads.
type stepped struct {
	t    *testing.T
	conn *supervisor.Conn
	sb   Sandbox
	plan step.Plan
	at   wire.StepReport
	end  *wire.StartedReport
}

func newStepped(t *testing.T, s *Store, o spec.Options) *stepped {
	t.Helper()
	o.Stepped = true
	if o.Command == nil {
		o.Command = []string{"sleep", "1000"}
	}
	sb, conn, err := s.Launch(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	l := &stepped{t: t, conn: conn, sb: sb}
	l.next()
	trace, err := sb.Trace()
	if err == nil {
		l.plan, err = trace.Plan()
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// next waits for the next halt, or the end of the launch.
func (l *stepped) next() {
	l.t.Helper()
	l.at = wire.StepReport{}
	timer := time.AfterFunc(time.Minute, func() { l.conn.Close() })
	defer timer.Stop()
	for {
		kind, payload, err := l.conn.Next()
		if err != nil {
			l.t.Fatalf("waiting for a step: %v", err)
		}
		switch kind {
		case wire.Before:
			err = json.Unmarshal(payload, &l.at)
		case wire.Started:
			l.end = new(wire.StartedReport)
			err = json.Unmarshal(payload, l.end)
		default:
			continue
		}
		if err != nil {
			l.t.Fatal(err)
		}
		return
	}
}

func (l *stepped) goOn() {
	l.t.Helper()
	if err := l.conn.GoOn(l.at.Before); err != nil {
		l.t.Fatal(err)
	}
	l.next()
}

// to goes on until the launch stands before a step.
func (l *stepped) to(index int) {
	l.t.Helper()
	for l.at.Before < index && l.end == nil {
		l.goOn()
	}
	if l.end != nil {
		l.t.Fatalf("the launch ended before step %d: %s", index+1, l.end.Error)
	}
}

// TestStepThroughALaunch checks after every step what the kernel says of it.
func TestStepThroughALaunch(t *testing.T) {
	for _, o := range []spec.Options{
		{},
		{TTY: true, Cols: 100, Rows: 30, Workdir: "/bin"},
		{RootSwitch: spec.Chroot, Volumes: []string{"/etc:/host-etc:ro"}},
		{Share: []string{"net"}, ReadOnly: true},
	} {
		t.Run(fmt.Sprintf("%s tty=%v", o.RootSwitch, o.TTY), func(t *testing.T) {
			s := newStore(t)
			o.Rootfs, o.Name, o.Hostname = busybox(t), "stepped", "reef"
			l := newStepped(t, s, o)
			host, err := observe.Read(os.Getpid())
			if err != nil {
				t.Fatal(err)
			}
			for i, done := range l.plan.Steps {
				before := l.at.State
				if l.at.Before != i || before == nil {
					t.Fatalf("the launch stands before step %d, want %d", l.at.Before+1, i+1)
				}
				l.goOn()
				if l.end != nil && l.end.Error != "" {
					t.Fatal(l.end.Error)
				}
				after := l.at.State
				if l.end != nil { // the program runs
					state, err := observe.Read(l.end.PID)
					if err != nil {
						t.Fatal(err)
					}
					after = &state
				} else if e := l.at.Events[i]; e.Seq != i || e.Errno != 0 {
					t.Errorf("the event of step %d is %+v", i+1, e)
				}
				if err := confirm(done, l.at, host, *before, *after); err != nil {
					t.Errorf("after step %d, %s: %v", i+1, done.Call(), err)
				}
				if err := unchanged(host, filepath.Dir(s.Data)); err != nil {
					t.Errorf("after step %d, %s: %v", i+1, done.Call(), err)
				}
			}
			if l.end == nil {
				t.Error("the launch has not ended with its last step")
			}
		})
	}
}

// unchanged: whatever the step did, the host is as before.
func unchanged(host observe.State, own string) error {
	now, err := observe.Read(os.Getpid())
	if err != nil {
		return err
	}
	for _, c := range observe.Diff(host, now) {
		if othersDid(c, own) {
			continue
		}
		switch c.Kind {
		case "mount", "mount options", "mount point", "propagation", "hostname", "root", "address", "interface":
			return fmt.Errorf("the host has changed: %v", c)
		}
	}
	return nil
}

// othersDid: tests that run beside this one mount in directories of their own,
// and connect sandboxes to bridges; see network.Take for their names.
func othersDid(c observe.Change, own string) bool {
	switch c.Kind {
	case "interface":
		return strings.HasPrefix(c.Name, "aq-") || strings.HasPrefix(c.Name, "v")
	case "address":
		return strings.Contains(c.String(), "10.101.") || strings.Contains(c.String(), "fe80::")
	}
	return strings.HasPrefix(c.Name, os.TempDir()+"/") && !strings.HasPrefix(c.Name, own)
}

// confirm compares what the kernel knows of init with what a step is for.
func confirm(done step.Step, at wire.StepReport, host, before, after observe.State) error {
	want := func(ok bool, what string, got any) error {
		if !ok {
			return fmt.Errorf("%s: the kernel says %v", what, got)
		}
		return nil
	}
	mounts := func(point string) (m observe.Mount, ok bool) {
		for _, m := range after.Mounts { // the last one is on top
			if m.Point == point {
				return m, true
			}
		}
		return m, false
	}
	switch op := done.Op.(type) {
	case *step.Clone:
		for _, kind := range observe.Kinds() {
			shared := !strings.Contains(done.Lands(), " "+kind)
			if (host.Namespaces[kind] == after.Namespaces[kind]) != shared {
				return fmt.Errorf("namespace %s: the host's is %d, init's %d", kind, host.Namespaces[kind], after.Namespaces[kind])
			}
		}
		return want(len(after.Processes) == 1 && after.Processes[0].Inside == 1, "init is PID 1 and alone", after.Processes)
	case *step.Mount:
		if op.Flags&syscall.MS_PRIVATE != 0 {
			for _, m := range after.Mounts {
				if m.Propagation != "private" {
					return fmt.Errorf("%s is %s", m.Point, m.Propagation)
				}
			}
			return nil
		}
		m, ok := mounts(op.Root + op.Target)
		readOnly := strings.HasPrefix(m.Options, "ro")
		return want(ok && (op.Type == "" || m.Type == op.Type) && readOnly == (op.Flags&syscall.MS_RDONLY != 0), "it is mounted at "+op.Root+op.Target, m)
	case *step.Console:
		m, ok := mounts(op.Root + "/dev/console")
		return want(ok && m.Type == "devpts", "the console is mounted", m)
	case *step.Mask:
		m, ok := mounts(op.Root + op.Target)
		idle := len(at.Events) > 0 && at.Events[len(at.Events)-1].Idle
		return want(ok != idle, "it is covered, or not there", m)
	case *step.BindDevices:
		for _, d := range op.Devices {
			info, err := os.Stat(fmt.Sprintf("/proc/%d/root%s%s/%s", at.PID, op.Root, op.Dir, d.Name))
			if err != nil || info.Mode()&os.ModeCharDevice == 0 || info.Mode().Perm() != 0o666 {
				return fmt.Errorf("device %s: %v %v", d.Name, info, err)
			}
		}
	case *step.MountAttributes:
		m, ok := mounts(op.Target)
		option := map[step.MountFlags]string{syscall.MS_NODEV: "nodev", syscall.MS_RDONLY: "ro"}[op.Flags]
		return want(ok && option != "" && slices.Contains(strings.Split(m.Options, ","), option), "it has the options", m)
	case *step.Sethostname:
		return want(after.Hostname == op.Name && before.Hostname != op.Name, "the hostname is "+op.Name, after.Hostname)
	case *step.LinkUp:
		return want(len(before.Addresses) == 0 && strings.HasPrefix(strings.Join(after.Addresses, " "), "127.0.0.1"), "the loopback interface is up", after.Addresses)
	case *step.Chdir:
		if op.Path != "/" {
			return want(after.Cwd == op.Path, "the working directory is "+op.Path, after.Cwd)
		}
		m, ok := mounts("/")
		return want(after.Cwd == after.Root && ok && m.Type == "overlay", "init stands in the new root", m)
	case *step.Chroot:
		return want(strings.HasSuffix(after.Root, "/root") && len(after.Mounts) < len(before.Mounts), "the root is the new one", after.Root)
	case *step.PivotRoot:
		last := before.Mounts[len(before.Mounts)-1] // init's own: of the others, some may go with another test's directories
		i := slices.IndexFunc(after.Mounts, func(m observe.Mount) bool { return m.ID == last.ID })
		return want(after.Root == "/" && i >= 0 && after.Mounts[i].Point != last.Point, "every mount has moved", after.Mounts)
	case *step.Umount:
		for _, m := range after.Mounts {
			if m.Type == "ext4" && m.Point == "/" {
				return fmt.Errorf("the host's root is still there: %v", m)
			}
		}
		return want(len(after.Mounts) < len(before.Mounts), "the host's mounts are gone", after.Mounts)
	case *step.Umask:
		mask, err := strconv.ParseUint(after.User.Umask, 8, 32)
		return want(err == nil && uint32(mask) == op.Mask, "the mask is set", after.User.Umask)
	case *step.Bounding:
		mask, err := strconv.ParseUint(after.User.Bounding, 16, 64)
		return want(err == nil && mask != 0 && after.User.Bounding != before.User.Bounding, "capabilities are gone", after.User.Bounding)
	case *step.User:
		return want(len(strings.Fields(after.User.UIDs)) == 4, "the user is set", after.User)
	case *step.NoNewPrivs:
		return want(!before.User.NoNewPrivs && after.User.NoNewPrivs, "no_new_privs is on", after.User)
	case *step.Seccomp:
		return want(!before.User.Seccomp && after.User.Seccomp, "the filter is in force", after.User)
	case *step.Exec:
		return want(after.Program == strings.Join(op.Argv, " ") && after.PID == before.PID, "the program runs, as the same process", after.Program)
	case *step.Unshare:
		return want(after.Namespaces["cgroup"] != before.Namespaces["cgroup"], "the cgroup namespace is new", after.Namespaces)
	case *step.Cgroup:
		for _, g := range op.Groups {
			if _, err := os.Stat(g.Directory()); err != nil {
				return err
			}
		}
	case *step.Symlink:
		for _, l := range op.Links {
			target, err := os.Readlink(fmt.Sprintf("/proc/%d/root%s%s/%s", at.PID, op.Root, op.Dir, l.Name))
			if err != nil || target != l.Target {
				return fmt.Errorf("link %s leads to %q, %v", l.Name, target, err)
			}
		}
	case *step.ReadOnly:
		m, ok := mounts(op.Root + op.Target)
		idle := len(at.Events) > 0 && at.Events[len(at.Events)-1].Idle
		return want(ok != idle && (idle || strings.HasPrefix(m.Options, "ro,")), "it is mounted read-only, or not there", m)
	case *step.Hierarchies:
		for _, name := range op.Names {
			if m, ok := mounts(op.Root + op.Target + "/" + name); !ok || m.Type != "cgroup" || !strings.HasPrefix(m.Options, "ro") {
				return fmt.Errorf("hierarchy %s: %+v", name, m)
			}
		}
	case *step.Rlimits:
		for _, l := range op.Limits {
			if soft, err := softLimit(at.PID, l.Name); err != nil || soft != strconv.FormatUint(l.Soft, 10) {
				return fmt.Errorf("%s is %q, %v", l.Name, soft, err)
			}
		}
	case *step.OOMScore:
		score, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", at.PID))
		return want(err == nil && string(score) == fmt.Sprintln(op.Adjust), "the score is set", string(score))
	case *step.Workdir:
		return want(after.Cwd == filepath.Join(after.Root, op.Path), "the working directory is "+op.Path, after.Cwd)
	case *step.Keyring: // keys are shown to their own session only
	default:
		return fmt.Errorf("nothing is known of what %T does", op)
	}
	return nil
}

// softLimit is a process's own limit, as proc_pid_limits(5) shows it.
func softLimit(pid int, name string) (string, error) {
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return "", err
	}
	title := map[string]string{"RLIMIT_CORE": "Max core file size", "RLIMIT_NOFILE": "Max open files"}[name]
	for line := range strings.Lines(string(table)) {
		if rest, ok := strings.CutPrefix(line, title+" "); ok && title != "" {
			return strings.Fields(rest)[0], nil
		}
	}
	return "", fmt.Errorf("no line of %s", name)
}

// nothingLeft: no directory, no socket, no name, and no process.
func nothingLeft(t *testing.T, s *Store, pids ...int) {
	t.Helper()
	for _, dir := range []string{s.sandboxes(), s.names(), s.failed()} {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s still holds %v", dir, left)
		}
	}
	left, err := filepath.Glob(s.Run + "/*/*")
	if err != nil || len(left) > 0 {
		t.Errorf("%s still holds %v (%v)", s.Run, left, err)
	}
	for _, pid := range pids {
		if pid == 0 {
			continue
		}
		gone := eventually(func() bool { _, err := supervisor.StartTime(pid); return err != nil })
		if !gone {
			t.Errorf("process %d is still there", pid)
		}
	}
}

// eventually asks until the answer is yes, for a while.
func eventually(ask func() bool) bool {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if ask() {
			return true
		}
	}
	return false
}

func TestAbortBeforeEachStepLeavesNothing(t *testing.T) {
	s := newStore(t)
	rootfs := busybox(t)
	count := 1
	for i := 0; i < count; i++ {
		l := newStepped(t, s, spec.Options{Rootfs: rootfs, Name: "aborted", TTY: true})
		count = len(l.plan.Steps)
		l.to(i)
		pid, sb := l.at.PID, l.running(s)
		if err := l.conn.Abort(); err != nil {
			t.Fatal(err)
		}
		l.next()
		if l.end == nil || !l.end.Aborted || l.end.Error != fmt.Sprintf("aborted before step %d", i+1) {
			t.Fatalf("abort before step %d: %+v", i+1, l.end)
		}
		nothingLeft(t, s, pid, sb.Keeper)
	}
	if count < 20 {
		t.Errorf("there were only %d steps", count)
	}
}

// running is the sandbox as others see it.
func (l *stepped) running(s *Store) Sandbox {
	l.t.Helper()
	sb, err := s.Find(l.sb.ID)
	if err != nil || sb.Status != supervisor.Created {
		l.t.Fatalf("the sandbox is %s, %v", sb.Status, err)
	}
	return sb
}

func TestKillsDuringAStepLeaveNothing(t *testing.T) {
	for name, kill := range map[string]func(Sandbox) error{
		"signal": func(sb Sandbox) error { return sb.Signal(syscall.SIGKILL) },
		"stop":   func(sb Sandbox) error { return sb.Stop(t.Context(), time.Second) },
		"remove": func(sb Sandbox) error { return sb.Remove(t.Context(), true) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			killBefore(t, s, busybox(t), 5, kill)
		})
	}
}

// TestKillsBeforeEachStepLeaveNothing kills those without whom a launch cannot
// go on, at every point of it.
func TestKillsBeforeEachStepLeaveNothing(t *testing.T) {
	for name, kill := range map[string]func(Sandbox) error{
		"init":       func(sb Sandbox) error { return killOne(sb.PID) },
		"supervisor": func(sb Sandbox) error { return killOne(sb.Keeper) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			told := noticing(s)
			root := busybox(t)
			// The clone makes init. Its end costs a trace of all that was seen: not each.
			first, every := map[string]int{"init": afterClone(t, s, root)}[name], map[string]int{"init": 5, "supervisor": 1}[name]
			for i, count := first, first+1; i < count; i += every {
				count = killBefore(t, s, root, i, kill)
				want := map[string]int{"supervisor": i + 1}[name] // it cleans up after init itself
				if lines := told(); len(lines) != want {
					t.Fatalf("after step %d: told %d lines, want %d: %q", i, len(lines), want, lines)
				}
			}
		})
	}
}

// killOne kills a process; 0 would be the whole group of this one.
func killOne(pid int) error {
	if pid <= 0 {
		return fmt.Errorf("kill process %d: there is none yet", pid)
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// afterClone is the first step before which there is an init.
func afterClone(t *testing.T, s *Store, root string) int {
	t.Helper()
	plan, err := s.Plan(spec.Options{Rootfs: root})
	if err != nil {
		t.Fatal(err)
	}
	return 1 + slices.IndexFunc(plan.Steps, func(s step.Step) bool {
		_, clones := s.Op.(*step.Clone)
		return clones
	})
}

// killBefore leads a launch up to a step, kills, and has everything settled.
// It returns how many steps there are.
func killBefore(t *testing.T, s *Store, root string, index int, kill func(Sandbox) error) (steps int) {
	t.Helper()
	l := newStepped(t, s, spec.Options{Rootfs: root, Name: "killed", TTY: true})
	l.to(index)
	sb := l.running(s)
	if err := kill(sb); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { _, err := supervisor.StartTime(sb.Keeper); return err != nil }) {
		t.Error("the supervisor still waits")
	}
	s.Sweep()
	os.RemoveAll(s.failed()) // the trace is kept, as of any launch that failed
	nothingLeft(t, s, l.at.PID, sb.Keeper)
	return len(l.plan.Steps)
}

func TestALaunchIsLeftAndTakenUpAgain(t *testing.T) {
	s := newStore(t)
	l := newStepped(t, s, spec.Options{Rootfs: busybox(t), Name: "left", Command: []string{"echo", "here"}})
	l.to(7)
	l.conn.Close()
	sb := l.running(s)
	again := &stepped{t: t, conn: dial(t, sb), sb: sb, plan: l.plan}
	if err := again.conn.Watch(); err != nil {
		t.Fatal(err)
	}
	again.next()
	if again.at.Before != 7 || again.at.PID != l.at.PID || len(again.at.Events) != 7 {
		t.Fatalf("it stands before step %d with %d events, want 8 with 7", again.at.Before+1, len(again.at.Events))
	}
	if err := again.conn.GoOn(3); err != nil { // about a step that is past
		t.Fatal(err)
	}
	again.to(9)
	second := dial(t, sb)
	if err := second.GoOn(9); err != nil { // anyone may lead
		t.Fatal(err)
	}
	again.next()
	if again.at.Before != 10 {
		t.Fatalf("it stands before step %d, want 11", again.at.Before+1)
	}
	for again.end == nil {
		again.goOn()
	}
	if err := again.conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
		t.Fatal(err)
	}
	if o := watch(t, again.conn); o.output != "here\n" || o.exit.Code != 0 {
		t.Errorf("the program put out %q and ended with %d", o.output, o.exit.Code)
	}
	again.checkTrace()
}

// checkTrace: the trace holds the state before every step.
func (l *stepped) checkTrace() {
	l.t.Helper()
	trace, err := l.sb.Trace()
	if err != nil {
		l.t.Fatal(err)
	}
	if len(trace.States) < len(trace.Steps) || len(trace.Events) != len(trace.Steps) {
		l.t.Errorf("%d steps, %d events, %d states", len(trace.Steps), len(trace.Events), len(trace.States))
	}
	entries, err := trace.Entries()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Text, "sethostname") && (len(e.Changed) != 1 || e.Changed[0].Kind != "hostname" || e.Changed[0].After != "left") {
			l.t.Errorf("%s changed %v", e.Text, e.Changed)
		}
	}
}

// TestTraceIsWholeAtTheStart asks for the trace as soon as the program is said
// to run, of many sandboxes at once: their supervisors are kept waiting then.
func TestTraceIsWholeAtTheStart(t *testing.T) {
	s, bb := newStore(t), busybox(t)
	var launches sync.WaitGroup
	for range 24 {
		launches.Go(func() {
			sb, conn, err := s.Launch(spec.Options{Rootfs: bb, Command: []string{"sleep", "1000"}})
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if err := sb.WaitStarted(conn); err != nil {
				t.Error(err)
				return
			}
			trace, err := sb.Trace()
			if err != nil || len(trace.Events) == 0 || len(trace.Events) != len(trace.Steps) {
				t.Errorf("it has %d of %d steps, %v", len(trace.Events), len(trace.Steps), err)
			}
		})
	}
	launches.Wait()
}
