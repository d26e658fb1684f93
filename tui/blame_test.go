package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aquarium/runtime/spec"
)

// What is wrong with a form takes the keys to the field where it is, and leaves
// all that was typed.
func TestFormsGoToWhatIsWrong(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	dir, err := os.MkdirTemp("", "blame")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	archive := filepath.Join(dir, "good.tar")
	if err := os.WriteFile(archive, tarOf(t, map[string][]byte{"bin/sh": []byte("#!/bin/none\n")}), 0o644); err != nil {
		t.Fatal(err)
	}
	u := h.open(t, 80, 24, bb)
	u.sees("Root filesystems (2)")
	down := "\x1b[B"
	u.types("I/no/such" + down + "host" + down + "\r")
	u.sees("! name \"host\": that name is built in", "▸ Name         host")
	u.types("\x15good" + down + down + down + "\r")
	u.sees("! import \"/no/such\": no such file", "▸ Source       /no/such", "Name         good")
	u.types("\x15" + archive + "\r")
	u.sees("good is made")
	u.types("I" + archive + "\r")
	u.sees("! store \"good\": the name is taken", "▸ Name         good", "Source       "+archive)
	u.types("\x1b")
	u.sees("Root filesystems (3)")
}

func TestLaunchFormGoesToWhatIsWrong(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	h.launch(t, spec.Options{Name: "first", Rootfs: bb, Command: []string{"sleep", "1000"}, TTY: true})
	u := h.open(t, 80, 40, bb)
	u.sees("Root filesystems (2)", "Sandboxes (1)")
	u.types("j")
	down := "\x1b[B"
	for _, c := range []struct {
		command, name, user, memory string
		wrong, at                   string
	}{
		{"ls \"x", "", "", "", "a quote is not closed", "▸ Command "},
		{"ls", "a b", "", "", "not a valid name", "▸ Name "},
		{"ls", "", "", "much", "not a number of bytes", "▸ Memory "},
		{"ls", "first", "", "", "the name is taken", "▸ Name "},
		{"ls", "", "nobody-of-that-name", "", "no such user", "▸ User "},
		{"no-such-program", "", "", "", "not found in PATH", "▸ Command "},
	} {
		u.types("o" + c.command + down + c.name + strings.Repeat(down, 6) + c.user + strings.Repeat(down, 6) + c.memory + down + "\r")
		u.sees(c.wrong, "That did not work")
		u.types("\r")
		u.seesNo("That did not work")
		u.sees(c.at, "Ctrl-P plan")
		u.types("\x1b")
		u.sees("o options")
	}
}
