package tui

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aquarium/runtime/spec"
)

func TestMatrixAsLsnsSeesIt(t *testing.T) {
	t.Parallel()
	needProgram(t, "lsns")
	h := newHome(t)
	sb := crowd(t, h)
	u := h.open(t, 120, 50)
	u.sees("crowd ● running")
	u.types("M")
	u.sees("Namespaces of this machine", "WHO")
	u.types("/crowd\r")
	row := strings.Fields(strings.TrimPrefix(u.row("crowd", strconv.Itoa(sb.PID)), "▸"))
	var out []byte
	waitFor(t, "lsns, which gives up where any process ends while it looks at it", func() bool {
		var err error
		out, err = exec.Command("lsns", "--json", "--list", "-o", "NS,TYPE", "-p", strconv.Itoa(sb.PID)).Output()
		return err == nil
	})
	var table struct {
		Namespaces []struct {
			NS   json.Number
			Type string
		}
	}
	if err := json.Unmarshal(out, &table); err != nil {
		t.Fatal(err)
	}
	kinds := []string{"uts", "pid", "mnt", "net", "ipc", "user", "cgroup", "time"}
	cells := row[len(row)-len(kinds):]
	for i, kind := range kinds {
		for _, n := range table.Namespaces {
			if n.Type != kind {
				continue
			}
			host, err := os.Readlink("/proc/self/ns/" + kind)
			if err != nil {
				t.Fatal(err)
			}
			want := "own"
			if host == fmt.Sprintf("%s:[%s]", kind, n.NS) {
				want = "host"
			}
			if cells[i] != want {
				t.Errorf("%s is %q, lsns says %q", kind, cells[i], want)
			}
		}
	}
	u.types("g\r")
	u.sees("▸1 Overview", "crowd ● running")
}

// selected is the line under the cursor.
func (u *user) selected() []string {
	for _, line := range strings.Split(u.screen(), "\n") {
		if rest, ok := strings.CutPrefix(line, "▸"); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}

func TestAnyProcessCanBeLookedAt(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	other := newHome(t)
	sb := crowd(t, other) // to this home it is just some process
	u := h.open(t, 120, 40)
	u.sees("Sandboxes (0)")
	u.types("M")
	u.sees("Namespaces of this machine")
	u.types("/" + strconv.Itoa(sb.PID) + "\rg")
	u.row(strconv.Itoa(sb.PID), "own")
	for !slices.Contains(u.selected(), strconv.Itoa(sb.PID)) { // the number may be part of others
		before := u.selected()
		u.types("j")
		u.waits("for the next line", func(string) bool { return !slices.Equal(u.selected(), before) })
	}
	u.types("\r")
	u.sees("▸1 Overview", "belongs to")
	u.types("2")
	u.sees("sleep 65432", "sleep 54321")
	u.types("\x1b")
	u.sees("Namespaces of this machine")
	u.types("\x1b")
	u.sees("host          ")
	u.types("\x1b")
	u.sees("Sandboxes (0)")
}

func TestHostBesideSandbox(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.launch(t, spec.Options{Name: "beside", Hostname: "aquarius", Rootfs: busybox(t), TTY: true, Command: []string{"sleep", "100000"}})
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	u := h.looks(t, 120, 40, "beside", "6")
	u.types("=")
	u.sees("Host", "beside: Hostname & IPC")
	u.row("hostname", host, "≠", "hostname", "aquarius")
	u.types("d")
	u.row("hostname", host, "≠", "hostname", "aquarius")
	u.types("!echo $((6*7)) in both; cat /proc/sys/kernel/hostname\r")
	u.row("42", "in", "both", "=", "42", "in", "both")
	u.row(host, "≠", "aquarius")
	u.types("!\x15sleep 1000\r") // one that does not end
	u.sees("took too long: killed")
	u.types("\x1b")
	u.sees("beside: Hostname & IPC")
	u.types("\x1b")
	u.sees("▸6 Hostname & IPC")
}

func TestEnterForm(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.launch(t, spec.Options{Name: "entered", Hostname: "aquarius", Rootfs: busybox(t), TTY: true, Command: []string{"sleep", "100000"}})
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	u := h.open(t, 100, 40)
	u.sees("entered ● running")
	u.types("\tn")
	u.sees("Enter entered", "[x] -p  pid", "aquarium enter -t entered", "nsenter -t ")
	u.types("m")
	u.sees("[ ] -m  mnt", "ps still reads the")
	u.types("u")
	u.sees("[ ] -u  uts")
	u.types("\x1b[A") // from the first round to the command
	u.types("sh -c 'hostname; echo $$; read x'")
	u.sees("read x'")
	u.types("\r")
	u.sees(host, "take the keys back")
	u.types("\r")
	u.sees("ended: aquarium enter -t entered")
	u.types("\x1b")
	u.sees("entered ● running")
}
