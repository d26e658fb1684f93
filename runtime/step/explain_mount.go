package step

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"aquarium/runtime/observe"
)

func (m *Mount) explain(refused *CallError) string {
	if strings.HasPrefix(refused.Call, "openat2(") {
		return m.explainWalk(refused.Errno)
	}
	switch refused.Errno {
	case syscall.EPERM:
		return m.explainPermission()
	case syscall.EINVAL:
		return m.explainInvalid()
	case syscall.ENOENT:
		return m.explainMissing()
	case syscall.ENODEV:
		return "this kernel has no filesystem " + quote(m.Type) + ": /proc/filesystems lists those it has"
	case syscall.ENOTDIR:
		return "one of source and target is a directory, the other is not"
	case syscall.ENOSPC:
		return m.explainSpace()
	}
	return ""
}

func (m *Mount) explainSpace() string {
	mounts, _ := os.ReadFile("/proc/self/mountinfo") // unread there are none
	most, err := strconv.Atoi(sysctl("fs.mount-max"))
	if m.Type == "overlay" && err == nil && strings.Count(string(mounts), "\n") < most { // it adds one
		return "no room for what overlay makes in " + quote(m.option("workdir")) + ": the filesystem is full"
	}
	return "the mount namespace holds as many mounts as fs.mount-max allows, " + sysctl("fs.mount-max")
}

// explainWalk is about the way to the mount point.
func (m *Mount) explainWalk(number syscall.Errno) string {
	switch number {
	case syscall.EROFS:
		return m.Target + " does not exist in the rootfs, and nothing can be made there: it is read-only"
	case syscall.ENOTDIR:
		return m.Target + " in the rootfs passes through something that is not a directory"
	case syscall.EACCES:
		return "user " + itoa(os.Geteuid()) + " may not make " + m.Target + " in the rootfs"
	case syscall.ENOSYS:
		return "this kernel is older than 5.6, or a seccomp filter hides openat2"
	}
	return ""
}

func (m *Mount) explainPermission() string {
	if why := missing("CAP_SYS_ADMIN"); why != "" {
		return why + restrictedByAppArmor()
	}
	if m.Type == "proc" || m.Type == "sysfs" {
		return tooRevealing(m.Type, ownMounts())
	}
	return strings.TrimPrefix(restrictedByAppArmor(), ": ")
}

// restrictedByAppArmor: with this setting an ordinary user gets a user
// namespace, but no capabilities in it.
func restrictedByAppArmor() string {
	const name = "kernel.apparmor_restrict_unprivileged_userns"
	if inUserNamespace() && sysctl(name) == "1" {
		return ": " + name + " is 1, so AppArmor refuses capabilities in user namespaces"
	}
	return ""
}

// tooRevealing: in a user namespace the kernel mounts a new proc or sysfs only
// where one is visible already with nothing on top of it that would be hidden
// there; see mount_namespaces(7) and mount_too_revealing() in fs/namespace.c.
func tooRevealing(filesystem string, mounts []observe.Mount) string {
	if !inUserNamespace() {
		return ""
	}
	seen := false
	var covers []string
	for _, m := range mounts {
		if m.Type != filesystem || m.Root != "/" {
			continue
		}
		seen = true
		for _, over := range mounts {
			if over.Parent == m.ID && !alwaysEmpty(over.Point) {
				covers = append(covers, over.Point)
			}
		}
	}
	switch {
	case !seen:
		return "no " + filesystem + " is visible here, and a user namespace may not mount one that shows more than is visible"
	case len(covers) > 0:
		return "a user namespace may not uncover what the visible " + filesystem + " has mounts on: " + abridge(covers, 4)
	}
	return ""
}

// alwaysEmpty are directories that exist to be mounted on: a mount there hides
// nothing.
func alwaysEmpty(point string) bool {
	return strings.HasSuffix(point, "/sys/fs/binfmt_misc") || strings.HasPrefix(point, "/sys/")
}

// abridge joins the first of a list, and counts the rest.
func abridge(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + " and " + itoa(len(list)-most) + " more"
}

const overlayMagic = 0x794c7630 // OVERLAYFS_SUPER_MAGIC, see statfs(2)

func (m *Mount) explainInvalid() string {
	var stat syscall.Statfs_t
	if m.Type == "overlay" {
		upper := m.option("upperdir")
		if syscall.Statfs(upper, &stat) == nil && stat.Type == overlayMagic {
			return "the upper directory " + quote(upper) + " is itself on overlay"
		}
		return ""
	}
	if m.Flags&syscall.MS_BIND != 0 && m.Flags&syscall.MS_REC == 0 && inUserNamespace() {
		return "the source has mounts below it that a user namespace may not uncover: it needs MS_REC"
	}
	return ""
}

// option is the value of one of overlay's options, without its escapes.
func (m *Mount) option(name string) string {
	_, rest, _ := strings.Cut(","+m.Data, ","+name+"=")
	var value strings.Builder
	for i := 0; i < len(rest) && rest[i] != ','; i++ {
		if rest[i] == '\\' && i+1 < len(rest) {
			i++
		}
		value.WriteByte(rest[i])
	}
	return value.String()
}

func (m *Mount) explainMissing() string {
	if m.Flags&syscall.MS_BIND != 0 {
		if gone := firstMissing(m.Source); gone != "" {
			return "the source " + quote(gone) + " does not exist"
		}
	}
	if m.Type == "overlay" {
		for _, name := range []string{"upperdir", "workdir", "lowerdir"} {
			if gone := firstMissing(m.option(name)); gone != "" && (name != "lowerdir" || !strings.Contains(gone, ":")) {
				return "its " + name + " " + quote(gone) + " does not exist"
			}
		}
	}
	if gone := firstMissing(m.Root + m.Target); gone != "" {
		return "the mount point " + quote(gone) + " does not exist"
	}
	return ""
}

func (c *Console) explain(refused *CallError) string {
	if refused.Errno == syscall.ENOSPC {
		return "no more terminals: kernel.pty.max is " + sysctl("kernel.pty.max")
	}
	if is(refused, syscall.ENOENT) {
		if gone := firstMissing(c.Root + c.Ptmx); gone != "" {
			return quote(gone) + " does not exist: is devpts mounted?"
		}
	}
	return ""
}

func (b *BindDevices) explain(refused *CallError) string { return fakeDevice(refused.Errno) }

func (m *Mask) explain(refused *CallError) string { return fakeDevice(refused.Errno) }

func fakeDevice(number syscall.Errno) string {
	if number == syscall.ENODEV {
		return "what this machine has there is not the device of that name"
	}
	return ""
}
