package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// debianMirror serves a mirror, made by .ci/debian-mirror, as what a proxy has of
// Debian's own server.
func debianMirror(t testing.TB) (proxy, suite string) {
	t.Helper()
	needProgram(t, "debootstrap")
	const variable = "AQUARIUM_TEST_DEBIAN"
	dir := os.Getenv(variable)
	if dir == "" {
		skipOrFail(t, variable+" does not name a mirror of Debian: .ci/debian-mirror DIR makes one")
	}
	found, err := filepath.Glob(filepath.Join(dir, "debian/dists/*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", dir, found, err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return server.URL, filepath.Base(found[0])
}

// A real Debian, from packages that Debian has signed: created, checked, used,
// changed and kept; taken to podman and back.
func TestDebootstrap(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("debootstrap needs root")
	}
	t.Parallel()
	proxy, suite := debianMirror(t)
	p := newPlace(t)
	create := p.command("rootfs", "create", "debian", "--from", "debootstrap:"+suite)
	create.Env = append(create.Env, "http_proxy="+proxy, "no_proxy=")
	if out, err := create.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "debian\n") {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { p.run(t, "rootfs", "rm", "debian") })

	for _, test := range []struct{ command, want string }{
		{". /etc/os-release; echo $VERSION_CODENAME", suite},
		{"dpkg --audit; dpkg-query -W -f '${Status}' libc6", "install ok installed"},
		{"stat -c '%a %U:%G' /bin/su /etc/shadow /tmp", "4755 root:root\n640 root:shadow\n1777 root:root"},
		{"perl -e 'print \"perl\"'; id -un", "perlroot"},
	} {
		if out := strings.TrimSpace(p.run(t, "run", "--rm", "debian", "sh", "-c", test.command)); out != test.want {
			t.Errorf("%s: it says %q, want %q", test.command, out, test.want)
		}
	}
	if out := p.run(t, "rootfs", "check", "debian"); !strings.Contains(out, "it calls itself Debian GNU/Linux") {
		t.Errorf("the check says %q", out)
	}
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), p.dir) {
		t.Errorf("debootstrap left mounts: %v", err)
	}
	t.Run("podman", func(t *testing.T) { throughPodman(t, p, newPodman(t), "debian") })
}
