package rootfs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func hostViewForTest(t *testing.T) (view View, data, work string) {
	t.Helper()
	needNamespaces(t)
	base := workspace(t)
	data, work = filepath.Join(base, "data"), filepath.Join(base, "sandbox")
	c := Open(data)
	r, err := c.Find(HostName)
	if err != nil {
		t.Fatal(err)
	}
	if r.Problem != "" || len(r.Defaults.Command) == 0 {
		t.Fatalf("host is not usable: %+v", r)
	}
	if view, err = c.View(r, isRoot()); err != nil {
		t.Fatal(err)
	}
	return view, data, work
}

func TestHostStartsPrograms(t *testing.T) {
	t.Parallel()
	view, _, work := hostViewForTest(t)
	for _, program := range []string{"/bin/sh", "vim", "less", "git", "/usr/bin/python3"} {
		needProgram(t, program)
	}
	out := runInView(t, view, work, `
		test "$(/usr/bin/python3 -c 'print(6 * 7)')" = 42
		less --version | head -n 1
		vim --version | head -n 1
		git --version`)
	for _, want := range []string{"less", "VIM", "git version"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in:\n%s", want, out)
		}
	}
}

func TestHostHidesPrivateThings(t *testing.T) {
	t.Parallel()
	view, data, work := hostViewForTest(t)
	out := runInView(t, view, work, `
		for empty in /root /home /run/user /tmp /var/tmp /mnt /media /srv /var/log/apt /var/mail /proc /sys; do
			test -d $empty || continue
			test -z "$(ls -A $empty)" || { echo "$empty is not empty:"; ls -A $empty; exit 1; }
		done
		for absent in /var/lib/docker /var/lib/containerd /var/lib/containers /var/lib/postgresql /var/spool/cron \
			/etc/shadow- /etc/gshadow- /etc/ssl/private /etc/security/opasswd '`+data+`'; do
			! ls -d $absent 2>/dev/null || { echo "$absent is there"; exit 1; }
		done
		! ls /etc/ssh/ssh_host_* 2>/dev/null
		ls -A /
		grep -c . /etc/passwd >/dev/null
		echo shadow; cat /etc/shadow`)
	_, shadow, _ := strings.Cut(out, "shadow\n")
	if !strings.HasPrefix(shadow, "root:*:") {
		t.Errorf("shadow does not begin with a locked root:\n%s", shadow)
	}
	for line := range strings.Lines(shadow) {
		if strings.Split(line, ":")[1] != "*" {
			t.Errorf("not locked: %s", line)
		}
	}
}

func TestHostIsNeverWrittenTo(t *testing.T) {
	t.Parallel()
	view, _, work := hostViewForTest(t)
	marker := filepath.Base(filepath.Dir(work))
	script := `
		for dir in / /etc /usr/bin /usr/local/bin /opt /root /tmp /var/lib /run; do
			test -d $dir || continue
			echo written > $dir/M || { echo "cannot write in $dir"; exit 1; }
		done
		rm /etc/passwd; echo mine > /etc/hostname.M`
	if isRoot() {
		script += `
		rm -rf /usr/share/doc /var/lib/dpkg/info
		echo changed >> /usr/bin/vim`
	}
	runInView(t, view, work, strings.ReplaceAll(script, "M", marker))
	for _, dir := range []string{"/", "/etc", "/usr/bin", "/usr/local/bin", "/opt", "/root", "/tmp", "/var/lib", "/run"} {
		if _, err := os.Lstat(filepath.Join(dir, marker)); err == nil {
			if filepath.Join(dir, marker) != filepath.Dir(work) {
				t.Errorf("%s was written on the host", filepath.Join(dir, marker))
			}
		}
	}
	for _, path := range []string{"/etc/passwd", "/usr/share/doc", "/usr/bin/vim"} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the host lost %s: %v", path, err)
		}
	}
	for _, overlay := range view.Overlays {
		for _, lower := range overlay.Lower {
			if _, err := os.Lstat(filepath.Join(lower, marker)); err == nil {
				t.Errorf("%s was written to", lower)
			}
		}
	}
}

// A sandbox's root may undo every mount it can: nothing hidden may be below.
func TestHostHidesWithoutMounts(t *testing.T) {
	t.Parallel()
	view, _, work := hostViewForTest(t)
	runInView(t, view, work, `
		for dir in /etc /opt /usr /var/lib/dpkg /var/lib/apt; do
			umount -l $dir 2>/dev/null || true
		done
		! cat /etc/shadow 2>/dev/null | grep -v ':\*:'
		! ls /etc/ssl/private 2>/dev/null
		true`)
}

