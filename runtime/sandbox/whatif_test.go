package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"aquarium/runtime/observe"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

// whatIf is a stepped launch in which a test may leave steps out.
func whatIf(t *testing.T, s *Store, o spec.Options) *stepped {
	t.Helper()
	if !caller().Privileged {
		t.Skip("an outer mount namespace needs root") // CI runs it as root too
	}
	o.WhatIf, o.Name = true, "whatif"
	return newStepped(t, s, o)
}

// leaveOut skips the first step whose call begins so.
func (l *stepped) leaveOut(call string) {
	l.t.Helper()
	at := l.step(call)
	l.to(at)
	if err := l.conn.Skip(at); err != nil {
		l.t.Fatal(err)
	}
	l.next()
}

// step is the first step whose call begins so.
func (l *stepped) step(call string) int {
	l.t.Helper()
	at := slices.IndexFunc(l.plan.Steps, func(s step.Step) bool { return strings.HasPrefix(s.Call(), call) })
	if at < 0 {
		l.t.Fatalf("no step begins with %s", call)
	}
	return at
}

func TestWithoutPrivateMountsTheyLeakOutButNotToTheHost(t *testing.T) {
	s := newStore(t)
	l := whatIf(t, s, spec.Options{Rootfs: busybox(t)})
	host, err := observe.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	l.leaveOut(`mount(NULL, "/", NULL, MS_REC|MS_PRIVATE`)
	l.to(l.step(`mount("proc"`) + 1)
	root := filepath.Join(s.bundle(l.sb.ID), "root")
	outer, err := observe.Mounts(l.at.Outer)
	if err != nil {
		t.Fatal(err)
	}
	leaked := make(map[string]bool)
	for _, m := range outer {
		leaked[m.Point] = true
	}
	if !leaked[root] || !leaked[root+"/proc"] {
		t.Errorf("the outer mount namespace does not show what was mounted in the inner one: %v", outer)
	}
	if err := unchanged(host, filepath.Dir(s.Data)); err != nil {
		t.Error(err)
	}
	for l.end == nil {
		l.goOn()
	}
	if !strings.Contains(l.end.Error, "pivot_root") || !strings.Contains(l.end.Detail, "is shared") {
		t.Errorf("the launch ended with %q, want pivot_root's objection to shared mounts", l.end.Error)
	}
}

func TestWithPrivateMountsNothingLeaks(t *testing.T) {
	s := newStore(t)
	l := whatIf(t, s, spec.Options{Rootfs: busybox(t)})
	l.to(1)
	before, err := observe.Mounts(l.at.Outer)
	if err != nil {
		t.Fatal(err)
	}
	l.to(20)
	after, err := observe.Mounts(l.at.Outer)
	if err != nil {
		t.Fatal(err)
	}
	leaked := observe.Diff(observe.State{Mounts: before}, observe.State{Mounts: after})
	// What other tests have mounted goes here, too, with the directory that it is on.
	leaked = slices.DeleteFunc(leaked, func(c observe.Change) bool { return othersDid(c, filepath.Dir(s.Data)) })
	if len(leaked) > 0 {
		t.Errorf("the outer mount namespace has changed: %v", leaked)
	}
}

