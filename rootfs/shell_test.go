package rootfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"aquarium/rootfs/inside"
)

// FuzzProgram has a root filesystem's /bin/sh be anything, and another program
// that it may name: whether it starts is told in one line, and in time.
func FuzzProgram(f *testing.F) {
	program, err := os.ReadFile("/bin/sh")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(program[:4096], []byte("x"), "bin/other")
	f.Add([]byte("#!/bin/other -x\n"), []byte("#! /bin/sh\n"), "bin/other")
	f.Add([]byte("#!../../../../bin/sh"), []byte{}, "sh")
	f.Add([]byte("#!/proc/self/exe\n"), []byte("#!\n"), "proc/self/exe")
	f.Add([]byte("#!/\x1b[31m\n"), []byte("\x7fELF"), "\x1b[31m")
	f.Fuzz(func(t *testing.T, shell, other []byte, place string) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "bin/sh"), shell, 0o755); err != nil {
			t.Fatal(err)
		}
		if path := filepath.Join(dir, filepath.Join("/", place)); os.MkdirAll(filepath.Dir(path), 0o755) == nil {
			os.WriteFile(path, other, 0o755) // where it can be
		}
		tree, err := inside.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		err = checkProgram(tree, "/bin/sh")
		if err == nil {
			return
		}
		if text := err.Error(); strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.Contains(text, dir) {
			t.Errorf("it says %q", text)
		}
	})
}

// FuzzHomes reads any passwd file: what is hidden of the host lies below, and
// is no directory that everybody needs.
func FuzzHomes(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\nfish:x:1000:1000::/home/fish:/bin/sh\n")
	f.Add("a:x:1:1::/:\nb:x:1:1::/usr/sbin:\nc:x:1:1::/home/../usr:\nd:x:1:1::relative:\ne:x:1:1::/srv/x/../..:\n")
	f.Add("x:x:x:x:x:/home/a/:x:more\n::::::")
	f.Fuzz(func(t *testing.T, passwd string) {
		path := filepath.Join(t.TempDir(), "passwd")
		if err := os.WriteFile(path, []byte(passwd), 0o600); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, home := range readHomes(path) {
			if !filepath.IsAbs(home) || filepath.Clean(home) != home || strings.Count(home, "/") < 2 || seen[home] {
				t.Errorf("%q hides %q", passwd, home)
			}
			for _, kept := range []string{"/usr", "/usr/lib", "/usr/share", "/usr/bin"} {
				if home == kept {
					t.Errorf("%q hides %s", passwd, home)
				}
			}
			seen[home] = true
		}
	})
}
