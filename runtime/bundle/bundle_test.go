package bundle

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aquarium/runtime/launch"
	"aquarium/runtime/spec"
)

// ordinary is a configuration like those that runc makes.
const ordinary = `{
	"ociVersion": "1.2.0",
	"process": {
		"terminal": true, "user": {"uid": 0, "gid": 0, "additionalGids": [5]}, "args": ["sh"], "env": ["PATH=/bin"], "cwd": "/",
		"capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]},
		"rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}], "noNewPrivileges": true
	},
	"root": {"path": "rootfs", "readonly": true},
	"hostname": "reef",
	"mounts": [
		{"destination": "/proc", "type": "proc", "source": "proc"},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
		{"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]},
		{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]},
		{"destination": "/data", "type": "bind", "source": "data", "options": ["rbind", "ro"]}
	],
	"linux": {
		"resources": {"devices": [{"allow": false, "access": "rwm"}], "memory": {"limit": 67108864}, "pids": {"limit": 64}},
		"namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}],
		"sysctl": {"net.ipv4.ip_forward": "1"},
		"maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
		"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mount", "umount2"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
	}
}`

// changed is ordinary with a value at a path, whose keys have dots between
// them.
func changed(t *testing.T, path string, value any) []byte {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(ordinary), &document); err != nil {
		t.Fatal(err)
	}
	at := document
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = make(map[string]any)
			at[key] = next
		}
		at = next
	}
	if last := keys[len(keys)-1]; value == nil {
		delete(at, last)
	} else {
		at[last] = value
	}
	out, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type object = map[string]any
type array = []any

