// Package doctor finds out what this machine lets the user do, by trying it,
// and names the knob for what it forbids.
package doctor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"aquarium/runtime/ids"
)

// Finding is one thing that was tried or looked at.
type Finding struct {
	What   string `json:"what"` // "new network namespace"
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"` // what was seen, or why it failed
	Effect string `json:"effect,omitempty"` // what does not work without it
	Knob   string `json:"knob,omitempty"`   // the exact way to allow it
}

// Examine looks at everything. data is the directory that layers are made in.
func Examine(data string) []Finding {
	var list []Finding
	list = append(list, kernelVersion())
	list = append(list, namespaces()...)
	list = append(list, overlay(data), subordinateIDs(ids.System()))
	if os.Geteuid() == 0 {
		list = append(list, shiftedOwners(data))
	}
	list = append(list, cgroups(), seccompFilter())
	return list
}

func kernelVersion() Finding {
	var name syscall.Utsname
	syscall.Uname(&name)
	var release []byte
	for _, c := range name.Release {
		if c == 0 {
			break
		}
		release = append(release, byte(c))
	}
	var major, minor int
	fmt.Sscanf(string(release), "%d.%d", &major, &minor)
	f := Finding{What: "kernel", Detail: "Linux " + string(release), OK: major > 5 || major == 5 && minor >= 12}
	if !f.OK {
		f.Effect = "overlay without root, and safe resolution of mount points, need 5.12"
		f.Knob = "boot a newer kernel"
	}
	return f
}

// kinds are the namespaces a sandbox has, with their flags of clone(2).
var kinds = []struct {
	name string
	flag uintptr
}{
	{"uts", syscall.CLONE_NEWUTS}, {"pid", syscall.CLONE_NEWPID}, {"mnt", syscall.CLONE_NEWNS}, {"net", syscall.CLONE_NEWNET},
	{"ipc", syscall.CLONE_NEWIPC}, {"cgroup", syscall.CLONE_NEWCGROUP},
}

// namespaces tries each kind: as root alone, otherwise together with a user
// namespace.
func namespaces() []Finding {
	var user uintptr
	list := []Finding{tryNamespace("user", syscall.CLONE_NEWUSER)}
	if os.Geteuid() != 0 {
		user = syscall.CLONE_NEWUSER
	}
	for _, kind := range kinds {
		list = append(list, tryNamespace(kind.name, kind.flag|user))
	}
	return list
}

func tryNamespace(name string, flags uintptr) Finding {
	f := Finding{What: "new " + name + " namespace", OK: true}
	err := runIn(flags, "true")
	if err == nil {
		return f
	}
	f.OK, f.Detail = false, cause(err)
	f.Effect = "no sandbox without --share " + name
	if name == "user" {
		f.Effect = "only root can launch sandboxes"
	}
	f.Knob = Knob(name)
	return f
}

// runIn runs a shell script in new namespaces, as their root.
func runIn(flags uintptr, script string, args ...string) error {
	c := exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, args...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if flags&syscall.CLONE_NEWUSER != 0 {
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	out, err := c.CombinedOutput()
	if text := strings.TrimSpace(string(out)); err != nil && text != "" {
		return errors.New(strings.Join(strings.Fields(text), " "))
	}
	return err
}

// knobs are the sysctls that forbid user namespaces, with the value that does.
var knobs = []struct{ sysctl, forbids, allows string }{
	{"kernel.unprivileged_userns_clone", "0", "1"},
	{"kernel.apparmor_restrict_unprivileged_userns", "1", "0"},
	{"user.max_user_namespaces", "0", "10000"},
}

// Knob names what forbids a new namespace of a kind, as a command to run.
func Knob(kind string) string {
	if value, readErr := sysctl("user.max_" + kind + "_namespaces"); readErr == nil && value == "0" {
		return "sysctl user.max_" + kind + "_namespaces=10000"
	}
	for _, knob := range knobs {
		if value, readErr := sysctl(knob.sysctl); readErr == nil && value == knob.forbids {
			return "sysctl " + knob.sysctl + "=" + knob.allows
		}
	}
	return "run as root, or outside of a container that forbids it"
}

func sysctl(name string) (string, error) {
	value, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	return strings.TrimSpace(string(value)), err
}

// overlay mounts one in a directory below data, in a mount namespace of its
// own, so that nothing is left mounted.
func overlay(data string) Finding {
	f := Finding{What: "overlay mounts", OK: true, Detail: "in " + data}
	err := TryOverlay(data)
	if err != nil {
		f.OK, f.Detail = false, cause(err)
		f.Effect = "each sandbox writes a copy of its root filesystem, which takes time and space, and host cannot be launched"
		f.Knob = "set AQUARIUM_HOME to a directory on ext4, xfs, btrfs or tmpfs"
		if _, statErr := os.Stat("/sys/module/overlay"); statErr != nil && !supports("overlay") {
			f.Knob = "modprobe overlay"
		}
	}
	return f
}

// TryOverlay mounts one that has its layers in a directory below data, in a
// mount namespace of its own.
func TryOverlay(data string) error {
	dir, err := os.MkdirTemp(data, "doctor-")
	if err != nil {
		return err
	}
	defer func() {
		os.Chmod(filepath.Join(dir, "work", "work"), 0o700) // overlay leaves it without permissions
		os.RemoveAll(dir)
	}()
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	flags, option := uintptr(syscall.CLONE_NEWNS), ""
	if os.Geteuid() != 0 {
		flags, option = flags|syscall.CLONE_NEWUSER, ",userxattr"
	}
	return runIn(flags, `cd "$1" && mount -t overlay -o "lowerdir=lower,upperdir=upper,workdir=work$2" overlay merged`, dir, option)
}

// supports tells whether the kernel knows a filesystem; see proc_filesystems(5).
func supports(filesystem string) bool {
	list, err := os.ReadFile("/proc/filesystems")
	return err == nil && strings.Contains(string(list), "\t"+filesystem+"\n")
}

// seccompFilter asks the kernel for the actions its filters know; see
// seccomp(2).
func seccompFilter() Finding {
	f := Finding{What: "system call filter", OK: true}
	actions, err := sysctl("kernel.seccomp.actions_avail")
	if f.OK = err == nil && strings.Contains(actions, "errno"); !f.OK {
		f.Detail = "the kernel has no seccomp filters"
		f.Effect = "sandboxes start with --security-opt seccomp=unconfined only"
		f.Knob = "boot a kernel with CONFIG_SECCOMP_FILTER"
	}
	return f
}

// cause is an error without the call and the path that came with it.
func cause(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