// machine is a small "/" with what has to be shown, hidden and replaced.
func machine(t *testing.T) string {
	base := tree(t, filepath.Join(workspace(t), "machine"), map[string]string{
		"bin":                            "-> usr/bin",
		"usr/bin/sh":                     "sh",
		"usr/local/bin/tool":             "tool",
		"etc/passwd":                     "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/usr/sbin:/no\nann:x:1000:1000::/opt/ann:/bin/sh\n",
		"etc/group":                      "root:x:0:\nann:x:1000:\n",
		"etc/shadow":                     "root:$6$secret:1::::::\n",
		"etc/shadow-":                    "root:$6$old:1::::::\n",
		"etc/hosts":                      "127.0.0.1 localhost\n",
		"etc/ssh/ssh_host_ed25519_key":   "key",
		"etc/ssh/ssh_config":             "Host *\n",
		"etc/private/secret":             "secret",
		"etc/resolv.conf":                "-> ../run/resolv.conf",
		"run/resolv.conf":                "nameserver 192.0.2.1\n",
		"opt/ann/diary":                  "dear diary",
		"usr/local/etc/app/password":     "secret",
		"opt/app/program":                "program",
		"srv/secret":                     "secret",
		"unheard-of/secret":              "secret",
		"var/lib/dpkg/status":            "",
		"var/lib/aquarium/rootfs/secret": "",
	})
	for path, mode := range map[string]os.FileMode{"etc/private": 0o700, "etc/shadow": 0o640, "etc/shadow-": 0o640, "etc/ssh/ssh_host_ed25519_key": 0o600, "usr/local/etc/app/password": 0o600} {
		if err := os.Chmod(filepath.Join(base, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	return base
}

func planFor(t *testing.T, base string, edit func(*hostPlan)) *hostPlan {
	t.Helper()
	p := &hostPlan{base: base, privileged: true}
	if edit != nil {
		edit(p)
	}
	if err := p.make(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHostPlan(t *testing.T) {
	t.Parallel()
	base := machine(t)
	tests := []struct {
		name  string
		edit  func(*hostPlan)
		parts []string
	}{
		{"plain", nil, []string{"/etc", "/opt", "/usr", "/var/lib/dpkg"}},
		{"state in /opt", func(p *hostPlan) { p.hidden = []string{"/opt/app"} }, []string{"/etc", "/opt/ann", "/usr", "/var/lib/dpkg"}},
		{"state in /etc", func(p *hostPlan) { p.hidden = []string{"/etc/private"} }, []string{"/opt", "/usr", "/var/lib/dpkg"}},
		{"mount below, root", func(p *hostPlan) { p.mounts = mountTable{base + "/usr/local"} },
			[]string{"/etc", "/opt", "/usr", "/usr/local", "/var/lib/dpkg"}},
		{"mount below, no root", func(p *hostPlan) { p.mounts = mountTable{base + "/usr/local/bin"}; p.privileged = false },
			[]string{"/etc", "/opt", "/usr/bin", "/usr/local/bin", "/usr/local/etc", "/var/lib/dpkg"}},
		{"file mounted in /etc", func(p *hostPlan) { p.mounts = mountTable{base + "/etc/hosts"} }, []string{"/opt", "/usr", "/var/lib/dpkg"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if p := planFor(t, base, test.edit); !slices.Equal(p.layers.Parts, test.parts) {
				t.Errorf("parts are %q, want %q", p.layers.Parts, test.parts)
			}
		})
	}
}

func TestHostPlanHides(t *testing.T) {
	t.Parallel()
	p := planFor(t, machine(t), nil)
	want := []string{"/etc/private", "/etc/shadow-", "/etc/ssh/ssh_host_ed25519_key", "/opt/ann", "/usr/local/etc/app/password"}
	if !slices.Equal(p.layers.Whiteouts, want) {
		t.Errorf("hidden are %q, want %q", p.layers.Whiteouts, want)
	}
	files := map[string]string{}
	for _, f := range p.layers.Files {
		files[f.Path] = string(f.Content)
	}
	if want := "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nann:*:19000:0:99999:7:::\n"; files["/etc/shadow"] != want {
		t.Errorf("shadow is %q, want %q", files["/etc/shadow"], want)
	}
	if want := "nameserver 192.0.2.1\n"; files["/etc/resolv.conf"] != want {
		t.Errorf("resolv.conf is %q, want %q", files["/etc/resolv.conf"], want)
	}
}

// A copied /etc must not be written through its symbolic links.
func TestHostCopyOfEtc(t *testing.T) {
	t.Parallel()
	base := machine(t)
	outside := filepath.Join(workspace(t), "outside")
	if err := os.WriteFile(outside, []byte("untouched"), 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(base, "etc/resolv.conf")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	run := tree(t, filepath.Join(base, "run"), map[string]string{"stub": "-> " + outside})
	if err := os.Symlink(filepath.Join(run, "stub"), link); err != nil {
		t.Fatal(err)
	}
	p := planFor(t, base, func(p *hostPlan) { p.mounts = mountTable{base + "/etc/hosts"} })
	dir, err := Open(filepath.Join(workspace(t), "data")).hostLayers(&p.layers, base)
	if err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(outside); string(data) != "untouched" {
		t.Errorf("the target of the link now holds %q", data)
	}
	skeleton := filepath.Join(dir, "skeleton/etc")
	for name, want := range map[string]string{"hosts": "127.0.0.1 localhost\n", "resolv.conf": "untouched"} {
		if data, err := os.ReadFile(filepath.Join(skeleton, name)); string(data) != want {
			t.Errorf("%s holds %q (%v), want %q", name, data, err, want)
		}
	}
	for _, name := range []string{"shadow-", "private", "ssh/ssh_host_ed25519_key"} {
		if _, err := os.Lstat(filepath.Join(skeleton, name)); err == nil {
			t.Errorf("%s was copied", name)
		}
	}
}

func TestHostLayersAreMadeOnce(t *testing.T) {
	t.Parallel()
	base, c := machine(t), Open(filepath.Join(workspace(t), "data"))
	made := make(chan string)
	for range 8 {
		go func() {
			p := &hostPlan{base: base, privileged: true}
			if err := p.make(); err != nil {
				t.Error(err)
			}
			dir, err := c.hostLayers(&p.layers, base)
			if err != nil {
				t.Error(err)
			}
			made <- dir
		}()
	}
	first := <-made
	for range 7 {
		if dir := <-made; dir != first {
			t.Errorf("%s and %s were made for one recipe", dir, first)
		}
	}
	for dir, want := range map[string]int{"host": 1, "tmp": 0} {
		if entries, err := os.ReadDir(filepath.Join(c.DataDir(), dir)); err != nil || len(entries) != want {
			t.Errorf("%s holds %v (%v), want %d entries", dir, entries, err, want)
		}
	}
}

func TestHostRecipeFollowsTheMachine(t *testing.T) {
	t.Parallel()
	base := machine(t)
	digest := func() string {
		d, err := planFor(t, base, nil).layers.digest()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before := digest()
	if again := digest(); again != before {
		t.Errorf("nothing changed, but the recipe went from %s to %s", before, again)
	}
	secret := filepath.Join(base, "etc/new-secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if digest() == before {
		t.Error("a new private file did not change the recipe")
	}
}

func BenchmarkHostView(b *testing.B) {
	c := Open(b.TempDir())
	for b.Loop() {
		if _, err := c.View(c.host(), isRoot()); err != nil {
			b.Fatal(err)
		}
	}
}

// Every change of this machine's /etc gives a new view; old ones go when nothing is made of them.
func TestOldViewsAreCleared(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	view := func(hosts string) string {
		base := machine(t)
		if err := os.WriteFile(filepath.Join(base, "etc/passwd"), []byte(hosts), 0o644); err != nil {
			t.Fatal(err)
		}
		p := planFor(t, base, func(*hostPlan) {})
		dir, err := c.hostLayers(&p.layers, base)
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	const first, second, third = "a:x:1:1::/:\n", "b:x:1:1::/:\n", "c:x:1:1::/:\n"
	used, unused, fresh := view(first), view(second), view(third)
	age := func(by time.Duration, dirs ...string) {
		for _, dir := range dirs {
			if then := time.Now().Add(-by); os.Chtimes(dir, then, then) != nil {
				t.Fatal(dir)
			}
		}
	}
	check := func(about string, want ...string) {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(c.dataDir, "host/*"))
		slices.Sort(want)
		if err != nil || !slices.Equal(found, want) {
			t.Errorf("%s: there are %q, want %q", about, found, want)
		}
	}
	age(2*time.Hour, used, unused)
	if p, err := c.Prune(); err != nil || p.Views != 0 {
		t.Errorf("without anybody to ask, pruned %+v, %v", p, err)
	}
	c.AskInUse(func() ([]string, error) { return []string{"/elsewhere", filepath.Join(used, "mask/etc")}, nil })
	c.Sweep()
	check("after some hours", used, unused, fresh)
	if p, err := c.Prune(); err != nil || p.Views != 1 {
		t.Errorf("pruned %+v, %v", p, err)
	}
	check("pruned", used, fresh)
	age(25*time.Hour, used, fresh)
	if again := view(third); again != fresh {
		t.Errorf("the same machine gives %s and %s", fresh, again)
	}
	c.Sweep()
	check("used again", used, fresh)
	age(25*time.Hour, fresh)
	c.Sweep()
	check("after a day", used)
	age(25*time.Hour, used)
	c.AskInUse(func() ([]string, error) { return nil, errors.New("nobody knows") })
	if _, err := c.Prune(); err == nil || !strings.Contains(err.Error(), "nobody knows") {
		t.Errorf("the error is %v", err)
	}
	check("when nobody knows", used)
}
