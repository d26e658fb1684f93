package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"aquarium/runtime/ids"
)

// TestScripts runs testdata/script: command lines and what comes of them. Each
// script has a place of its own with the root filesystem $WORK/bb, and ends
// with nothing left behind.
func TestScripts(t *testing.T) {
	needProgram(t, "busybox")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		WorkdirRoot:         t.TempDir(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "until": until, "empty": empty, "control": control,
		},
	})
}

func setUp(e *testscript.Env) error {
	p := place{e.WorkDir}
	if err := p.fill(); err != nil {
		return err
	}
	e.Setenv("PATH", p.dir+"/bin:"+os.Getenv("PATH"))
	e.Setenv("AQUARIUM_HOME", p.home())
	e.Setenv("BB", p.bb())
	e.Setenv("TERM", "xterm-256color")
	e.Defer(p.removeAll)
	return nil
}

// condition: [root] is the initial user namespace's root; [ids] is who can
// give a sandbox more users than one, [auto] root where ids are set aside for
// sandboxes.
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "ids":
		_, err := ids.System().Own()
		return os.Geteuid() == 0 || err == nil, nil
	case "auto":
		_, err := ids.System().Free(nil)
		return os.Geteuid() == 0 && err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// exits STATUS COMMAND…: the command ends with that status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: exits STATUS COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// until PATTERN COMMAND…: the command is run again until its output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: until PATTERN COMMAND…")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	ts.Check(within(patience, func() error {
		c := exec.Command(args[1], args[2:]...)
		if args[1] == "aquarium" {
			c.Path, c.Err = ts.Getenv("WORK")+"/bin/aquarium", nil
		}
		c.Env = append(os.Environ(), "AQUARIUM_HOME="+ts.Getenv("AQUARIUM_HOME"))
		c.Dir = ts.MkAbs(".")
		out, _ := c.CombinedOutput()
		if !pattern.Match(out) {
			return fmt.Errorf("%q does not match:\n%s", pattern, out)
		}
		return nil
	}))
}

// empty: no process, mount or file of the script's sandboxes is left.
func empty(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 0 || neg {
		ts.Fatalf("usage: empty")
	}
	ts.Check(place{ts.Getenv("WORK")}.checkEmpty())
}

// control stdout|stderr: no control characters but line breaks.
func control(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || !neg {
		ts.Fatalf("usage: ! control stdout|stderr")
	}
	if i := bytes.IndexFunc([]byte(ts.ReadFile(args[0])), func(r rune) bool { return r != '\n' && (r < ' ' || r == 0x7f) }); i >= 0 {
		ts.Fatalf("a control character is in %s", args[0])
	}
}
