package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// runtimeTest builds the program with which the OCI tests runtimes from
// inside: what it finds is compared with the config.json beside it.
func runtimeTest(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runtimetest")
	build := exec.Command("go", "build", "-C", "testdata/runtimetest", "-o", path, "github.com/opencontainers/runtime-tools/cmd/runtimetest")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		skipOrFail(t, "runtimetest cannot be built: "+string(out))
	}
	return path
}

// explained are lines of runtimetest that are not "ok", and why.
var explained = []struct{ line, why string }{
	{`^not ok \d+ - has expected soft RLIMIT_NOFILE$`, "runtimetest is a Go program: it has raised its own soft limit before it looks"},
	{`^not ok \d+ - mounts\[\d+\] \(/sys/fs/cgroup\) found$`, "of version 1 there is a mount for each controller, on a tmpfs, as runc has it; and an ordinary user may have none"},
}

// checkTAP finds lines that are neither "ok" nor explained.
func checkTAP(t *testing.T, tap string) {
	t.Helper()
	passed := 0
	for line := range strings.Lines(tap) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "ok "):
			passed++
		case strings.HasPrefix(line, "not ok ") || strings.Contains(line, "level=fatal"):
			known := slices.IndexFunc(explained, func(e struct{ line, why string }) bool { return regexp.MustCompile(e.line).MatchString(line) })
			if known < 0 {
				t.Error(line)
			} else {
				t.Logf("%s: %s", line, explained[known].why)
			}
		}
	}
	const all = 290 // or a few more, with the version of the kernel
	if passed < all || !strings.Contains(tap, "\n1..") {
		t.Errorf("%d checks passed, want %d at least, and an end:\n%s", passed, all, tap)
	}
}

// existing drops paths that this kernel does not have: runtimetest gives up at
// the first.
func existing(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool {
		_, err := os.Lstat(path)
		return err != nil
	})
}

