package step

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// passwdTree is a tree with these files only.
func passwdTree(t testing.TB, passwd, group string) string {
	t.Helper()
	root := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(root, "etc"), 0o755),
		os.WriteFile(filepath.Join(root, "etc/passwd"), []byte(passwd), 0o644),
		os.WriteFile(filepath.Join(root, "etc/group"), []byte(group), 0o644)); err != nil {
		t.Fatal(err)
	}
	return root
}

// A line with a NUL byte is no entry: as an environment variable it would keep
// every program from being executed.
func TestLookupUserLeavesNULOut(t *testing.T) {
	t.Parallel()
	root := passwdTree(t, "root:x:0:0::/\x00evil:/bin/sh\nfish:x:1000:1000::/home/fish:/bin/sh\n", "")
	if id, err := LookupUser(root, "0"); err != nil || id.Home != "/root" {
		t.Errorf("root's home is %q, %v", id.Home, err)
	}
	if _, err := LookupUser(root, "root"); err == nil {
		t.Error("a name before a NUL byte is found")
	}
	if id, err := LookupUser(root, "fish"); err != nil || id.Home != "/home/fish" {
		t.Errorf("the next line is %+v, %v", id, err)
	}
}

// A user or a group whose name is another's number is not what the number
// stands for: `--user 1000` would be root (CVE-2016-3697).
func TestLookupUserTakesNumbersForNumbers(t *testing.T) {
	t.Parallel()
	root := passwdTree(t, "1000:x:0:0::/evil:/bin/sh\nfish:x:1000:1001::/home/fish:/bin/sh\n", "7:x:0:\n0:x:9:1000,fish\n")
	if id, err := LookupUser(root, "1000:7"); err != nil || id.UID != 1000 || id.GID != 7 || id.Home != "/home/fish" {
		t.Errorf("1000:7 is %+v, %v", id, err)
	}
	if id, err := LookupUser(root, "0"); err != nil || id.UID != 0 || id.Home != "/evil" {
		t.Errorf("0 is %+v, %v", id, err)
	}
}

// FuzzLookupUser has a sandbox's own files be anything. Numbers stand for
// themselves, and whoever it is, the kernel can take it.
func FuzzLookupUser(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/sh\nfish:x:1000:1001:fish:/home/fish:/bin/sh\n", "reef:x:1001:\npond:x:7:other,fish\n", "fish:reef")
	f.Add("fish:x:-1:4294967295::/\x00:/bin/sh\n", "fish:x:0x7:fish,,fish\n", "fish")
	f.Add(":::::::::\n", "::::", ":")
	f.Add("0:x:5:5::/five:\n", "", "0")
	f.Add("", "", "4294967294:0")
	f.Fuzz(func(t *testing.T, passwd, group, spec string) {
		id, err := LookupUser(passwdTree(t, passwd, group), spec)
		user, groupName, grouped := strings.Cut(spec, ":")
		if number, numeric := parseID(user); numeric && id.UID != number {
			t.Errorf("user %q is %d", user, id.UID)
		}
		if err != nil {
			if _, numeric := parseID(user); numeric && !grouped {
				t.Errorf("the number %s is refused: %v", user, err)
			}
			return
		}
		for _, number := range append([]int{id.UID, id.GID}, id.Groups...) {
			if number < 0 || number > maxIdentifier {
				t.Errorf("%q is %+v: there is no %d", spec, id, number)
			}
		}
		if number, numeric := parseID(groupName); grouped && numeric && id.GID != number {
			t.Errorf("group %q is %d", groupName, id.GID)
		}
		if !slices.Contains(id.Groups, id.GID) || len(id.Groups) > maxGroups {
			t.Errorf("%q has %d groups, with its own: %v", spec, len(id.Groups), slices.Contains(id.Groups, id.GID))
		}
		if strings.ContainsAny(id.Home, "\x00\n:") {
			t.Errorf("%q has the home %q", spec, id.Home)
		}
	})
}
