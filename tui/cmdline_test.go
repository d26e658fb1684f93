package tui

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"aquarium/runtime/spec"
)

func TestCommandLine(t *testing.T) {
	t.Parallel()
	full := spec.Options{
		Name: "n", Rootfs: "host", Command: []string{"sh", "-c", "echo 'it''s' $X"}, TTY: true, Interactive: true, Remove: true,
		RootSwitch: spec.Chroot, Share: []string{"uts", "net"}, Hostname: "h", Env: []string{"A=1", "B=x y"}, Workdir: "/w", User: "1:2",
		Volumes: []string{"/a:/b:ro"}, ReadOnly: true, Writable: true, Init: true, NoProc: true, CapAdd: []string{"ALL"}, CapDrop: []string{"KILL"},
	}
	for _, c := range []struct {
		options spec.Options
		want    string
	}{
		{spec.Options{Rootfs: "host", RootSwitch: spec.PivotRoot}, "aquarium run host"},
		{spec.Options{Rootfs: "./a b", RootSwitch: spec.PivotRoot, TTY: true}, "aquarium run -t './a b'"},
		{full, `aquarium run --name n --rm -it --root-switch chroot --share uts,net --hostname h -e A=1 -e 'B=x y' -w /w -u 1:2 ` +
			`-v /a:/b:ro --read-only --writable --init --no-proc --cap-add ALL --cap-drop KILL host sh -c 'echo '\''it'\'''\''s'\'' $X'`},
	} {
		if got := commandLine(c.options); got != c.want {
			t.Errorf("command line is\n%s, want\n%s", got, c.want)
		}
	}
}

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line string
		want []string
		err  bool
	}{
		{"", nil, false},
		{"  a  b ", []string{"a", "b"}, false},
		{`sh -c 'a b' "c d"`, []string{"sh", "-c", "a b", "c d"}, false},
		{`a\ b "q\"q" 'x\y' "n\n"`, []string{"a b", `q"q`, `x\y`, `n\n`}, false},
		{`'' ""`, []string{"", ""}, false},
		{`'open`, nil, true},
		{`end\`, nil, true},
	} {
		got, err := splitWords(c.line)
		if !slices.Equal(got, c.want) || (err != nil) != c.err {
			t.Errorf("splitWords(%q) = %q, %v; want %q", c.line, got, err, c.want)
		}
	}
}

// FuzzQuoteWords reads back what was quoted.
func FuzzQuoteWords(f *testing.F) {
	f.Add("a", "b c", `it's "quoted" \`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		words := []string{a, b, c}
		got, err := splitWords(quoteWords(words))
		if err != nil || !slices.Equal(got, words) {
			t.Errorf("%q became %q, %v", words, got, err)
		}
	})
}

// TestShellReadsItBack asks a real shell.
func TestShellReadsItBack(t *testing.T) {
	t.Parallel()
	words := []string{"plain", "two words", "it's", `back\slash`, "$HOME `id` *", "", "new\nline", "-n"}
	out, err := exec.Command("/bin/sh", "-c", `for w in `+quoteWords(words)+`; do printf '%s\0' "$w"; done`).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, words) {
		t.Errorf("a shell read %q, want %q", got, words)
	}
}

// FuzzSplitWords reads any line: what its words are does not change when they
// are written again.
func FuzzSplitWords(f *testing.F) {
	for _, line := range []string{`a 'b c' "d\"e" f\ g`, `''`, `"\`, `a\`, "a\tb  ", `"$x"`, "\xff \x00"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitWords(line)
		if err != nil {
			return
		}
		if again, err := splitWords(quoteWords(words)); err != nil || !slices.Equal(again, words) {
			t.Errorf("%q is %q, and then %q, %v", line, words, again, err)
		}
	})
}

// FuzzSizeText writes a number of bytes as --memory reads it.
func FuzzSizeText(f *testing.F) {
	for _, n := range []int64{1, 1023, 1024, 64 << 20, 3 << 29, 1<<50 + 1, 1 << 60} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		if n <= 0 || n >= 1<<53 { // of more a float64 has not every number
			return
		}
		if again, err := spec.ParseSize(sizeText(n)); err != nil || again != n {
			t.Errorf("%d is %s, which is %d, %v", n, sizeText(n), again, err)
		}
	})
}
