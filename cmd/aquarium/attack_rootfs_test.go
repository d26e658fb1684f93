package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPoisonedHelpers has a rootfs full of programs by the names of all that
// Aquarium starts on the host, and of libraries that a C library would load to
// look users up. None may be run, or loaded, outside of the sandbox.
func TestPoisonedHelpers(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	pwned := filepath.Join(p.dir, "pwned")
	poison := []byte("#!/bin/sh\necho $0 >>" + pwned + "\n")
	for _, name := range []string{
		"newuidmap", "newgidmap", "fuse-overlayfs", "fusermount3", "ip", "nft", "iptables", "mount", "umount", "tar", "xz", "zstd", "gzip", "bzip2", "unxz",
		"debootstrap", "getent", "docker-credential-pass", "lsns", "stty", "tput", "aquarium",
	} {
		for _, dir := range []string{"bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "lib", "etc"} {
			path := filepath.Join(p.bb(), dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			os.Remove(path) // a link to busybox, perhaps
			if err := os.WriteFile(path, poison, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, content := range map[string]string{
		"etc/nsswitch.conf": "passwd: poison\ngroup: poison\nhosts: poison\n", "etc/ld.so.preload": "/lib/libpoison.so\n",
		"lib/libnss_poison.so.2": string(poison), "lib/libpoison.so": string(poison), "etc/profile": string(poison),
	} {
		if err := os.WriteFile(filepath.Join(p.bb(), name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"rootfs", "check", p.bb()},
		{"run", "-d", "--name", "x", p.bb(), "sleep", "1000"},
		{"exec", "--user", "fish", "x", "id"},
		{"inspect", "x"}, {"rootfs", "diff", "x"}, {"trace", "x"}, {"stop", "-t", "0", "x"},
		{"rootfs", "commit", "x", "made"}, {"run", "--rm", "--user", "fish:reef", "made", "true"},
		{"rootfs", "export", "made", "-o", filepath.Join(p.dir, "made.tar")},
		{"rootfs", "import", "again", filepath.Join(p.dir, "made.tar")},
		{"rootfs", "export", "again", "-o", filepath.Join(p.dir, "again.tar")},
		{"rootfs", "rm", "again", "made"}, {"rm", "x"},
	} {
		c := p.command(args...)
		// Who stands in the rootfs, and has it in PATH behind the host's own.
		c.Dir = filepath.Join(p.bb(), "bin")
		c.Env = append(c.Env, "PATH="+os.Getenv("PATH")+":"+c.Dir)
		if out, err := c.CombinedOutput(); err != nil && args[1] != "check" {
			t.Errorf("aquarium %s: %v: %s", strings.Join(args, " "), err, out)
		}
		if content, err := os.ReadFile(pwned); err == nil {
			t.Fatalf("aquarium %s has run %s", strings.Join(args, " "), content)
		}
	}
	// The control: run on the host, any of them leaves its mark.
	if err := exec.Command("/bin/sh", filepath.Join(p.bb(), "bin/newuidmap")).Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(pwned); err != nil {
		t.Errorf("the poison does nothing: %v", err)
	}
}

// TestHostilePasswd has a sandbox's own /etc/passwd and /etc/group be anything
// but that. Whoever asks for a user by name gets an answer, soon; by number
// none of it matters.
func TestHostilePasswd(t *testing.T) {
	t.Parallel()
	binaryFile := make([]byte, 1<<20)
	for i := range binaryFile {
		binaryFile[i] = byte(i * 7)
	}
	fish := "fish:x:1000:1001:fish:/home/fish:/bin/sh\n"
	plain := func(content string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(content), 0o644) }
	}
	link := func(target string) func(string) error {
		return func(path string) error { return os.Symlink(target, path) }
	}
	for name, c := range map[string]struct {
		make func(path string) error
		want string // what `id` prints, or "" for a refusal
	}{
		"plain":               {plain(fish), "uid=1000(fish) gid=1001"},
		"huge":                {func(path string) error { return os.Truncate(mustCreate(path, fish), 1<<40) }, "uid=1000(fish) gid=1001"},
		"huge and late":       {plain(strings.Repeat("x:x:1:1:::\n", 1<<20) + fish), ""},
		"one line":            {plain(strings.Repeat("x", 8<<20)), ""},
		"binary":              {plain(string(binaryFile)), ""},
		"negative":            {plain("fish:x:-1:-1::/:/bin/sh\n"), ""},
		"nobody at all":       {plain("fish:x:4294967295:4294967295::/:/bin/sh\n"), ""},
		"beyond 32 bits":      {plain("fish:x:4294967296:4294967296::/:/bin/sh\n"), ""},
		"hexadecimal":         {plain("fish:x:0x0:0x0::/:/bin/sh\n"), ""},
		"root by overflow":    {plain("fish:x:18446744073709551616:0::/:/bin/sh\n"), ""},
		"a hole":              {plain("fish:x::::/:/bin/sh\n"), ""},
		"control characters":  {plain("fish:x:1000:1001:\x1b]0;x\x07:/\x1b[31m:/bin/sh\n"), "uid=1000(fish) gid=1001"},
		"a FIFO":              {func(path string) error { return syscall.Mkfifo(path, 0o666) }, ""},
		"a directory":         {func(path string) error { return os.Mkdir(path, 0o755) }, ""},
		"a socket":            {func(path string) error { return syscall.Mknod(path, syscall.S_IFSOCK|0o666, 0) }, ""},
		"missing":             {func(string) error { return nil }, ""},
		"to itself":           {link("passwd"), ""},
		"to zero":             {link("/dev/zero"), ""},
		"to a terminal":       {link("/dev/tty"), ""},
		"to the first pty":    {link("/dev/pts/0"), ""},
		"to memory":           {link("/proc/self/mem"), ""},
		"to the kernel's log": {link("/proc/kmsg"), ""},
		"to an open file":     {link("/proc/self/fd/0"), ""},
		"to the host's":       {link(strings.Repeat("../", 20) + "etc/shadow"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			for _, file := range []string{"passwd", "group"} {
				path := filepath.Join(p.bb(), "etc", file)
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				if file == "passwd" {
					if err := c.make(path); err != nil {
						t.Fatal(err)
					}
				}
			}
			if out, err := p.soon(t, "run", "-d", "--name", "x", "-t", p.bb(), "sleep", "1000"); err != nil {
				t.Fatalf("run: %v: %s", err, out)
			}
			for _, args := range [][]string{{"exec", "--user", "fish", "x", "id"}, {"run", "--rm", "--user", "fish", p.bb(), "id"}} {
				out, err := p.soon(t, args...)
				mayBe := os.Geteuid() == 0 || !strings.Contains(string(out), "setgroups") && !strings.Contains(string(out), "setres")
				switch {
				case c.want != "" && mayBe && (err != nil || !strings.HasPrefix(string(out), c.want)):
					t.Errorf("%s: %v, %q; want %q", args[0], err, out, c.want)
				case c.want == "" && (err == nil || !strings.Contains(string(out), "fish")):
					t.Errorf("%s: %v, %q; want a refusal", args[0], err, out)
				case strings.ContainsAny(string(out), "\x1b\x07"):
					t.Errorf("%s printed %q", args[0], out)
				}
			}
			if out, err := p.soon(t, "exec", "--user", "0", "x", "echo", "still there"); err != nil || !strings.Contains(out, "still there") {
				t.Errorf("by number: %v, %q", err, out)
			}
		})
	}
}

// soon runs a command that must end, well or not, and soon. One that does not
// is killed, and so is all that runs the place's binary: who waits for a FIFO
// would not even remove the sandbox.
func (p place) soon(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	var out bytes.Buffer
	c := p.command(args...)
	c.Stdout, c.Stderr = &out, &out
	c.WaitDelay = patience / 4 // for a sandbox's program that holds them open
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		return out.String(), err
	case <-time.After(patience):
		c.Process.Kill()
		<-ended
		p.killAll()
		t.Fatalf("aquarium %s has not ended after %v: %s", strings.Join(args, " "), patience, out.String())
		return "", nil
	}
}

// killAll kills whatever runs the place's own binary.
func (p place) killAll() {
	processes, _ := filepath.Glob("/proc/[0-9]*") // the pattern is a good one
	for _, process := range processes {
		exe, _ := os.Readlink(process + "/exe") // of another user, or gone: not ours
		if pid, err := strconv.Atoi(filepath.Base(process)); err == nil && filepath.Base(exe) == p.ownName() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// TestCVE_2016_3697 has a sandbox's passwd file call root by the number that
// somebody asks for.
func TestCVE_2016_3697(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for file, content := range map[string]string{"passwd": "1000:x:0:0::/root:/bin/sh\nroot:x:0:0::/root:/bin/sh\n", "group": "1000:x:0:\nroot:x:0:\n"} {
		if err := os.WriteFile(filepath.Join(p.bb(), "etc", file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, "run", "-d", "--name", "x", p.bb(), "sleep", "1000")
	for _, user := range []string{"1000", "1000:1000"} {
		for _, args := range [][]string{{"exec", "--user", user, "x", "id", "-u"}, {"run", "--rm", "--user", user, p.bb(), "id", "-u"}} {
			out, err := p.command(args...).CombinedOutput()
			mayNot := strings.Contains(string(out), "setgroups") || strings.Contains(string(out), "setres") // with one id
			if string(out) != "1000\n" && !(err != nil && mayNot) {
				t.Errorf("%s as %s: %q, %v", args[0], user, out, err)
			}
		}
	}
}

// mustCreate makes a file and returns its path.
func mustCreate(path, content string) string {
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		panic(errors.Join(errors.New("make "+path), err))
	}
	return path
}
