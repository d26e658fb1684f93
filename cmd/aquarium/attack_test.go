package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The files attack_*_test.go hold the attacks that a sandbox has to withstand,
// each with a control that shows the attack to work where nothing is in its
// way. The attacks are made by testdata/attacker, a static program that runs
// inside.

// attackerBinary builds the attacker, once.
var attackerBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(binary), "attacker")
	build := exec.Command("go", "build", "-o", path, "./testdata/attacker")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build attacker: %w\n%s", err, out)
	}
	return path, nil
})

// attacker puts the attacker into the place's root filesystem and returns its
// path outside.
func (p place) attacker(t testing.TB) string {
	t.Helper()
	path, err := attackerBinary()
	if err == nil {
		err = install(filepath.Join(p.bb(), "bin/attacker"), path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// outcomes are the errnos of an attacker's attempts, by their names.
type outcomes map[string]syscall.Errno

// readOutcomes reads what an attacker wrote.
func readOutcomes(t testing.TB, text string) outcomes {
	t.Helper()
	found := make(outcomes)
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		name, errno, ok := strings.Cut(lines.Text(), ": ")
		number, err := strconv.Atoi(errno)
		if !ok || err != nil || number < 0 {
			t.Fatalf("the attacker wrote %q", lines.Text())
		}
		found[name] = syscall.Errno(number)
	}
	if len(found) == 0 {
		t.Fatalf("the attacker tried nothing: %q", text)
	}
	return found
}
