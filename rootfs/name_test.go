package rootfs

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a", "0", "debian-12", "My_Root.fs", strings.Repeat("n", 63)} {
		if err := CheckName(good); err != nil {
			t.Errorf("%q is refused: %v", good, err)
		}
	}
	for _, bad := range []string{"", ".", "..", "-a", "_a", "a/b", "/", "a b", "a\x00", "a\n", "ü", "host", strings.Repeat("n", 64)} {
		if CheckName(bad) == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzVisible(f *testing.F) {
	for _, s := range []string{"plain", "ümläut 漢字", "\x1b[31m", "\xff\xfe", "a\u202eb", "\u2028", "\ufffd", "\u200b\x9b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		shown := Visible(s)
		if !utf8.ValidString(shown) {
			t.Errorf("%q becomes invalid UTF-8: %q", s, shown)
		}
		for _, r := range shown {
			if !unicode.IsPrint(r) {
				t.Errorf("%q becomes %q, which holds %q", s, shown, r)
			}
		}
		if again := Visible(shown); again != shown {
			t.Errorf("%q changes again to %q", shown, again)
		}
	})
}
