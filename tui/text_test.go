package tui

import (
	"slices"
	"strings"
	"testing"
)

func TestFit(t *testing.T) {
	t.Parallel()
	th := newTheme(true)
	for _, c := range []struct {
		in   string
		w    int
		want string
	}{
		{"abc", 5, "abc  "}, {"abcdef", 4, "abc…"}, {"日本語", 4, "日… "}, {"", 2, "  "}, {"abc", 0, ""}, {"é", 1, "é"},
		{"\x1b[1mab\x1b[m", 3, "\x1b[1mab\x1b[m "},
	} {
		if got := th.fit(c.in, c.w); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.in, c.w, got, c.want)
		}
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	th := newTheme(true)
	for _, c := range []struct {
		left, right string
		w           int
		want        string
	}{
		{" a ", " b ", 12, "─ a ──── b ─"}, {" a ", " b ", 9, "─ a ─────"}, {"", "", 3, "───"}, {" long title ", "", 8, "─ long…─"},
	} {
		if got := th.rule(c.left, c.right, c.w); got != c.want {
			t.Errorf("rule(%q, %q, %d) = %q, want %q", c.left, c.right, c.w, got, c.want)
		}
	}
}

func TestASCIIOnly(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "café": "caf?", "日本": "????", "\x1b[31m─\x1b[m": "\x1b[31m?\x1b[m", "e\u0301x": "ex", "a\nü": "a\n?",
	} {
		if got := asciiOnly(in); got != want {
			t.Errorf("asciiOnly(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzASCIIOnly(f *testing.F) {
	f.Add("─ \x1b[1mü\x1b[m 日")
	f.Fuzz(func(t *testing.T, s string) {
		for _, b := range []byte(asciiOnly(s)) {
			if b >= 0x80 {
				t.Fatalf("asciiOnly(%q) = %q", s, asciiOnly(s))
			}
		}
	})
}

func TestUTF8Locale(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{}, true},
		{map[string]string{"LANG": "C"}, false},
		{map[string]string{"LANG": "de_DE.UTF-8"}, true},
		{map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, false},
		{map[string]string{"LANG": "C", "LC_CTYPE": "C.utf8"}, true},
	} {
		if got := utf8Locale(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("utf8Locale(%v) = %v", c.env, got)
		}
	}
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	picture := []string{"aaaaaa", "bbbbbb", "cccccc"}
	overlay(picture, []string{"XX", "YY", "ZZ"}, 2, 1)
	var got []string
	for _, row := range picture {
		got = append(got, stripped(row))
	}
	if want := []string{"aaaaaa", "bbXXbb", "ccYYcc"}; !slices.Equal(got, want) {
		t.Errorf("overlay gave %q, want %q", got, want)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	th := newTheme(true)
	if got := th.tail("/a/long/path", 6); got != "…/path" {
		t.Errorf("tail = %q", got)
	}
	if got := th.tail("日本語", 3); width(got) > 3 || !strings.HasSuffix(got, "語") {
		t.Errorf("tail = %q", got)
	}
}

func TestWrapLosesNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"fstatfs(proc, &fs)  /* it is a procfs */", "/a/b/c-d/", "a-b-c 日本/語"} {
		for w := 2; w < 50; w++ {
			rows := wrap(text, w)
			for _, row := range rows {
				if width(row) > w {
					t.Errorf("in %d columns there is the row %q", w, row)
				}
			}
			if got := strings.Join(strings.Fields(strings.Join(rows, "")), ""); got != strings.Join(strings.Fields(text), "") {
				t.Errorf("in %d columns %q becomes %q", w, text, rows)
			}
		}
	}
}
