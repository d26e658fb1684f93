package rootfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCheckOfBadTrees(t *testing.T) {
	t.Parallel()
	const aarch64 = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
	foreign := aarch64 + strings.Repeat("\x00", 44)
	tests := []struct {
		name  string
		files map[string]string
		edit  func(dir string) error
		want  string // the first finding
	}{
		{"empty", map[string]string{"/": ""}, nil, "the directory is empty"},
		{"no shell", map[string]string{"etc/": ""}, nil, "it has no shell: neither /bin/sh nor any other"},
		{"foreign", map[string]string{"bin/sh": foreign}, nil, "/bin/sh is for aarch64, this machine is x86_64"},
		{"text", map[string]string{"bin/sh": "hello"}, nil, "/bin/sh is neither an executable nor a script"},
		{"cut off", map[string]string{"bin/sh": aarch64}, nil, "/bin/sh is a damaged executable"},
		{"directory", map[string]string{"bin/sh/": ""}, nil, "/bin/sh is not a regular file"},
		{"circle", map[string]string{"bin/sh": "-> ash", "bin/ash": "-> sh"}, nil, "/bin/sh is a symbolic link that leads in a circle"},
		{"link out", map[string]string{"bin/sh": "-> ../../../../../../bin/sh"}, nil, "/bin/sh is a symbolic link that leads in a circle"},
		{"link out absolute", map[string]string{"bin/sh": "-> /usr/bin/dash"}, nil, "it has no shell: neither /bin/sh nor any other"},
		{"script", map[string]string{"bin/sh": "#!/bin/other -x\n"}, nil, "/bin/sh needs the interpreter /bin/other, which is not there"},
		{"scripts", map[string]string{"bin/sh": "#! /bin/sh\n"}, nil, "/bin/sh is a script run by scripts without end"},
		{"escape in a script", map[string]string{"bin/sh": "#!/\x1b[31m\n"}, nil, `/bin/sh needs the interpreter /\x1b[31m, which is not there`},
		{"no x", map[string]string{"bin/sh": "x"}, func(dir string) error { return os.Chmod(filepath.Join(dir, "bin/sh"), 0o644) },
			"/bin/sh is not executable"},
		{"fifo", map[string]string{"bin/": ""}, func(dir string) error { return unix.Mkfifo(filepath.Join(dir, "bin/sh"), 0o755) },
			"/bin/sh is not a regular file"},
		{"socket", map[string]string{"bin/": ""}, func(dir string) error {
			return unix.Mknod(filepath.Join(dir, "bin/sh"), unix.S_IFSOCK|0o755, 0)
		}, "/bin/sh is not a regular file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := tree(t, workspace(t), test.files)
			if test.edit != nil {
				if err := test.edit(dir); err != nil {
					t.Fatal(err)
				}
			}
			findings := Check(dir)
			if len(findings) == 0 || findings[0].What != test.want || !findings[0].Fatal {
				t.Errorf("found %+v, want %q first", findings, test.want)
			}
			if sentence := judge(dir).problem; sentence != test.want {
				t.Errorf("the catalogue says %q, want %q", sentence, test.want)
			}
		})
	}
}

func TestCheckOfLoader(t *testing.T) {
	t.Parallel()
	dash, err := os.ReadFile("/bin/dash")
	if err != nil {
		skipOrFail(t, "no dash: %v", err)
	}
	dir := tree(t, workspace(t), map[string]string{"bin/sh": string(dash)})
	if sentence := judge(dir).problem; !strings.HasPrefix(sentence, "/bin/sh needs the loader /lib") {
		t.Errorf("without a loader the catalogue says %q", sentence)
	}
	// An absolute link to the loader is good if it leads to one inside the tree, and only then.
	tree(t, dir, map[string]string{"lib64": "-> /usr/lib64", "lib": "-> usr/lib", "usr/lib64/": "", "usr/lib/": ""})
	if sentence := judge(dir).problem; !strings.HasPrefix(sentence, "/bin/sh needs the loader /lib") {
		t.Errorf("with the host's loader in reach the catalogue says %q", sentence)
	}
	tree(t, dir, map[string]string{"usr/lib64/ld-linux-x86-64.so.2": "", "usr/lib/ld-linux-aarch64.so.1": ""})
	if v := judge(dir); v.problem != "" || v.shell[0] != "/bin/sh" {
		t.Errorf("with a loader the catalogue says %q, %q", v.problem, v.shell)
	}
}

func TestCheckOfMountPoints(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"proc": "-> /etc", "dev": "-> ../../../../dev", "sys": "a file"} {
		dir := busyboxTree(t, workspace(t))
		tree(t, dir, map[string]string{name: content})
		sentence := judge(dir).problem
		if !strings.HasPrefix(sentence, "/"+name+" is ") {
			t.Errorf("%s as %q: the catalogue says %q", name, content, sentence)
		}
	}
}

func TestCheckOfGoodTree(t *testing.T) {
	t.Parallel()
	dir := busyboxTree(t, workspace(t))
	var found []string
	for _, f := range Check(dir) {
		if f.Fatal {
			t.Errorf("%s is called fatal", f.What)
		}
		found = append(found, f.What)
	}
	want := "/proc is missing, /dev is missing, /sys is missing, /etc/passwd is missing, /etc/group is missing, " +
		"/etc/resolv.conf is missing, /tmp is missing, there is no os-release"
	if got := strings.Join(found, ", "); got != want {
		t.Errorf("found %s\nwant %s", got, want)
	}
	tree(t, dir, map[string]string{
		"proc/": "", "dev/": "", "sys/": "", "tmp/": "", "etc/passwd": "", "etc/group": "", "etc/resolv.conf": "",
		"etc/os-release": "-> ../usr/lib/os-release", "usr/lib/os-release": "ID=x\nPRETTY_NAME=\"Fish \x1b[2J 1\"\n",
	})
	if found := Check(dir); len(found) != 1 || found[0].What != `it calls itself Fish \x1b[2J 1` {
		t.Errorf("found %+v", found)
	}
}

func TestCheckOfUnreadable(t *testing.T) {
	t.Parallel()
	dir := busyboxTree(t, workspace(t))
	tests := []struct{ close, user, root string }{ // what each of them is told
		{"bin/busybox", "/bin/sh is not readable: permission denied", "/bin/sh is not executable"},
		{"bin", "/bin/bash is not readable: permission denied", "/bin/sh is not executable"},
		{".", "it is not readable: permission denied", "/bin/sh is not executable"},
	}
	for _, test := range tests {
		if err := os.Chmod(filepath.Join(dir, test.close), 0); err != nil {
			t.Fatal(err)
		}
		want := test.user
		if isRoot() {
			want = test.root
		}
		if sentence := judge(dir).problem; sentence != want {
			t.Errorf("%s closed: the catalogue says %q, want %q", test.close, sentence, want)
		}
	}
	if found := Check("/etc/passwd"); found[0].What != "it is not a directory" {
		t.Errorf("a file: found %+v", found)
	}
}

func FuzzOSName(f *testing.F) {
	f.Add([]byte("NAME=\"Debian\"\nPRETTY_NAME='Debian 12'\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if name := osName(data); strings.ContainsAny(name, "\n") {
			t.Errorf("a name of two lines: %q", name)
		}
	})
}
