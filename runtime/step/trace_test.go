package step

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aquarium/runtime/observe"
)

// failedTrace is a launch of four steps whose third was refused.
func failedTrace(t testing.TB) Trace {
	t.Helper()
	plan := Plan{Steps: []Step{
		{Supervisor, "Start init.", "clone(2)", "", &Clone{Flags: 0x20000000, Title: "web"}},
		{InitActor, "Name it.", "sethostname(2)", "uts", &Sethostname{Name: "web"}},
		{InitActor, "Mount it.", "mount(2)", "mnt", &Mount{Source: "proc", Target: "/proc", Type: "proc"}},
		{InitActor, "Run it.", "execve(2)", "", &Exec{Argv: []string{"sh"}, Env: []string{"SECRET=1234"}}},
	}}
	encoded, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return Trace{Version: TraceVersion, Name: "web", Kernel: "6.1 x86_64", Began: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), Steps: encoded.Steps, Events: []Event{
		{Seq: 0, Took: 1200 * time.Microsecond, Changed: []observe.Change{{Kind: "namespace", Name: "pid", Before: "1", After: "2"}}},
		{Seq: 1, Skipped: true},
		{Seq: 2, Took: 15 * time.Microsecond, Errno: 1, Call: `mount("proc", "/proc", "proc", 0, NULL)`, Detail: "it is Monday"},
	}}
}

func TestTraceText(t *testing.T) {
	t.Parallel()
	got, err := failedTrace(t).Text()
	if err != nil {
		t.Fatal(err)
	}
	const want = `web: failed at step 3 of 4; 1.2 ms in the steps; Linux 6.1 x86_64, 2024-05-06 07:08:09 UTC

    1     1200 µs  supervisor   clone(CLONE_NEWPID|SIGCHLD)
                                process: aquarium-init web
                                namespace pid: 2 (was 1)
--  2     skipped  init         sethostname("web", 3)
=>  3       15 µs  init         mount("proc", "/proc", "proc", 0, NULL)
                                FAILED with EPERM: operation not permitted
                                because: it is Monday
                                the step's purpose: Mount it.
    4    not done  init         execve("sh", ["sh"], envp)  /* in the first directory of PATH that has it */
`
	if got != want {
		t.Errorf("the trace reads\n%s\nwant\n%s", got, want)
	}
}

func TestTraceEntries(t *testing.T) {
	t.Parallel()
	entries, err := failedTrace(t).Entries()
	if err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(entries[2:])
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"seq":3,"actor":"init","call":"mount","args":["proc","/proc","proc","0",null],"why":"Mount it.","errno":1,"micros":15,"changed":[]`,
		`"detail":"it is Monday"`,
		`"seq":4,"actor":"init","call":"execve","args":["sh",["sh"],"envp"],"why":"Run it.","errno":null,"micros":null,"changed":[]`,
	} {
		if !strings.Contains(string(document), part) {
			t.Errorf("%s\nlacks %s", document, part)
		}
	}
}

func TestRedactedTraceKeepsNoSecret(t *testing.T) {
	t.Parallel()
	redacted, err := failedTrace(t).Redact()
	if err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(redacted)
	if err != nil || strings.Contains(string(document), "1234") || !strings.Contains(string(document), "SECRET=") {
		t.Errorf("the redacted trace is %s (%v)", document, err)
	}
}