func readSpec(t *testing.T, path string) (config specs.Spec) {
	t.Helper()
	document, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(document, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func writeSpec(t *testing.T, path string, config specs.Spec) {
	t.Helper()
	document, err := json.MarshalIndent(config, "", "  ")
	if err == nil {
		err = os.WriteFile(path, document, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestRuntimeTestInADefaultSandbox has the OCI's test check that a default
// sandbox is what its config.json promises.
func TestRuntimeTestInADefaultSandbox(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	root := p.small(t)
	if err := install(filepath.Join(root, "runtimetest"), runtimeTest(t)); err != nil {
		t.Fatal(err)
	}
	run := []string{"run", "--name", "promise", root, "/runtimetest"}
	p.command(run...).Run() // in vain, without a config.json: but now there is one
	promise := readSpec(t, filepath.Join(p.bundle(t, "promise"), "config.json"))
	p.run(t, "rm", "promise")
	promise.Mounts = slices.DeleteFunc(promise.Mounts, func(m specs.Mount) bool { return m.Destination == "/" })
	promise.Linux.MaskedPaths, promise.Linux.ReadonlyPaths = existing(promise.Linux.MaskedPaths), existing(promise.Linux.ReadonlyPaths)
	writeSpec(t, filepath.Join(root, "config.json"), promise)
	checkTAP(t, p.run(t, run...))
}

// TestRuntimeTestInABundle has it check one of somebody's, with values that no
// default has.
func TestRuntimeTestInABundle(t *testing.T) {
	t.Parallel()
	needProgram(t, "runc")
	p := newPlace(t)
	bundle := p.runcBundle(t)
	config := readSpec(t, filepath.Join(bundle, "config.json"))
	root := filepath.Join(bundle, "rootfs")
	if err := install(filepath.Join(root, "runtimetest"), runtimeTest(t)); err != nil {
		t.Fatal(err)
	}
	score, mask := 150, uint32(0o027)
	process := config.Process
	process.Args, process.Terminal, process.OOMScoreAdj, process.User.Umask = []string{"/runtimetest"}, false, &score, &mask
	process.Env = append(process.Env, "PEARL=round")
	process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CORE", Soft: 0, Hard: 4096}}
	keep := []string{"CAP_KILL", "CAP_NET_BIND_SERVICE"}
	process.Capabilities = &specs.LinuxCapabilities{Bounding: keep, Permitted: keep, Effective: keep, Inheritable: keep, Ambient: keep}
	config.Linux.Sysctl = map[string]string{"net.ipv4.ip_default_ttl": "42", "kernel.shmmax": "65536"}
	if os.Geteuid() != 0 { // for whom runc keeps the host's network, and so its /sys
		config.Linux.Namespaces = append(config.Linux.Namespaces, specs.LinuxNamespace{Type: specs.NetworkNamespace})
		for i, m := range config.Mounts {
			if m.Destination == "/sys" {
				config.Mounts[i] = specs.Mount{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}}
			}
		}
	} else {
		process.User.UID, process.User.GID, process.User.AdditionalGids = 1000, 1001, []uint32{5, 10}
	}
	config.Linux.MaskedPaths, config.Linux.ReadonlyPaths = existing(config.Linux.MaskedPaths), existing(config.Linux.ReadonlyPaths)
	writeSpec(t, filepath.Join(root, "config.json"), config)
	writeSpec(t, filepath.Join(bundle, "config.json"), config)
	checkTAP(t, p.run(t, "run", "--rm", "--bundle", bundle))
}

// runcBundle is a bundle as runc makes them.
func (p place) runcBundle(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(p.dir, "bundle")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.small(t), filepath.Join(dir, "rootfs")); err != nil {
		t.Fatal(err)
	}
	args := []string{"spec"}
	if os.Geteuid() != 0 {
		args = append(args, "--rootless")
	}
	spec := exec.Command("runc", args...)
	spec.Dir = dir
	if out, err := spec.CombinedOutput(); err != nil {
		t.Fatalf("runc spec: %v: %s", err, out)
	}
	return dir
}

// bundle is a sandbox's.
func (p place) bundle(t *testing.T, name string) string {
	t.Helper()
	id, err := os.Readlink(filepath.Join(p.home(), "data/names", name))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(p.home(), "data/sandboxes", id)
}

// TestRuncRunsOurBundle: a sandbox's directory is an OCI bundle. Another
// runtime runs the same program in the same root with the same layer.
func TestRuncRunsOurBundle(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("runc mounts the layer as root")
	}
	t.Parallel()
	runc := needProgram(t, "runc")
	p := newPlace(t)
	out := p.run(t, "run", "--name", "pearl", "-e", "SHELL_OF=oyster", "--hostname", "reef", p.bb(), "sh", "-c", "echo pearl >> /found; wc -l < /found; hostname; echo $SHELL_OF; id -u; grep CapBnd /proc/self/status")
	bundle := p.bundle(t, "pearl")
	again := exec.Command(runc, "--root", filepath.Join(p.dir, "runc"), "run", "-b", bundle, "aquarium-"+filepath.Base(bundle))
	got, err := again.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if want := strings.Replace(out, "1\n", "2\n", 1); string(got) != want {
		t.Errorf("runc printed %q, want %q", got, want)
	}
	// And so do we, of any bundle, our own among them.
	third := p.run(t, "run", "--rm", "--bundle", bundle)
	if want := strings.Replace(out, "1\n", "3\n", 1); third != want {
		t.Errorf("run --bundle printed %q, want %q", third, want)
	}
}

// TestBundleThatOpensTheKernel: a bundle may leave out what keeps a program
// from the host's kernel. It is launched, and not called isolation.
func TestBundleThatOpensTheKernel(t *testing.T) {
	t.Parallel()
	needProgram(t, "runc")
	p := newPlace(t)
	dir := p.runcBundle(t)
	config := readSpec(t, filepath.Join(dir, "config.json"))
	config.Root.Path = p.bb()
	config.Process.Args, config.Process.Terminal = []string{"sh", "-c", ": >>/proc/sys/kernel/core_pattern && echo opened"}, false
	config.Linux.MaskedPaths, config.Linux.ReadonlyPaths = nil, nil
	config.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow}
	for i, m := range config.Mounts {
		config.Mounts[i].Options = slices.DeleteFunc(m.Options, func(word string) bool { return word == "ro" })
	}
	writeSpec(t, filepath.Join(dir, "config.json"), config)
	out, _ := p.command("run", "--name", "open", "--bundle", dir).Output() // refused to an ordinary user
	if os.Geteuid() == 0 && string(out) != "opened\n" {
		t.Errorf("it printed %q: the test tells nothing", out)
	}
	var list []struct{ Weaker []string }
	if err := json.Unmarshal([]byte(p.run(t, "ps", "-a", "--json")), &list); err != nil || len(list) != 1 {
		t.Fatalf("%d sandboxes, %v", len(list), err)
	}
	for _, reason := range []string{"no seccomp", "unmasked /proc/acpi", "writable /proc/bus and 4 more", " /sys"} {
		if !strings.Contains(strings.Join(list[0].Weaker, ", "), reason) {
			t.Errorf("%q is missing in %q", reason, list[0].Weaker)
		}
	}
}
