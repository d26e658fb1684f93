package rootfs

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNameLength is the longest name of a root filesystem, in bytes.
const maxNameLength = 63

// CheckName returns an error unless name can be the name of a stored root filesystem:
// [a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}. The built-in name is refused too.
func CheckName(name string) error {
	switch {
	case name == "":
		return fail("name", "a root filesystem", errText("the name is empty"))
	case len(name) > maxNameLength:
		return fail("name", quote(name), errText("longer than %d bytes", maxNameLength))
	case name == HostName:
		return fail("name", quote(name), errText("that name is built in"))
	case !alphanumeric(name[0]):
		return fail("name", quote(name), errText("must begin with a letter or a digit"))
	}
	for i := range len(name) {
		if c := name[i]; !alphanumeric(c) && !strings.ContainsRune("_.-", rune(c)) {
			return fail("name", quote(name), errText("only letters, digits, _ . and - are allowed"))
		}
	}
	return nil
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Visible returns s with everything that a terminal could act on, or that would not show, spelled
// out as a Go escape: control characters, invalid UTF-8, bidirectional overrides, line separators.
// Ordinary text comes back unchanged.
func Visible(s string) string {
	clean := true
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteString(s[i : i+size])
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.String()
}

// quote shows a name in an error: visible, in quotes, and never longer than a line can bear.
func quote(name string) string {
	const longest = 80
	if len(name) > longest {
		return `"` + Visible(name[:longest]) + `…"`
	}
	return `"` + Visible(name) + `"`
}
