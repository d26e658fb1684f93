package tui

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
)

// looks opens the UI on a home with one sandbox, with the keys on the right
// side and one of the views open.
func (h home) looks(t *testing.T, cols, rows int, name, view string) *user {
	t.Helper()
	u := h.open(t, cols, rows)
	u.sees(name+" ● running", "0%")
	u.types("\t\t" + view)
	u.sees("▸" + view + " ")
	return u
}

// crowd launches a sandbox with several processes, one of them a zombie.
func crowd(t *testing.T, h home) sandbox.Sandbox {
	t.Helper()
	return h.launch(t, spec.Options{
		Name: "crowd", Rootfs: busybox(t), TTY: true,
		Command: []string{"sh", "-c", "sleep 54321 & sh -c 'exit 3' & exec sleep 65432"},
	})
}

// inside runs a host's program in some of a sandbox's namespaces.
func inside(t *testing.T, sb sandbox.Sandbox, flags string, argv ...string) string {
	t.Helper()
	needProgram(t, "nsenter")
	if os.Getuid() != 0 {
		flags += " -U --preserve-credentials"
	}
	words := append(strings.Fields("-t "+strconv.Itoa(sb.PID)+" "+flags), argv...)
	out, err := exec.Command("nsenter", words...).CombinedOutput()
	if err != nil {
		t.Fatalf("nsenter %q: %v\n%s", words, err, out)
	}
	return string(out)
}

// row finds the one line of the screen on which all words stand.
func (u *user) row(words ...string) string {
	u.t.Helper()
	found := ""
	u.waits("to see a line with "+strings.Join(words, ", "), func(screen string) bool {
		for _, line := range strings.Split(screen, "\n") {
			fields := strings.Fields(line)
			if containsFields(fields, words) {
				found = line
				return true
			}
		}
		return false
	})
	return found
}

// containsFields tells whether words occur among fields, in their order.
func containsFields(fields, words []string) bool {
	for _, word := range words {
		i := 0
		for i < len(fields) && strings.TrimLeft(fields[i], "▸│") != word {
			i++
		}
		if i == len(fields) {
			return false
		}
		fields = fields[i+1:]
	}
	return true
}

func TestProcessesAsPsSeesThem(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	sb := crowd(t, h)
	u := h.looks(t, 120, 40, "crowd", "2")
	u.sees("PID 1 ignores", "PID 1 catches", "zombies", "sleep 54321", "sleep 65432") // all have become what they stay
	for _, line := range strings.Split(inside(t, sb, "-p -m", "/bin/ps", "-o", "pid,args"), "\n")[1:] {
		pid, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case pid == "" || strings.Contains(command, "ps"):
		case strings.HasPrefix(command, "["):
			u.row(pid, "ZOMBIE", "[sh]")
		default:
			u.row(append([]string{pid}, strings.Fields(command)...)...)
		}
	}
	for _, line := range strings.Split(hostProcesses(t), "\n") {
		if fields := strings.Fields(line); len(fields) > 2 && strings.Contains(line, "sleep 54321") && fields[1] == strconv.Itoa(sb.PID) {
			u.row(fields[0], "sleep", "54321") // the host's number
		}
	}
}

func hostProcesses(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("ps", "-eo", "pid,ppid,args").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestSignalToOneProcess(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	crowd(t, h)
	u := h.looks(t, 120, 40, "crowd", "2")
	u.sees("sleep 54321")
	u.types("/54321\r")
	u.sees("filter: 54321")
	u.types("gK")
	u.sees("Signal to", "SIGKILL")
	u.types("KILL\r")
	u.sees("SIGKILL sent to process")
	u.types("\x1b")
	u.seesNo("sleep 54321")
	u.sees("sleep 65432")
}

func TestMountsAsFindmntSeesThem(t *testing.T) {
	t.Parallel()
	needProgram(t, "findmnt")
	h := newHome(t)
	sb := crowd(t, h)
	out, err := exec.Command("findmnt", "--json", "--list", "-N", strconv.Itoa(sb.PID), "-o", "TARGET,FSTYPE").Output()
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Filesystems []struct{ Target, FSType string }
	}
	if err := json.Unmarshal(out, &table); err != nil || len(table.Filesystems) < 5 {
		t.Fatalf("findmnt: %v\n%s", err, out)
	}
	u := h.looks(t, 120, 60, "crowd", "3")
	for _, m := range table.Filesystems {
		u.row(m.Target, m.FSType)
	}
}

func TestNetworkAsIPSeesIt(t *testing.T) {
	t.Parallel()
	needProgram(t, "ip")
	h := newHome(t)
	sb := crowd(t, h)
	var links []struct {
		Name string `json:"ifname"`
		MTU  int
		Addr []struct{ Local string } `json:"addr_info"`
	}
	if err := json.Unmarshal([]byte(inside(t, sb, "-n", "ip", "-j", "addr")), &links); err != nil {
		t.Fatal(err)
	}
	u := h.looks(t, 140, 50, "crowd", "5")
	u.sees("Way out", "✗ an interface besides loopback is up")
	for _, link := range links {
		row := u.row(link.Name)
		for _, a := range link.Addr {
			if !strings.Contains(row, a.Local+"/") {
				t.Errorf("%s is missing in %q", a.Local, row)
			}
		}
	}
}