// What cannot be done is refused by name.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		path  string
		value any
		want  string
	}{
		{"ociVersion", "2.0.0", `ociVersion: "2.0.0" is not a version 1`},
		{"ociVersion", 1, "ociVersion: it is not a string"},
		{"root", nil, "root.path: it is missing"},
		{"hooks", object{"createRuntime": array{object{"path": "/bin/true"}}}, "hooks: programs of the host are not run"},
		{"domainname", "sea", "domainname: not supported"},
		{"hostname", strings.Repeat("x", 65), "hostname: the kernel takes at most 64 bytes"},
		{"windows", object{"layerFolders": array{"x"}}, "windows.layerFolders: not supported"},
		{"process.args", array{}, "process.args: they are missing"},
		{"process.args", array{"a\x00b"}, "process.args[0]: it is no C string"},
		{"process.env", array{"A=1", "B"}, "process.env[1]: it is not NAME=value"},
		{"process.cwd", "home", "process.cwd: it is not an absolute path"},
		{"process.apparmorProfile", "tight", "process.apparmorProfile: not supported"},
		{"process.selinuxLabel", "x", "process.selinuxLabel: Aquarium sets no labels"},
		{"process.oomScoreAdj", 1001, "process.oomScoreAdj: it is not between"},
		{"process.ioPriority", object{"class": "IOPRIO_CLASS_IDLE"}, "process.ioPriority.class: not supported"},
		{"process.user.uid", 4294967295, "process.user: 4294967295 is no id"},
		{"process.user.uid", -1, "process.user.uid: it is not a number of the right size"},
		{"process.user.username", "fish", "process.user.username: there are numbers too"},
		{"process.user.umask", 512, "process.user.umask: it is more than 0777"},
		{"process.rlimits", array{object{"type": "RLIMIT_FISH", "hard": 1, "soft": 1}}, `process.rlimits[0].type: "RLIMIT_FISH": no such limit`},
		{"process.rlimits", array{object{"type": "RLIMIT_CORE", "hard": 1, "soft": 2}}, "process.rlimits[0].soft: it is above"},
		{"process.capabilities.bounding", array{"CAP_SWIM"}, `process.capabilities.bounding[0]: "CAP_SWIM": no such capability`},
		{"process.capabilities.effective", array{"CAP_CHOWN"}, "process.capabilities.effective: CAP_CHOWN is not permitted"},
		{"process.capabilities.bounding", array{"CAP_KILL", "CAP_MKNOD"}, "linux.resources.devices: nothing keeps CAP_MKNOD"},
		{"mounts", array{object{"destination": "data", "type": "tmpfs"}}, "mounts[0].destination: it is not an absolute path"},
		{"mounts", array{object{"destination": "/", "type": "tmpfs"}}, "mounts[0].destination: only an overlay"},
		{"mounts", array{object{"destination": "/a", "type": "bind", "source": "/b", "options": array{"bind", "shared"}}}, `mounts[0].options[1]: "shared" is not supported`},
		{"mounts", array{object{"destination": "/a", "source": "/b", "options": array{"bind", "size=1"}}}, `mounts[0].options[1]: "size=1" is nothing for a bind mount`},
		{"mounts", array{object{"destination": "/a", "type": "tmpfs", "uidMappings": array{object{"containerID": 0, "hostID": 1, "size": 1}}}}, "mounts[0].uidMappings: owners are shifted"},
		{"mounts", array{}, "process.terminal: there is no devpts"},
		{"linux.namespaces", array{object{"type": "mount"}, object{"type": "network", "path": "/run/netns/x"}}, "linux.namespaces[1].path: a sandbox joins no namespace"},
		{"linux.namespaces", array{object{"type": "mount"}, object{"type": "time"}}, `linux.namespaces[1].type: "time" is not supported`},
		{"linux.namespaces", array{object{"type": "mount"}, object{"type": "mount"}}, "linux.namespaces[1].type: there are two"},
		{"linux.namespaces", array{object{"type": "pid"}, object{"type": "uts"}}, "linux.namespaces: without a mount namespace"},
		{"linux.namespaces", array{object{"type": "mount"}}, "hostname: without a UTS namespace"},
		{"linux.uidMappings", array{object{"containerID": 0, "hostID": 0, "size": 1}}, "linux.uidMappings: there is no user namespace"},
		{"linux.devices", array{object{"path": "/dev/fuse", "type": "c"}}, "linux.devices: a sandbox has the usual devices"},
		{"linux.personality", object{"domain": "LINUX32"}, "linux.personality.domain: not supported"},
		{"linux.rootfsPropagation", "shared", `linux.rootfsPropagation: "shared": mounts in a sandbox are private`},
		{"linux.sysctl", object{"kernel.panic": "1"}, `linux.sysctl["kernel.panic"]: it belongs to no namespace`},
		{"linux.sysctl", object{"net/../kernel": "1"}, `linux.sysctl["net/../kernel"]: no such name`},
		{"linux.sysctl", object{"net..kernel": "1"}, `linux.sysctl["net..kernel"]: no such name`},
		{"linux.resources.devices", array{object{"allow": true, "access": "rwm"}}, "linux.resources.devices[0]: there is no control group of devices"},
		{"linux.resources.memory", object{"limit": 67108864, "swap": 134217728}, "linux.resources.memory.swap: memory and swap"},
		{"linux.resources.memory", object{"limit": 67108864, "swappiness": 0}, "linux.resources.memory.swappiness: not supported"},
		{"linux.resources.cpu", object{"quota": 5000}, "linux.resources.cpu: quota and period go together"},
		{"linux.resources.blockIO", object{"weight": 10}, "linux.resources.blockIO.weight: not supported"},
		{"linux.seccomp.defaultAction", "SCMP_ACT_NOTIFY", `linux.seccomp.defaultAction: "SCMP_ACT_NOTIFY" is not supported`},
		{"linux.seccomp.flags", array{"SECCOMP_FILTER_FLAG_LOG"}, "linux.seccomp.flags: not supported"},
		{"linux.seccomp.architectures", array{"SCMP_ARCH_S390"}, "linux.seccomp.architectures: this machine's"},
		{"linux.readonlyPaths", array{"proc"}, "linux.readonlyPaths[0]: it is not an absolute path"},
		{"linux.intelRdt", object{"closID": "x"}, "linux.intelRdt: there are limits on"},
	} {
		_, err := Parse(changed(t, c.path, c.value))
		var refused *spec.Refusal
		if !errors.As(err, &refused) || !strings.HasPrefix(refused.What, "bundle: "+c.want) || refused.Way == "" {
			t.Errorf("%s = %v is refused with %q, want %q", c.path, c.value, err, c.want)
		}
	}
}

