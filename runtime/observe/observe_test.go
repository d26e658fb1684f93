package observe

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode"
)

func TestReadOneself(t *testing.T) {
	t.Parallel()
	s, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	cwd, _ := os.Getwd()
	host, _ := os.Hostname()
	if s.Cwd != cwd || s.Root != "/" || s.Hostname != host || len(s.Namespaces) < 7 || len(s.Mounts) == 0 || len(s.Interfaces) == 0 {
		t.Errorf("the state of the test is %+v", s)
	}
	if !strings.HasPrefix(s.Program, os.Args[0]) {
		t.Errorf("its program is %q", s.Program)
	}
	if changes := Diff(s, s); len(changes) > 0 {
		t.Errorf("it differs from itself: %v", changes)
	}
}

func TestReadAnEndedProcess(t *testing.T) {
	t.Parallel()
	c := exec.Command("true")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if s, err := Read(c.Process.Pid); err == nil {
		t.Errorf("process %d is gone, but its state is %+v", c.Process.Pid, s)
	}
}

// TestDiffOfNewNamespaces compares this process with a child in namespaces of
// its own, whose mounts are copies and no change.
func TestDiffOfNewNamespaces(t *testing.T) {
	t.Parallel()
	before, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("sleep", "1000")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if err := c.Start(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("the kernel refuses user namespaces here: %v", err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	host, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read(c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Processes) != 1 || s.Processes[0].Inside != 1 || !slices.Equal(s.Interfaces, []string{"lo"}) || len(s.Addresses) > 0 {
		t.Errorf("processes %v, interfaces %v, addresses %v", s.Processes, s.Interfaces, s.Addresses)
	}
	others := make(map[string]bool) // who have mounted something meanwhile
	for _, change := range Diff(before, host) {
		others[change.Name] = true
	}
	changed := make(map[string]bool)
	for _, change := range Diff(host, s) {
		changed[strings.TrimSpace(change.Kind+" "+change.Name)] = true
		if (change.Kind == "mount" || change.Kind == "mount point") && !others[change.Name] {
			t.Errorf("the copy of the mounts counts as a change: %v", change)
		}
	}
	for _, kind := range []string{"user", "mnt", "uts", "pid", "net"} {
		if !changed["namespace "+kind] {
			t.Errorf("namespace %s has not changed", kind)
		}
	}
	if changed["namespace ipc"] || !changed["uid map"] || !changed["process 1"] {
		t.Errorf("what changed is %v", changed)
	}
}

func TestDiffWordsChanges(t *testing.T) {
	t.Parallel()
	mount := func(id int, point, propagation string) Mount {
		return Mount{ID: id, Root: "/", Point: point, Options: "rw", Propagation: propagation, Type: "tmpfs", Source: "tmpfs"}
	}
	a := State{Hostname: "host", Mounts: []Mount{mount(1, "/", "shared:1"), mount(2, "/a", "shared:2"), mount(3, "/b", "shared:3")}}
	b := State{Hostname: "reef", Mounts: []Mount{mount(1, "/", "private"), mount(2, "/a", "private"), mount(3, "/b", "private"), mount(4, "/proc", "private")}}
	got := Summary(Diff(a, b))
	want := []string{
		"hostname: reef (was host)",
		"3 mounts share events otherwise, such as propagation /: private (was shared:1)",
		"mount /proc: tmpfs rw",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the changes are %q, want %q", got, want)
	}
	b.Mounts = b.Mounts[3:]
	if got := Diff(b, State{})[1].String(); got != "mount /proc: gone (was tmpfs)" {
		t.Errorf("a mount that is gone is %q", got)
	}
}

func TestParseMounts(t *testing.T) {
	t.Parallel()
	const line = `36 35 98:0 /mnt1 /a\040b rw,noatime master:1 shared:7 - ext3 /dev/ro\011ot rw,errors=continue`
	want := []Mount{{ID: 36, Parent: 35, Root: "/mnt1", Point: "/a b", Options: "rw,noatime", Propagation: "master:1 shared:7", Type: "ext3", Source: "/dev/ro\tot"}}
	if got := ParseMounts("nonsense\n" + line + "\n"); !reflect.DeepEqual(got, want) {
		t.Errorf("%q is %+v, want %+v", line, got, want)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 127.255.255.255
        /32 link BROADCAST
     |-- 10.0.0.7
        /32 host LOCAL
`
	if got := localIPv4(trie); !slices.Equal(got, []string{"127.0.0.1", "10.0.0.7"}) {
		t.Errorf("IPv4 addresses are %v", got)
	}
	const table = `00000000000000000000000000000001 01 80 10 80       lo
fe8000000000000000fc00fffe000001 02 40 20 80     eth0
20010db8000000000001000000000001 02 40 20 80     eth0
`
	if got := localIPv6(table); !slices.Equal(got, []string{"::1", "fe80::fc:ff:fe00:1", "2001:db8::1:0:0:1"}) {
		t.Errorf("IPv6 addresses are %v", got)
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add(`36 35 98:0 /mnt1 /a\040b rw,noatime master:1 - ext3 /dev/root rw`)
	f.Add("1 2 3 4 5 6 - ")
	f.Fuzz(func(t *testing.T, text string) {
		mounts := ParseMounts(text)
		Summary(Diff(State{Mounts: mounts}, State{}))
		if len(mounts) > strings.Count(text, "\n")+1 {
			t.Errorf("%d mounts in %q", len(mounts), text)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		if _, err := Read(os.Getpid()); err != nil {
			b.Fatal(err)
		}
	}
}

// escape is what the kernel does to blanks and backslashes in mountinfo.
func escape(s string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(s)
}

// FuzzMountPoints has any path, as the kernel writes it, come back as it is.
func FuzzMountPoints(f *testing.F) {
	f.Add("/a b", "/dev/root", "shared:1")
	f.Add("/\\040\n\t - ", " ", "master:2 propagate_from:1")
	f.Add("/\xff", "none", "")
	f.Fuzz(func(t *testing.T, point, source, optional string) {
		blank := func(r rune) bool { return unicode.IsSpace(r) && !strings.ContainsRune(" \t\n", r) }
		if !strings.HasPrefix(point, "/") || source == "" || strings.ContainsAny(optional, "-\n") || strings.ContainsFunc(point+source, blank) {
			return // the kernel writes no such
		}
		line := fmt.Sprintf("36 35 98:0 / %s rw,noatime %s - ext4 %s rw\n", escape(point), optional, escape(source))
		if got := ParseMounts(line); len(got) != 1 || got[0].Point != point || got[0].Source != source || got[0].ID != 36 {
			t.Errorf("%q is %+v", line, got)
		}
	})
}

// FuzzAddresses compares addresses of /proc/net/if_inet6 with those of
// net/netip, which this package cannot afford, and reads any fib_trie.
func FuzzAddresses(f *testing.F) {
	f.Add([]byte("\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"), "Main:\n  +-- 127.0.0.0/8 2 0 2\n     |-- 127.0.0.1\n        /32 host LOCAL\n")
	f.Add(make([]byte, 16), "/32 host LOCAL\n|-- \n/32 host LOCAL")
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00"), "")
	f.Fuzz(func(t *testing.T, raw []byte, trie string) {
		if got := localIPv4(trie); len(got) > strings.Count(trie, "LOCAL") {
			t.Errorf("%q has the addresses %q", trie, got)
		}
		address, ok := netip.AddrFromSlice(raw)
		got := localIPv6(fmt.Sprintf("%x 01 80 10 80       lo\n", raw))
		if !ok || !address.Is6() {
			if len(got) > 0 {
				t.Errorf("%x is %q", raw, got)
			}
			return
		}
		if len(got) != 1 || address.Is4In6() && netip.MustParseAddr(got[0]) != address || !address.Is4In6() && got[0] != address.String() {
			t.Errorf("%x is %q, want %s", raw, got, address)
		}
	})
}

// FuzzUser reads any /proc/PID/status.
func FuzzUser(f *testing.F) {
	own, err := os.ReadFile("/proc/self/status")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(own))
	f.Add("Name:\tUid:\t7\nUid:\t1\t2\t3\t4\nSeccomp:\t2\nNoNewPrivs:\t1\n")
	f.Fuzz(func(t *testing.T, status string) {
		u := parseUser(status)
		for _, value := range []string{u.UIDs, u.GIDs, u.Groups, u.Effective, u.Bounding, u.Umask} {
			if strings.ContainsAny(value, "\n\t") || len(value) > len(status) {
				t.Errorf("%q gives %q", status, value)
			}
		}
		if again := parseUser("Name:\tx\nUid:\t" + u.UIDs + "\nUid:\t9\n"); again.UIDs != u.UIDs {
			t.Errorf("%q becomes %q", u.UIDs, again.UIDs)
		}
	})
}
