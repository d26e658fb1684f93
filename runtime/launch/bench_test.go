package launch

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkLaunch measures `aquarium run --rm ROOTFS /bin/true`, from start to
// end, beside others that launch the same program, and prints each as a ratio
// to the minimal Go program in testdata that does the same kernel work. The
// peers take turns, and medians are compared, because the machine is noisy.
// bwrap and unshare do less: no overlay, no record, fewer mounts.
//
//	sudo go test ./runtime/launch -run '^$' -bench Launch -benchtime 100x
func BenchmarkLaunch(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("the peers' kernel work needs root")
	}
	dir := b.TempDir()
	root := filepath.Join(dir, "bb")
	makeBusybox(b, root)
	aquarium, minimal := build(b, dir, "aquarium/cmd/aquarium"), build(b, dir, "./testdata/minimal")
	b.Setenv("AQUARIUM_HOME", filepath.Join(dir, "home"))
	peers := []peer{
		{name: "minimal", command: []string{minimal, root, dir, "/bin/true"}},
		{name: "aquarium", command: []string{aquarium, "run", "--rm", root, "/bin/true"}},
		{name: "bwrap", command: []string{"bwrap", "--unshare-all", "--bind", root, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"}},
		{name: "unshare", command: []string{"unshare", "-pmnui", "--fork", "--root=" + root, "/bin/true"}},
		{name: "crun", command: []string{"crun", "--cgroup-manager=disabled", "run", "-b", bundle(b, dir, root), fmt.Sprintf("aquarium-bench-%d", os.Getpid())}},
		{name: "runc", command: []string{"runc", "run", "-b", filepath.Join(dir, "bundle"), fmt.Sprintf("aquarium-bench-%d", os.Getpid())}},
	}
	compete(b, peers)
}

// BenchmarkUserNamespace measures launches whose sandboxes have user and group
// ids of their own beside those that have none: for root auto beside host, for
// an ordinary user the ranges of /etc/subuid beside a single id.
//
//	go test ./runtime/launch -run '^$' -bench UserNamespace -benchtime 100x
func BenchmarkUserNamespace(b *testing.B) {
	dir := b.TempDir()
	root := filepath.Join(dir, "bb")
	makeBusybox(b, root)
	aquarium := build(b, dir, "aquarium/cmd/aquarium")
	b.Setenv("AQUARIUM_HOME", filepath.Join(dir, "home"))
	base := "host"
	if os.Geteuid() != 0 {
		base = "single"
	}
	var peers []peer
	for _, choice := range []string{base, "auto"} {
		peers = append(peers, peer{name: choice, command: []string{aquarium, "run", "--rm", "--userns", choice, root, "/bin/true"}})
	}
	compete(b, peers)
}

// compete has the peers take turns, and compares them with the first.
func compete(b *testing.B, peers []peer) {
	for b.Loop() {
		for i := range peers {
			peers[i].run(b)
		}
	}
	base := peers[0]
	for _, p := range peers {
		if len(p.times) == 0 {
			b.Logf("%-9s does not run here: %s", p.name, p.refused)
			continue
		}
		ratio := float64(p.median()) / float64(base.median())
		b.Logf("%-9s median %6.2f ms   %.2f of %s", p.name, p.median().Seconds()*1e3, ratio, base.name)
		b.ReportMetric(ratio, p.name+"/"+base.name)
	}
}

type peer struct {
	name    string
	command []string
	times   []time.Duration
	refused string // why it cannot run on this machine
}

func (p *peer) run(b *testing.B) {
	if p.refused != "" {
		return
	}
	began := time.Now()
	if out, err := exec.Command(p.command[0], p.command[1:]...).CombinedOutput(); err != nil {
		p.refused = fmt.Sprintf("%v: %s", err, out)
		if slices.Contains([]string{"minimal", "aquarium", "host", "single"}, p.name) {
			b.Fatalf("%s: %s", p.name, p.refused)
		}
		return
	}
	p.times = append(p.times, time.Since(began))
}

func (p *peer) median() time.Duration {
	slices.Sort(p.times)
	if len(p.times) == 0 {
		return 0
	}
	return p.times[len(p.times)/2]
}

func build(b *testing.B, dir, pkg string) string {
	binary := filepath.Join(dir, filepath.Base(pkg))
	command := exec.Command("go", "build", "-o", binary, pkg)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v: %s", pkg, err, out)
	}
	return binary
}

func makeBusybox(b *testing.B, root string) {
	content, err := os.ReadFile("/bin/busybox")
	if err == nil {
		err = os.MkdirAll(filepath.Join(root, "bin"), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "bin/busybox"), content, 0o755)
	}
	if err == nil {
		err = os.Symlink("busybox", filepath.Join(root, "bin/true"))
	}
	if err != nil {
		b.Fatal(err)
	}
}

// bundle is runc's own default configuration, for the same program.
func bundle(b *testing.B, dir, root string) string {
	at := filepath.Join(dir, "bundle")
	if err := os.Mkdir(at, 0o755); err != nil {
		b.Fatal(err)
	}
	command := exec.Command("runc", "spec")
	command.Dir = at
	if command.Run() != nil {
		return at // not installed: nobody will read it
	}
	config := filepath.Join(at, "config.json")
	document, err := os.ReadFile(config)
	var s map[string]any
	if err == nil {
		err = json.Unmarshal(document, &s)
	}
	if err != nil {
		b.Fatal(err)
	}
	process := s["process"].(map[string]any)
	process["args"], process["terminal"] = []string{"/bin/true"}, false
	s["root"] = map[string]any{"path": root}
	document, _ = json.Marshal(s)
	if err := os.WriteFile(config, document, 0o600); err != nil {
		b.Fatal(err)
	}
	return at
}