func TestNamesLimitsUsersEnvironment(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	sb := h.launch(t, spec.Options{Name: "plain", Hostname: "aquarius", Rootfs: busybox(t), Env: []string{"FISH=a red one"}, Command: []string{"sleep", "100000"}, TTY: true})
	u := h.looks(t, 120, 60, "plain", "6")
	u.sees("aquarius", "System V queues: none")
	u.types("7")
	u.sees("no_new_privs", "net_bind_service", "listen on ports below 1024", "User ids")
	status := readFile(t, fmt.Sprintf("/proc/%d/status", sb.PID))
	seccomp := regexp.MustCompile(`(?m)^Seccomp:\t(\d)$`).FindStringSubmatch(status)[1]
	u.sees("seccomp        " + map[string]string{"0": "off", "1": "strict", "2": "filter"}[seccomp])
	u.types("8")
	u.sees("Control groups", "Resource limits of PID 1")
	files := regexp.MustCompile(`(?m)^Max open files +(\S+) +(\S+)`).FindStringSubmatch(readFile(t, fmt.Sprintf("/proc/%d/limits", sb.PID)))
	u.row("Max", "open", "files", files[1], files[2])
	u.types("9")
	u.sees("FISH", "a red one", "/bin/busybox", "Open files")
	u.types("1")
	for _, kind := range []string{"uts", "pid", "mnt", "net", "ipc", "cgroup"} {
		link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", sb.PID, kind))
		if err != nil {
			t.Fatal(err)
		}
		u.row(kind, strings.Trim(strings.TrimPrefix(link, kind), ":[]"), "its", "own")
	}
	u.row("time", "SHARED", "with", "the", "host")
}

func TestFilesAndWhatWasChanged(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	bb := busybox(t)
	if err := os.WriteFile(filepath.Join(bb, "tmp/old"), []byte("from the rootfs\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.launch(t, spec.Options{Name: "writer", Rootfs: bb, TTY: true, Command: []string{"sh", "-c", "echo a fresh line > /tmp/new; rm /bin/od 2>/dev/null; exec sleep 100000"}})
	u := h.looks(t, 120, 40, "writer", "4")
	u.sees("bin/", "tmp/")
	u.types("/tmp\r")
	u.types("g")
	u.row("tmp/")
	u.types("j\r")
	u.row("new", "written", "here")
	u.row("old", "rootfs")
	u.types("/new\rG\r")
	u.sees("a fresh line", "Backspace goes back")
	u.types("\x7f")
	u.row("old", "rootfs")
	u.types("c")
	u.sees("Changes of this sandbox")
	u.row("added", "/tmp/new")
	u.types("c")
	u.sees("bin/")
}

// TestGoneWhileLookedAt ends a sandbox under the eyes of its viewer.
func TestGoneWhileLookedAt(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	sb := crowd(t, h)
	u := h.looks(t, 120, 40, "crowd", "2")
	u.sees("sleep 65432")
	if err := sb.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	u.sees("gone", "crowd ○ stopped")
	for _, view := range []string{"3", "5", "6", "7", "8", "9"} {
		u.types(view)
		u.sees("gone: crowd has no process any more.")
	}
	u.types("4")
	u.sees("Changes of this sandbox")
	u.types("1")
	u.sees("ended", "SIGKILL")
}

// hostile is a sandbox whose names are made to fool a terminal.
func hostile(t *testing.T, h home) {
	t.Helper()
	bb := busybox(t)
	evil := "\x1b[31mred\x1b]0;title\x07\x1b[2J"
	if err := os.WriteFile(filepath.Join(bb, "tmp", evil), []byte("\x1b[2Jcontent\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `sleep 100000; true`
	h.launch(t, spec.Options{Name: "hostile", Rootfs: bb, TTY: true, Env: []string{"EVIL=" + evil, "BIDI=a\u202ereversed"}, Command: []string{"sh", "-c", script, evil}})
}

func TestHostileNamesInViews(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	hostile(t, h)
	u := h.looks(t, 100, 30, "hostile", "9")
	u.sees(`\x1b[31mred\x1b]0;title\x07\x1b[2J`, `a\u202ereversed`)
	u.types("4")
	u.sees("tmp/")
	u.types("/tmp\rG\r")
	u.sees(`\x1b[31mred\x1b]0`)
	u.types("j\r")
	u.sees(`\x1b[2Jcontent`)
	if out := string(u.output()); strings.Contains(out, "\x1b[31mred") || strings.Contains(out, "\x1b]0;title") || strings.Contains(out, "\u202e") {
		t.Error("the terminal got a sandbox's escapes")
	}
}

func TestGoldenInspection(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.launch(t, spec.Options{Name: "calm", Hostname: "calm", Rootfs: busybox(t), TTY: true, Command: []string{"sleep", "100000"}})
	u := h.looks(t, 80, 24, "calm", "6")
	u.sees("POSIX queues: none")
	u.golden("ipc")
	u.types("7/setuid\rg")
	u.sees("become any user")
	u.golden("capability")
	u.types("\r")
	u.sees("Details", "permitted, effective, bounding")
	u.golden("details")
}

func TestFilterAndCopyInAView(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	crowd(t, h)
	u := h.looks(t, 100, 30, "crowd", "9")
	u.sees("PATH")
	u.types("/PATH\r")
	u.sees("filter: PATH")
	u.types("gy")
	u.sees("Copied: /usr/local/sbin")
	u.types("\x1b")
	u.seesNo("filter: PATH")
}