// TestWhatIsLeftOutIsSaid: a sandbox that lacks a step is not like others, and
// says so as long as there is anything of it.
func TestWhatIsLeftOutIsSaid(t *testing.T) {
	s := newStore(t)
	l := whatIf(t, s, spec.Options{Rootfs: busybox(t)})
	want := fmt.Sprintf("steps left out: %d mount, %d sethostname", l.step(`mount("shm"`)+1, l.step("sethostname(")+1)
	said := func(when string) {
		t.Helper()
		sb, err := s.Find(l.sb.ID)
		if err != nil || !slices.Equal(sb.Weaker, []string{want}) {
			t.Errorf("%s it is weaker by %q, %v; want %q", when, sb.Weaker, err, want)
		}
		if trace, err := sb.Trace(); err != nil || !slices.Equal(trace.Weaker, []string{want}) {
			t.Errorf("%s its trace says %q, %v; want %q", when, trace.Weaker, err, want)
		}
	}
	l.leaveOut(`mount("shm"`)
	l.leaveOut("sethostname(")
	said("on the way")
	for l.end == nil {
		l.goOn()
	}
	said("running")
	if err := l.sb.Stop(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	said("stopped")
}

// TestNoWayToTheHostInALaunchWhatIf tries what a step that is left out, or what
// the options give away, would let a program do to the host. Either is refused,
// and a program that runs all the same does nothing there.
func TestNoWayToTheHostInALaunchWhatIf(t *testing.T) {
	s, bb := newStore(t), busybox(t)
	fifo := filepath.Join(t.TempDir(), "fifo") // on a read-only mount it can be written all the same
	if err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.Mkdir(filepath.Dir(fifo)+"/dir", 0o700)); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0) // a writer would wait for it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	dir := filepath.Dir(fifo) + "/dir"
	const swappiness = "v=$(cat PROC/vm/swappiness) && echo $v >PROC/vm/swappiness && echo WROTE"
	for _, c := range []struct {
		name    string
		options spec.Options
		leave   []string // calls, or targets, of the steps to leave out
		try     string
	}{
		{"kernel's parameters", spec.Options{}, []string{"/proc/sys"}, strings.ReplaceAll(swappiness, "PROC", "/proc/sys")},
		{"old root stays", spec.Options{}, []string{"umount2("}, "echo bad >/.." + fifo + " && echo WROTE"},
		{"old root is the root", spec.Options{}, []string{"pivot_root(", "umount2("}, "echo bad >" + fifo + " && echo WROTE"},
		{"no root switch at all", spec.Options{}, []string{"chdir(", "pivot_root(", "umount2("}, "echo bad >" + fifo + " && echo WROTE"},
		{"chroot", spec.Options{RootSwitch: spec.Chroot}, []string{"chroot("}, "echo bad >" + fifo + " && echo WROTE"},
		{"remount", spec.Options{CapAdd: []string{"SYS_ADMIN"}, Unconfined: true}, []string{"pivot_root(", "umount2("}, "busybox mount -o remount,rw,bind / && touch " + dir + "/x && echo WROTE"},
		{"all capabilities", spec.Options{}, []string{"prctl(PR_CAPBSET_DROP", "prctl(PR_SET_SECCOMP"}, "busybox mount -o remount,rw,bind /proc/sys && " + strings.ReplaceAll(swappiness, "PROC", "/proc/sys")},
		{"pipe in a volume", spec.Options{Volumes: []string{filepath.Dir(fifo) + ":/v"}}, nil, "echo bad >/v/fifo && echo WROTE"},
		{"written rootfs", spec.Options{Writable: true}, nil, "echo bad >/x && echo WROTE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !caller().Privileged {
				t.Skip("an outer mount namespace needs root") // CI runs it as root too
			}
			c.options.Rootfs, c.options.Command, c.options.Remove = bb, []string{"sh", "-c", c.try + "; echo tried"}, true
			if err := checked(c.options).Check(); err != nil {
				t.Logf("refused: %v", err)
				return
			}
			l := whatIf(t, s, c.options)
			for _, call := range c.leave {
				at := l.stepOn(call)
				l.to(at)
				t.Logf("%s: %q", call, l.skip(at))
			}
			if out := l.finish(); strings.Contains(out, "WROTE") || !strings.Contains(out, "tried") {
				t.Errorf("the program put out %q", out)
			}
		})
	}
}

