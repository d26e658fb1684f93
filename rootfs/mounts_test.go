package rootfs

import (
	"slices"
	"testing"
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
