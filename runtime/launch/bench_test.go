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
	for b.Loop() {
		for i := range peers {
			peers[i].run(b)
		}
	}
	base := peers[0].median()
	for _, p := range peers {
		if len(p.times) == 0 {
			b.Logf("%-9s does not run here: %s", p.name, p.refused)
			continue
		}
		b.Logf("%-9s median %6.2f ms   %.2f of minimal", p.name, p.median().Seconds()*1e3, float64(p.median())/float64(base))
		b.ReportMetric(float64(p.median())/float64(base), p.name+"/minimal")
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
		if p.name == "minimal" || p.name == "aquarium" {
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