// What the specification does not know, and what has no effect, is told.
func TestIgnored(t *testing.T) {
	document := changed(t, "linux.swim", object{"deep": true})
	b, err := Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"linux.swim: the OCI specification does not know it"}; !slices.Equal(b.Ignored, want) {
		t.Errorf("ignored %q, want %q", b.Ignored, want)
	}
	for path, want := range map[string]string{
		"process.capabilities.ambient": "process.capabilities.ambient: the kernel gives none that is not inheritable too",
		"process.user.uid":             "process.capabilities.permitted: execve(2) leaves other users than root those that are ambient",
		"linux.cgroupsPath":            "linux.cgroupsPath: sandboxes have their control groups in one place",
	} {
		value := map[string]any{"process.capabilities.ambient": array{"CAP_KILL"}, "process.user.uid": 7, "linux.cgroupsPath": "/x"}[path]
		b, err := Parse(changed(t, path, value))
		if err != nil || !slices.Contains(b.Ignored, want) {
			t.Errorf("%s: ignored %q, %v; want %q", path, b.Ignored, err, want)
		}
	}
}

// Empty lists and objects say nothing, whatever their names.
func TestWhatSaysNothingIsTaken(t *testing.T) {
	for path, value := range map[string]any{
		"hooks": object{}, "linux.devices": array{}, "linux.resources.blockIO": object{}, "linux.resources.hugepageLimits": array{},
		"windows": object{}, "process.apparmorProfile": "", "linux.timeOffsets": object{}, "linux.resources.memory.disableOOMKiller": nil,
	} {
		if _, err := Parse(changed(t, path, value)); err != nil {
			t.Errorf("%s = %v: %v", path, value, err)
		}
	}
}

// Annotations of ours mean something in the sandbox that they were written for.
func TestAnnotationsOfOursAreDropped(t *testing.T) {
	b, err := Parse(changed(t, "annotations", object{spec.AnnotationUIDHelper: "/evil", spec.AnnotationGroups: "[]", "org.pearl": "round"}))
	if err != nil {
		t.Fatal(err)
	}
	if a := b.Spec.Annotations; len(a) != 1 || a["org.pearl"] != "round" {
		t.Errorf("there are %v", a)
	}
}

// Paths are relative to the bundle.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "open config.json: no such file or directory") {
		t.Errorf("without a config.json: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ConfigName), []byte(ordinary), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "root.path") {
		t.Errorf("without a root: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "rootfs"), 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if b.Spec.Root.Path != filepath.Join(dir, "rootfs") || b.Spec.Mounts[4].Source != filepath.Join(dir, "data") {
		t.Errorf("root %s, bind mount of %s", b.Spec.Root.Path, b.Spec.Mounts[4].Source)
	}
	if err := os.WriteFile(filepath.Join(dir, ConfigName), make([]byte, maxConfig+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a huge one: %v", err)
	}
}

// FuzzParse: whatever is accepted has a plan, and says what it runs.
func FuzzParse(f *testing.F) {
	f.Add([]byte(ordinary))
	f.Add([]byte(`{"ociVersion":"1.0","process":{"args":["x"],"cwd":"/"},"root":{"path":"/r"},"linux":{"namespaces":[{"type":"mount"}]}}`))
	f.Add([]byte(`{"ociVersion":"1.0","process":{"args":["x"],"cwd":"/"},"root":{"path":"/r"},"mounts":[{"destination":"/","type":"overlay","options":["lowerdir=/a"]}],"linux":{"namespaces":[{"type":"mount"}]}}`))
	f.Add([]byte(`{"HOOKS":{"prestart":[{}]},"linux":[]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		b, err := Parse(document)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x00") {
				t.Fatalf("the refusal is not a line: %q", err)
			}
			return
		}
		if b.Spec.Process.Capabilities == nil || b.Spec.Process.ConsoleSize == nil {
			return // what a launch fills in
		}
		b.Spec.Annotations = map[string]string{spec.AnnotationBundle: "/bundle", spec.AnnotationRootSwitch: string(spec.PivotRoot)}
		plan, err := launch.NewPlan(b.Spec)
		if err != nil {
			return
		}
		if _, err := plan.Encode(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan.Text(), "execve(") {
			t.Fatalf("nothing is run:\n%s", plan.Text())
		}
	})
}
