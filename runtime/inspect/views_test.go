package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNamespacesAreThoseOfLsns(t *testing.T) {
	t.Parallel()
	c := start(t, "quiet", everyNamespace)
	all, err := c.Namespaces()
	if err != nil {
		t.Fatal(err)
	}
	var listed struct {
		Namespaces []struct {
			NS   json.Number
			Type string
		}
	}
	// lsns gives up when a process ends while it looks: ask again.
	for deadline := time.Now().Add(time.Minute); len(listed.Namespaces) < 7; {
		if time.Now().After(deadline) {
			t.Fatalf("lsns lists only %v", listed)
		}
		document, err := exec.Command("lsns", "-J", "--list", "-p", itoa(c.PID)).Output()
		if err != nil {
			continue
		}
		if err := json.Unmarshal(document, &listed); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range listed.Namespaces {
		if got := fmt.Sprint(all[n.Type].Inode); got != n.NS.String() {
			t.Errorf("%s namespace is %s, lsns says %s", n.Type, got, n.NS)
		}
	}
	for _, kind := range Kinds {
		shared := kind == "time" || kind == "user" && os.Geteuid() == 0
		if all[kind].Shared != shared {
			t.Errorf("%s namespace: shared is %t, want %t", kind, all[kind].Shared, shared)
		}
		if kind != "user" && !shared && all[kind].Owner != all["user"].Inode {
			t.Errorf("%s namespace is owned by %d, want %d", kind, all[kind].Owner, all["user"].Inode)
		}
	}
	if creator := all["user"].Creator; os.Geteuid() != 0 && (creator == nil || *creator != os.Getuid()) {
		t.Errorf("the user namespace was created by %v, want %d", creator, os.Getuid())
	}
}

func TestMatrixGroupsProcessesByNamespaces(t *testing.T) {
	t.Parallel()
	c := start(t, "processes", everyNamespace)
	m, err := c.Matrix(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Namespaces()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Groups, func(r Row) bool { return r.PID == c.PID })
	if i < 0 {
		t.Fatalf("no group begins with process %d: %+v", c.PID, m.Groups)
	}
	row := m.Groups[i]
	for _, kind := range Kinds {
		if row.ByKind[kind] != all[kind].Inode || row.Shared[kind] != all[kind].Shared {
			t.Errorf("%s: %d, shared %t; want %+v", kind, row.ByKind[kind], row.Shared[kind], all[kind])
		}
	}
	if row.Count != 2 { // the third is in a pid namespace of its own, the fourth ended
		t.Errorf("%d processes, want 2", row.Count)
	}
	m.Complete(all)
	if with := all["net"].SharedWith; len(with) != 1 {
		t.Errorf("the network namespace is shared with %q, want the nested process", with)
	}
	if with := all["pid"].SharedWith; len(with) != 0 {
		t.Errorf("the pid namespace is shared with %q", with)
	}
}

func TestProcessesAreThoseOfPs(t *testing.T) {
	t.Parallel()
	c := start(t, "processes", everyNamespace)
	view, err := c.Processes(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	byPID := make(map[int]Process)
	for _, p := range view.List {
		byPID[p.PID] = p
	}
	lines(strings.TrimSpace(c.enter(t, "-p -m", "ps", "-e", "-o", "pid=,ppid=,stat=,uid=,comm=")), func(line string) {
		fields := strings.Fields(line)
		pid, _ := strconv.Atoi(fields[0])
		p, ok := byPID[pid]
		if fields[4] == "ps" {
			return
		}
		delete(byPID, pid)
		inside := map[string]string{"0": "root"}[fields[3]]
		if !ok || itoa(p.Parent) != fields[1] || p.User != inside || (p.State == "zombie") != (fields[2][0] == 'Z') {
			t.Errorf("ps shows %q, the view %+v", line, p)
		}
	})
	if len(byPID) > 0 {
		t.Errorf("ps does not show %+v", byPID)
	}
	var hostile, nested, zombie int
	fmt.Sscan(c.said, &hostile, &nested, &zombie)
	for _, p := range view.List {
		switch p.PID {
		case 1:
			if p.HostPID != c.PID || p.Depth != 0 {
				t.Errorf("PID 1 is %+v, want process %d at the top", p, c.PID)
			}
		case hostile:
			if p.Command != "/bin/\x1b[31mred a b )\n1 (x" || p.Depth != 1 {
				t.Errorf("the hostile process is %+v", p)
			}
		case nested:
			if !p.Nested {
				t.Errorf("%+v does not tell that it is nested", p)
			}
		case zombie:
			if p.State != "zombie" || p.Command != "[exe]" {
				t.Errorf("the zombie is %+v", p)
			}
		}
	}
	if !slices.Contains(view.Ignored, "SIGUSR1") || !slices.Contains(view.Caught, "SIGUSR2") {
		t.Errorf("PID 1 ignores %v and catches %v, want SIGUSR1 and SIGUSR2 among them", view.Ignored, view.Caught)
	}
}

func TestMountsAreThoseOfFindmnt(t *testing.T) {
	t.Parallel()
	c := start(t, "mounts", everyNamespace)
	view, err := c.Mounts(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	var listed struct {
		Filesystems []struct{ Target, Source, FSType, Propagation string }
	}
	found := output(t, "findmnt", "-J", "-l", "-v", "-N", itoa(c.PID), "-o", "TARGET,SOURCE,FSTYPE,PROPAGATION")
	if err := json.Unmarshal([]byte(found), &listed); err != nil {
		t.Fatal(err)
	}
	// What other tests had mounted goes here, too, with the directory that it is on.
	others := func(target string) bool {
		return strings.HasPrefix(target, os.TempDir()+"/") && !strings.HasPrefix(target, c.said)
	}
	count := make(map[string]int)
	for _, f := range listed.Filesystems {
		if others(f.Target) {
			continue
		}
		kind, _, _ := strings.Cut(f.Propagation, ",")
		count[f.Target+" "+f.FSType+" "+kind]++
	}
	for _, m := range view.List {
		if others(m.Target) {
			continue
		}
		kind, _, _ := strings.Cut(m.Propagation[0], " ")
		if kind == "slave" {
			kind = "private" // findmnt says "private,slave"
		}
		count[m.Target+" "+m.Type+" "+kind]--
	}
	for mount, n := range count {
		if n != 0 {
			t.Errorf("findmnt has %q %d times more than the view", mount, n)
		}
	}
	checkMounts(t, view, c.said)
}

func checkMounts(t *testing.T, view *Mounts, dir string) {
	t.Helper()
	find := func(target, source string) Mount {
		i := slices.IndexFunc(view.List, func(m Mount) bool { return m.Target == filepath.Join(dir, target) && m.Source == source })
		if i < 0 {
			t.Fatalf("no mount of %s on %s", source, target)
		}
		return view.List[i]
	}
	if below, above := find("over", "below"), find("over", "above"); !below.Overmounted || above.Overmounted {
		t.Errorf("over-mounted are %t below and %t above, want true and false", below.Overmounted, above.Overmounted)
	}
	if odd := find("odd \n name", "odd"); odd.FromHost {
		t.Errorf("%+v is from the host", odd)
	}
	shared, bound := find("shared", "shared"), find("bound", "shared")
	group, ok := strings.CutPrefix(shared.Propagation[0], "shared in group ")
	if !ok || !slices.Equal(bound.Propagation, []string{"slave of group " + group}) {
		t.Errorf("propagation is %v and %v, want a group and its slave", shared.Propagation, bound.Propagation)
	}
	root := slices.IndexFunc(view.List, func(m Mount) bool { return m.Target == "/" })
	if root < 0 || !view.List[root].FromHost || !view.List[root].AsOnHost {
		t.Errorf("the root does not show as the host's: %+v", view.List)
	}
}

func TestHostnameAndIPCAreThoseOfTheTools(t *testing.T) {
	t.Parallel()
	c := start(t, "names", everyNamespace)
	view, err := c.IPC()
	if err != nil {
		t.Fatal(err)
	}
	if view.Hostname != "reef" || view.Domain != "sea" {
		t.Errorf("names are %q and %q, want reef and sea", view.Hostname, view.Domain)
	}
	if len(view.Queues) != 1 || len(view.Semaphores) != 1 || len(view.SharedMemory) != 1 || len(view.Unknown) > 0 {
		t.Fatalf("%+v: want one object of each kind", view)
	}
	queue, semaphores, memory := view.Queues[0], view.Semaphores[0], view.SharedMemory[0]
	for flags, want := range map[string][]string{
		"-q": {fmt.Sprintf("%#08x", queue.Key), itoa(queue.ID), queue.Mode, itoa(queue.Bytes), itoa(queue.Messages)},
		"-s": {fmt.Sprintf("%#08x", semaphores.Key), itoa(semaphores.ID), semaphores.Mode, itoa(semaphores.Semaphores)},
		"-m": {fmt.Sprintf("%#08x", memory.Key), itoa(memory.ID), memory.Mode, itoa(memory.Bytes), itoa(memory.Attached)},
	} {
		listed := strings.Split(strings.TrimSpace(c.enter(t, "-i", "ipcs", flags)), "\n")
		fields := strings.Fields(listed[len(listed)-1])
		if len(fields) < 5 || !slices.Equal(slices.Delete(fields, 2, 3), want) {
			t.Errorf("ipcs %s shows %q, the view %q", flags, listed[len(listed)-1], want)
		}
	}
	if queue.Bytes != 5 || semaphores.Semaphores != 3 || memory.Attached != 1 || memory.Creator != c.PID {
		t.Errorf("objects are %+v, %+v, %+v", queue, semaphores, memory)
	}
	if !slices.Equal(view.PosixQueues, []PosixQueue{{"/shoal", 5}}) {
		t.Errorf("POSIX queues are %+v, want /shoal with 5 bytes", view.PosixQueues)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	c := start(t, "quiet", everyNamespace)
	u, err := c.Users()
	if err != nil {
		t.Fatal(err)
	}
	if u.UID != 0 || u.HostUID != os.Geteuid() || u.Seccomp != "off" || u.NoNewPrivs {
		t.Errorf("%+v: want uid 0 inside, %d outside", u, os.Geteuid())
	}
	if os.Geteuid() != 0 && (!slices.Equal(u.UIDs, []Range{{0, os.Getuid(), 1}}) || u.SetGroups != "deny") {
		t.Errorf("maps are %v, setgroups %q", u.UIDs, u.SetGroups)
	}
	if !slices.Contains(u.Effective, "CAP_SYS_ADMIN") || len(u.Ambient) != 0 {
		t.Errorf("effective capabilities are %v, ambient %v", u.Effective, u.Ambient)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	c := start(t, "quiet", everyNamespace)
	l, err := c.Limits()
	if err != nil {
		t.Fatal(err)
	}
	var want unix.Rlimit
	if err := unix.Prlimit(c.PID, unix.RLIMIT_NOFILE, nil, &want); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(l.Resources, func(r Resource) bool { return r.Name == "Max open files" })
	if i < 0 || l.Resources[i] != (Resource{"Max open files", fmt.Sprint(want.Cur), fmt.Sprint(want.Max), "files"}) {
		t.Errorf("limits are %+v, want %d and %d open files", l.Resources, want.Cur, want.Max)
	}
	text, err := os.ReadFile("/proc/" + itoa(c.PID) + "/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Cgroups) != strings.Count(string(text), "\n") {
		t.Errorf("cgroups are %+v, want those of\n%s", l.Cgroups, text)
	}
	for _, g := range l.Cgroups {
		if !g.Shared { // the child was started here
			t.Errorf("cgroup %+v does not show as shared", g)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	c := start(t, "quiet", everyNamespace)
	e, err := c.Environment()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(e.Variables, childVariable+"=quiet") || !slices.Equal(e.Arguments, []string{"/proc/self/exe"}) {
		t.Errorf("variables %q, arguments %q", e.Variables, e.Arguments)
	}
	wd, _ := os.Getwd()
	self, _ := os.Executable()
	if e.Cwd != wd || e.Root != "/" || e.Executable != self {
		t.Errorf("%q, %q, %q: want %q, /, %q", e.Cwd, e.Root, e.Executable, wd, self)
	}
	if len(e.Descriptors) < 3 || !strings.HasPrefix(e.Descriptors[0].Target, "pipe:[") || e.Descriptors[0].Flags != "r" || e.Descriptors[1].Flags != "w" {
		t.Errorf("descriptors are %+v", e.Descriptors)
	}
	if len(e.Denied)+len(e.Hung)+len(e.Partial) > 0 {
		t.Errorf("%+v has missing parts", e)
	}
}

func TestFilesStayInTheRootAndTellTheirLayer(t *testing.T) {
	t.Parallel()
	c := start(t, "files", everyNamespace)
	t.Cleanup(func() { os.Chmod(filepath.Join(c.said, "work/work"), 0o700) }) // overlay makes it 000
	dir, err := c.List("/../..")
	if err != nil {
		t.Fatal(err)
	}
	layers := make(map[string]string)
	for _, e := range dir.Entries {
		layers[e.Name] = e.Layer
		if e.UID != 0 || e.HostUID != os.Geteuid() {
			t.Errorf("%+v: want the owner 0 inside, %d outside", e, os.Geteuid())
		}
	}
	want := map[string]string{"kept": "lower", "proc": "lower", "changed": "upper", "new": "upper", "out": "upper", "absolute": "upper", "pipe": "upper", "\x1b[2J": "upper"}
	if fmt.Sprint(layers) != fmt.Sprint(want) {
		t.Errorf("layers are %q, want %q", layers, want)
	}
	if !slices.Equal(dir.Removed, []string{"removed"}) {
		t.Errorf("removed are %q", dir.Removed)
	}
	if content, size, err := c.ReadFile("/absolute", 1, 3); string(content) != "elo" || size != 5 || err != nil {
		t.Errorf("ReadFile gives %q, %d, %v", content, size, err)
	}
	if _, _, err := c.ReadFile("/out", 0, 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link that leads out: %v, want that it does not exist", err)
	}
	if _, _, err := c.ReadFile("/pipe", 0, 100); !errors.Is(err, errNotRegular) {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := c.List("/kept"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file as a directory: %v", err)
	}
}

func TestWhatHangsIsLeft(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		// fuse_allow_current_process: an ordinary user's FUSE answers EACCES
		// outside of its own user namespace, so it cannot hang an onlooker.
		t.Skip("an ordinary user's FUSE lets nobody look in") // CI runs it as root too
	}
	if err := unix.Access("/dev/fuse", unix.R_OK|unix.W_OK); err != nil {
		skipOrFail(t, "open /dev/fuse: "+err.Error())
	}
	c := start(t, "hang", everyNamespace)
	begin := time.Now()
	for range 3 { // the second and third must not wait again
		if _, err := c.List(c.said); !errors.Is(err, ErrHangs) {
			t.Fatalf("a directory that does not answer: %v", err)
		}
	}
	if took := time.Since(begin); took > 2*patience {
		t.Errorf("it took %v, want about %v", took, patience)
	}
	if _, err := c.Mounts(soon(t)); err != nil {
		t.Errorf("mounts beside a file system that hangs: %v", err)
	}
	if _, err := c.Environment(); err != nil {
		t.Errorf("environment: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	before := time.Now()
	c := start(t, "quiet", everyNamespace)
	i, err := c.Identity()
	if err != nil {
		t.Fatal(err)
	}
	const tick = time.Second / ticks
	if i.PID != c.PID || i.Inside != 1 || i.Parent != os.Getpid() || i.Command != "/proc/self/exe" || i.Started.Before(before.Add(-2*tick)) || i.Started.After(time.Now().Add(2*tick)) {
		t.Errorf("%+v: want process %d, 1 inside, child of %d, started after %v", i, c.PID, os.Getpid(), before)
	}
}
