package tui

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"aquarium/tui/terminal"
)

// What is selected with the keys, or all of the output, goes to a file in the
// working directory, whole lines in one piece.
func TestSelectWithKeysAndWriteToAFile(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	dir := t.TempDir()
	h.shell(t, "long", busybox(t))
	path, err := filepath.Abs(program(t))
	if err != nil {
		t.Fatal(err)
	}
	u := startUser(t, 80, 24, h.environment(), "/bin/sh", "-c", "cd "+dir+" && exec "+path)
	u.sees("long")
	u.types("\t\r")
	u.sees("To get out")
	u.types("echo a line that is too long for the pane and so goes on in the next row; seq 100 120\r")
	u.waits("for the prompt below 120", regexp.MustCompile(`120 *\n.*/ #`).MatchString)
	u.types("\x1d[")
	u.sees("▸l Logs", "Scrolling back")
	u.types("V")
	u.sees("extend")
	u.types("kk")
	u.types("w")
	u.sees("Wrote", "aquarium-long-")
	if got := theFile(t, dir); got != "119\n120\n/ #\n" && got != "119\n120\n/ #" {
		t.Errorf("the file holds %q, want the last three lines", got)
	}
}

// theFile waits for the one file in dir and returns its content.
func theFile(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "aquarium-*.txt"))
	if err != nil || len(names) != 1 {
		t.Fatalf("files: %v, %v; want one", names, err)
	}
	content, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// OSC 52: what a program wants on the clipboard goes there only when the user
// says so.
func TestClipboardIsSetOnlyWithConsent(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.shell(t, "greedy", busybox(t))
	u := h.attaches(t, 80, 24)
	u.types("printf '\\033]52;c;c2VjcmV0\\007'\r")
	u.sees("greedy offers 6 bytes")
	u.types("\x1dd")
	u.sees("Enter attach")
	for _, request := range u.pane.Clipboard() {
		t.Fatalf("the terminal was asked to take %q", request.Text)
	}
	u.types("Y")
	u.sees("Copied: secret")
	requests := u.pane.Clipboard()
	waitFor(t, "the request, which need not be in the same frame", func() bool {
		requests = append(requests, u.pane.Clipboard()...)
		return len(requests) > 0
	})
	if len(requests) != 1 || string(requests[0].Text) != "secret" {
		t.Errorf("the terminal was asked for %q, want the program's text once", requests)
	}
}

func TestClicksSelectCellsWordsAndLines(t *testing.T) {
	var c clicks
	now := time.Now()
	for i, want := range []terminal.SelectionUnit{terminal.SelectCells, terminal.SelectWords, terminal.SelectLines, terminal.SelectCells} {
		if got := c.unit(3, 4, now.Add(time.Duration(i)*100*time.Millisecond)); got != want {
			t.Errorf("click %d selects %v, want %v", i+1, got, want)
		}
	}
	if got := c.unit(5, 4, now.Add(400*time.Millisecond)); got != terminal.SelectCells {
		t.Errorf("a click elsewhere selects %v", got)
	}
	if got := c.unit(5, 4, now.Add(2*time.Second)); got != terminal.SelectCells {
		t.Errorf("a late click selects %v", got)
	}
}