// TestWhateverIsLeftOutTheHostIsOutOfReach leaves out each step that may be,
// and then all that a program can do without. It tries all ways out.
func TestWhateverIsLeftOutTheHostIsOutOfReach(t *testing.T) {
	if !caller().Privileged {
		t.Skip("an outer mount namespace needs root") // CI runs it as root too
	}
	s := newStore(t)
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	const ways = `for root in "" /.. /proc/1/root; do echo bad >$root$VICTIM && echo WROTE; done
for file in /proc/sys/vm/swappiness /sys/kernel/mm/ksm/run; do v=$(cat $file) && echo $v >$file && echo WROTE; done
busybox mount -o remount,rw,bind / && echo WROTE; busybox mount -t proc proc /bin && echo WROTE; echo tried`
	o := spec.Options{Rootfs: busybox(t), Command: []string{"sh", "-c", ways}, Env: []string{"VICTIM=" + victim}, TTY: true, User: "1000", Remove: true}
	try := func(leave ...int) (out string) {
		l := whatIf(t, s, o)
		for l.end == nil {
			if at := l.at.Before; !slices.Contains(leave, at) {
				l.goOn()
			} else if refused := l.skip(at); refused != "" {
				t.Fatal(refused)
			}
		}
		if l.end.Error == "" {
			out = l.output()
		}
		if strings.Contains(out, "WROTE") {
			t.Errorf("without the steps %d, counted from 0, the program put out %q", leave, out)
		}
		return out
	}
	plan, err := s.Plan(checked(o))
	if err != nil {
		t.Fatal(err)
	}
	var needless []int // without which a program starts
	for at := range plan.Steps {
		if plan.Unskippable(at) == "" && strings.Contains(try(at), "tried") {
			needless = append(needless, at)
		}
	}
	if out := try(needless...); len(needless) < 8 || !strings.Contains(out, "tried") {
		t.Errorf("without the steps %d the program put out %q", needless, out)
	}
}

// checked is what a launch what-if of these options checks.
func checked(o spec.Options) spec.Options {
	o.Stepped, o.WhatIf = true, true
	if o.RootSwitch == "" {
		o.RootSwitch = spec.PivotRoot
	}
	return o
}

// stepOn is the first step whose call begins so, or that makes the target
// read-only.
func (l *stepped) stepOn(what string) int {
	l.t.Helper()
	if !strings.HasPrefix(what, "/") {
		return l.step(what)
	}
	at := slices.IndexFunc(l.plan.Steps, func(s step.Step) bool {
		op, ok := s.Op.(*step.ReadOnly)
		return ok && op.Target == what
	})
	if at < 0 {
		l.t.Fatalf("no step makes %s read-only", what)
	}
	return at
}

// skip leaves out the step that the launch stands before, or says why that was
// refused.
func (l *stepped) skip(at int) (refused string) {
	l.t.Helper()
	if err := l.conn.Skip(at); err != nil {
		l.t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { l.conn.Close() })
	defer timer.Stop()
	for {
		kind, payload, err := l.conn.Next()
		if err != nil {
			l.t.Fatalf("waiting for what came of leaving out step %d: %v", at+1, err)
		}
		switch kind {
		case wire.Done:
			var report wire.ErrorReport
			err = json.Unmarshal(payload, &report)
			refused = report.Error
		case wire.Before:
			l.at = wire.StepReport{}
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
		return refused
	}
}

// finish goes on to the end, and returns what the program put out.
func (l *stepped) finish() string {
	l.t.Helper()
	for l.end == nil {
		l.goOn()
	}
	if l.end.Error != "" {
		l.t.Fatal(l.end.Error)
	}
	return l.output()
}

// output is what the program puts out to its end.
func (l *stepped) output() string {
	l.t.Helper()
	if err := l.conn.Attach(wire.AttachRequest{History: true, Follow: true}); err != nil {
		l.t.Fatal(err)
	}
	return watch(l.t, l.conn).output
}

func TestSomeStepsCannotBeLeftOut(t *testing.T) {
	s := newStore(t)
	l := newStepped(t, s, spec.Options{Rootfs: busybox(t), Name: "strict"})
	l.to(1)
	if err := l.conn.Skip(1); err != nil {
		t.Fatal(err)
	}
	for {
		kind, payload, err := l.conn.Next()
		if err != nil || kind == wire.Before {
			t.Fatalf("skipping was not refused: %q, %v", kind, err)
		}
		if kind == wire.Done {
			if !strings.Contains(string(payload), "outer mount namespace") {
				t.Errorf("it was refused with %s", payload)
			}
			break
		}
	}
	if l.running(s).Status != supervisor.Created {
		t.Error("the launch does not wait any more")
	}
}
