package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func opened(t *testing.T, dir string) *Ledger {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func left(t *testing.T, l *Ledger) []Entry {
	t.Helper()
	entries, err := l.Left()
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What was written by a process that is gone, in any words, is read by the
// next, without what was ticked off.
func TestLeftIsWhatWasNotDone(t *testing.T) {
	dir := t.TempDir()
	first := opened(t, dir)
	odd := "/a b/\"c\"\n+dir \"/etc\"\n\xff"
	must(t, first.WillAll(Entry{Dir, "/x"}, Entry{Cgroup, odd}))
	must(t, first.Will(Link, "aq0"))
	must(t, first.Done(Dir, "/x"))
	must(t, first.Will(Mount, "/m"))
	want := []Entry{{Cgroup, odd}, {Link, "aq0"}, {Mount, "/m"}}
	if got := left(t, opened(t, dir)); !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}

// A line cut at any byte, by a full disk or a kill, spoils neither what was
// written before nor what comes after.
func TestTornLine(t *testing.T) {
	whole := "\n+dir \"/one\"\n\n+cgroup \"/two \\\" \\\\\"\n"
	for cut := range len(whole) {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, FileName), []byte(whole[:cut]), 0o600))
		l := opened(t, dir)
		must(t, l.Will(Link, "three"))
		for _, e := range left(t, l) {
			if !slices.Contains([]Entry{{Dir, "/one"}, {Cgroup, `/two " \`}, {Link, "three"}}, e) {
				t.Errorf("cut at %d: there is %q", cut, e)
			}
		}
		if n := len(left(t, l)); n == 0 || left(t, l)[n-1] != (Entry{Link, "three"}) {
			t.Errorf("cut at %d: the line after is lost: %q", cut, left(t, l))
		}
	}
}

// What is no line of ours damages a ledger, and so does the loss of all lines.
func TestDamaged(t *testing.T) {
	for text, want := range map[string]bool{
		"\n+dir \"/a\"\n": false, "\n+dir \"/a\"\n\n-dir \"/a\"\n": false, "": true, "\n": true, "{\n": true,
		"\n+dir \"/a\"\n\n+cgr": true, "\x00\x00\x00": true, "{\n\n+dir \"/a\"\n": true, "+\n+dir \"/a\"\n": true,
	} {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600))
		got, err := opened(t, dir).Damaged()
		must(t, err)
		if got != want {
			t.Errorf("%q: damaged %v", text, got)
		}
	}
}

// Each is one write: the file grows by whole lines, whoever else writes.
func TestWritersSideBySide(t *testing.T) {
	dir := t.TempDir()
	const writers, lines = 8, 200
	done := make(chan error, writers)
	for w := range writers {
		l := opened(t, dir)
		go func() {
			var err error
			for i := range lines {
				name := strings.Repeat(string(rune('a'+w)), i+1)
				err = errors.Join(err, l.Will(Dir, name))
				if i%2 == 0 {
					err = errors.Join(err, l.Done(Dir, name))
				}
			}
			done <- err
		}()
	}
	for range writers {
		must(t, <-done)
	}
	if n := len(left(t, opened(t, dir))); n != writers*lines/2 {
		t.Errorf("%d entries are left, want %d", n, writers*lines/2)
	}
}

// Undo goes backwards, ticks off, stops at what it cannot undo, and leaves
// alone what is not ours.
func TestUndo(t *testing.T) {
	dir := t.TempDir()
	l := opened(t, dir)
	must(t, l.WillAll(Entry{Dir, "first"}, Entry{"odd", "thing"}, Entry{Mount, "busy"}, Entry{Dir, "gone"}, Entry{Dir, "/etc"}, Entry{Dir, "last"}))
	busy := true
	by := map[Kind]Undoer{
		Dir: func(name string) (string, error) {
			switch name {
			case "/etc":
				return "", ErrNotOurs
			case "gone":
				return "", nil
			}
			return "removed " + name, nil
		},
		Mount: func(name string) (string, error) {
			if busy {
				return "", syscall.EBUSY
			}
			return "unmounted " + name, nil
		},
	}
	did, err := l.Undo(by)
	if want := []string{"removed last", "left alone dir /etc: not made by a launch"}; !slices.Equal(did, want) {
		t.Errorf("first it did %q, want %q", did, want)
	}
	if !errors.Is(err, syscall.EBUSY) || err.Error() != "undo mount busy: device or resource busy" {
		t.Errorf("what is busy: %v", err)
	}
	busy = false
	did, err = opened(t, dir).Undo(by)
	must(t, err)
	if want := []string{"unmounted busy", "left alone odd thing: unknown kind", "removed first"}; !slices.Equal(did, want) {
		t.Errorf("then it did %q, want %q", did, want)
	}
	if rest := left(t, l); len(rest) != 0 {
		t.Errorf("left %q", rest)
	}
}

// The file is never reached through a link that somebody put there.
func TestOpenFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Symlink("/dev/null", filepath.Join(dir, FileName)))
	if l, err := Open(dir); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("opened %v: %v", l, err)
	}
}

// Looking for a ledger makes none.
func TestOpenExisting(t *testing.T) {
	dir := t.TempDir()
	if l, err := OpenExisting(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opened %v: %v", l, err)
	}
	must(t, opened(t, dir).Will(Dir, "/x"))
	l, err := OpenExisting(dir)
	must(t, err)
	defer l.Close()
	if got := left(t, l); !slices.Equal(got, []Entry{{Dir, "/x"}}) {
		t.Errorf("left %q", got)
	}
}

// Any bytes are read without harm, and what is read can be written.
func FuzzParse(f *testing.F) {
	f.Add("+dir \"/a\"\n-dir \"/a\"\n+name \"\\x00\"\n")
	f.Add("+dir `/a`\n+ \"x\"\n+dir 'a'\n+dir \"")
	f.Fuzz(func(t *testing.T, text string) {
		entries := parse(text)
		l := opened(t, t.TempDir())
		for _, e := range entries {
			if e.Kind == "" || e.Name == "" || strings.ContainsAny(string(e.Kind), " \n") {
				t.Fatalf("an entry without kind or name: %q", e)
			}
		}
		must(t, l.WillAll(entries...))
		if got := left(t, l); !slices.Equal(got, entries) {
			t.Fatalf("wrote %q, read %q", entries, got)
		}
	})
}

func BenchmarkWill(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		l, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		if err := l.WillAll(Entry{Dir, "/var/lib/aquarium/sandboxes/0123456789abcdef0123456789abcdef"}, Entry{Name, "azure-carp"}); err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}
