package enter

import (
	"slices"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kinds          []string
		chrooted, root bool
		has, hasNot    []string
	}{
		{[]string{"pid"}, false, false, []string{"the target's: pid", "ps reads your /proc"}, []string{"chroot", "owners"}},
		{[]string{"mnt"}, true, false, []string{"root of the host", "ps reads the target's /proc"}, []string{"ps reads your /proc"}},
		{[]string{"mnt"}, true, true, []string{"mnt: files"}, []string{"root of the host"}},
		{[]string{"mnt"}, false, false, []string{"owners"}, []string{"root of the host"}},
		{nil, false, false, []string{"still yours: user"}, []string{"the target's: "}},
		{[]string{"user", "cgroup", "ipc", "uts", "net", "pid", "time", "mnt"}, false, false, []string{"time: boot"}, []string{"still yours"}},
	} {
		words := strings.Join(Explain(test.kinds, test.chrooted, test.root), "\n")
		for _, want := range test.has {
			if !strings.Contains(words, want) {
				t.Errorf("%v: no %q in %q", test.kinds, want, words)
			}
		}
		for _, not := range test.hasNot {
			if strings.Contains(words, not) {
				t.Errorf("%v: %q in %q", test.kinds, not, words)
			}
		}
	}
}

func TestNsenterCommand(t *testing.T) {
	t.Parallel()
	got := NsenterCommand("42", []string{"pid", "mnt"}, true, false, []string{"sh"})
	if want := []string{"nsenter", "-t", "42", "-m", "-p", "-r", "sh"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
