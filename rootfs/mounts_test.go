package rootfs

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestParseMounts(t *testing.T) {
	t.Parallel()
	table := parseMounts([]byte(`22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:20 / /a\040b\134c rw shared:1 - proc proc rw
24 22 0:21 / /usr rw - tmpfs tmpfs rw
25 24 0:21 / /usr rw - tmpfs tmpfs rw
26 24 0:22 / /usr2 rw - tmpfs tmpfs rw
27 24 0:23 / /usr/local rw - tmpfs tmpfs rw
a short line
`))
	if want := (mountTable{"/", `/a b\c`, "/usr", "/usr/local", "/usr2"}); !slices.Equal(table, want) {
		t.Errorf("the table is %q, want %q", table, want)
	}
	if below := table.below("/usr"); !slices.Equal(below, []string{"/usr/local"}) {
		t.Errorf("below /usr is %q", below)
	}
	if below := table.below("/"); len(below) != 4 {
		t.Errorf("below / is %q", below)
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add([]byte(`23 22 0:20 / /a\040b rw - proc proc rw`))
	f.Add([]byte(`1 2 3 4 \777\7`))
	f.Fuzz(func(t *testing.T, data []byte) { parseMounts(data) })
}

// FuzzMountPoint has any path, as the kernel writes it, come back as it is.
func FuzzMountPoint(f *testing.F) {
	f.Add("/a b")
	f.Add("/\\040\n\t\\134")
	f.Add("/\xff\\")
	escape := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)
	f.Fuzz(func(t *testing.T, point string) {
		if strings.ContainsFunc(point, func(r rune) bool { return unicode.IsSpace(r) && !strings.ContainsRune(" \t\n", r) }) {
			return // which the kernel does not escape
		}
		point = "/" + point
		if got := parseMounts([]byte("23 22 0:20 / " + escape.Replace(point) + " rw - proc proc rw\n")); len(got) != 1 || got[0] != point {
			t.Errorf("%q is %q", point, got)
		}
	})
}
