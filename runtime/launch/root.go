package launch

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/kernel"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
)

// noDevices is for all that the sandbox can write, or that comes with the
// rootfs: a node there, or one that is made with CAP_MKNOD, may be of any
// device, such as the host's disk. Only those bound on /dev can be opened.
const noDevices = syscall.MS_NODEV

// rootMounts puts the root together: overlays with a layer of the sandbox's
// own on top, or the rootfs bound on a mount point.
func (b *builder) rootMounts() error {
	overlays, err := spec.Overlays(b.spec)
	if err != nil {
		return err
	}
	if m, ok := rootOverlay(b.spec); ok {
		return b.bundleOverlay(m)
	}
	if len(overlays) == 0 {
		if b.root == "" {
			b.root = b.spec.Root.Path
		}
		b.add("mnt", "pivot_root(2)", "pivot_root wants the new root to be a mount point: bind the rootfs to make it one."+copiedReason(b.spec),
			&step.Mount{Source: b.spec.Root.Path, Target: b.root, Flags: syscall.MS_BIND | syscall.MS_REC | noDevices})
		return nil
	}
	for _, o := range overlays {
		if err := b.overlay(o); err != nil {
			return err
		}
	}
	return nil
}

// copiedReason says that the root is a copy, and why.
func copiedReason(s *specs.Spec) string {
	why, copied := s.Annotations[spec.AnnotationCopiedWhy]
	if !copied {
		return ""
	}
	return " It is a copy, which the sandbox may write, because a layer over the rootfs cannot be had: " + why + "."
}

func overlayReason(o spec.Overlay) string {
	if o.Dest == "/" {
		return "Put a layer of the sandbox's own over the rootfs: what is written goes there, the rootfs stays untouched."
	}
	return "Show the host's " + o.Dest + " through a layer of the sandbox's own: nothing written reaches the host."
}

func (b *builder) overlay(o spec.Overlay) error {
	data := strings.Join(spec.OverlayOptions(b.spec, o), ",")
	if len(data) >= pageSize {
		return b.tallOverlay(o)
	}
	m := &step.Mount{Source: "overlay", Target: b.root, Type: "overlay", Flags: noDevices, Data: data}
	if o.Dest != "/" {
		m.Root, m.Target, m.Create = b.root, o.Dest, kernel.Directory
	}
	b.add("mnt", "mount(2)", overlayReason(o), m)
	return nil
}

const pageSize = 4096 // mount(2): data is at most one page

// tallOverlay is for more layers than mount(2) takes.
func (b *builder) tallOverlay(o spec.Overlay) error {
	if o.Dest != "/" {
		return fmt.Errorf("describe overlay on %s: its options are longer than the page that mount(2) takes", o.Dest)
	}
	for _, dir := range append([]string{o.Upper, o.Work}, o.Lower...) {
		if len(dir) > kernel.MaxFsconfigString {
			return fmt.Errorf("describe overlay of %d layers: the path %s is longer than the %d bytes that fsconfig(2) takes", len(o.Lower), dir, kernel.MaxFsconfigString)
		}
	}
	var own []step.Option
	for _, word := range spec.OverlayWords(b.spec) {
		key, value, _ := strings.Cut(word, "=")
		own = append(own, step.Option{Key: key, Value: value})
	}
	b.add("mnt", "fsopen(2)", overlayReason(o)+" Its layers are too many for the one page of options of mount(2).",
		&step.Overlay{Target: b.root, Lower: o.Lower, Upper: doubled(o.Upper), Work: doubled(o.Work), Options: own})
	return nil
}

// doubled protects backslashes: even here the kernel removes those of the
// directories that are written, and only of those.
func doubled(path string) string { return strings.ReplaceAll(path, `\`, `\\`) }

// mountOptions are the words of mount(8) that are flags of mount(2); every
// other word is handed to the filesystem.
var mountOptions = map[string]step.MountFlags{
	"ro": syscall.MS_RDONLY, "rw": 0, "nosuid": syscall.MS_NOSUID, "nodev": syscall.MS_NODEV, "noexec": syscall.MS_NOEXEC,
	"bind": syscall.MS_BIND, "rbind": syscall.MS_BIND | syscall.MS_REC, "strictatime": syscall.MS_STRICTATIME,
	"relatime": syscall.MS_RELATIME, "noatime": syscall.MS_NOATIME, "nodiratime": syscall.MS_NODIRATIME,
	"sync": syscall.MS_SYNCHRONOUS, "suid": 0, "dev": 0, "exec": 0, "defaults": 0, "private": 0, "rprivate": 0,
}

// IsMountFlag tells whether a word of mount(8) is a flag, and nothing for the
// filesystem.
func IsMountFlag(word string) bool {
	_, ok := mountOptions[word]
	return ok
}

var mountReasons = map[string]string{
	"/proc":       "A new PID namespace needs a /proc of its own: it shows the namespace it was mounted in.",
	"/dev":        "A fresh, almost empty /dev: the host's devices are not there.",
	"/dev/pts":    "Pseudo-terminals of the sandbox's own, numbered from 0.",
	"/dev/shm":    "POSIX shared memory, see shm_overview(7).",
	"/dev/mqueue": "POSIX message queues of this IPC namespace.",
	"/sys":        "The kernel's objects, for this network namespace, not to be written.",
}

func (b *builder) mounts() error {
	for _, m := range b.spec.Mounts {
		if m.Destination == "/" {
			continue // the root itself
		}
		if slices.Contains(m.Options, "remount") { // of what was mounted just before
			b.add("mnt", "mount_setattr(2)", "Nothing there shall be written.", &step.MountAttributes{Root: b.root, Target: m.Destination, Flags: syscall.MS_RDONLY})
			continue
		}
		if m.Type == "mqueue" && spec.Has(b.spec, "user") && !spec.Has(b.spec, "ipc") {
			continue // it may not be mounted here, and the host need not have it mounted anywhere
		}
		op, err := b.mount(m)
		if err != nil {
			return err
		}
		if m.Type == "cgroup" {
			if err := b.mountGroups(op); err != nil {
				return err
			}
			continue
		}
		if moved, ok := b.volume(op); ok {
			b.add("mnt", "move_mount(2)", mountReason(op), moved)
			continue
		}
		manual := "mount(2)"
		if op.Flags&syscall.MS_BIND != 0 {
			manual = "move_mount(2)"
		}
		b.add("mnt", manual, mountReason(op), op)
	}
	return nil
}

func mountReason(m *step.Mount) string {
	why, usual := mountReasons[m.Target]
	switch {
	case usual && m.Flags&syscall.MS_BIND != 0:
		return "Show the host's " + m.Target + ": what it shows belongs to a namespace that this sandbox shares."
	case usual:
		return why
	}
	return "Show " + m.Source + " in the sandbox."
}

func (b *builder) mount(m specs.Mount) (*step.Mount, error) {
	if !filepath.IsAbs(m.Destination) {
		return nil, fmt.Errorf("mount %s: the destination is not absolute", m.Destination)
	}
	m = b.substitute(m)
	op := &step.Mount{Source: m.Source, Target: m.Destination, Type: m.Type, Root: b.root, Create: kernel.Directory}
	if m.Type == "bind" || m.Destination == "/dev" || spec.FromBundle(b.spec) && m.Type != "devpts" {
		op.Flags |= noDevices
	}
	var data []string
	for _, word := range m.Options {
		if f, ok := mountOptions[word]; ok {
			op.Flags |= f
		} else {
			data = append(data, word)
		}
	}
	if op.Flags&syscall.MS_BIND != 0 {
		op.Type = ""
		op.Links = !slices.Contains(systemMounts, m.Destination) // -v /var/run/x may pass a symlink inside the root
	}
	op.Data = strings.Join(data, ",")
	return op, nil
}

var systemMounts = []string{"/proc", "/sys", "/dev", "/dev/mqueue"}

// substitute replaces what a user namespace may not mount: a filesystem whose
// namespace belongs to the host is bound from there; a group that is not
// mapped cannot own terminals.
func (b *builder) substitute(m specs.Mount) specs.Mount {
	if !spec.Has(b.spec, "user") {
		return m
	}
	owner := map[string]string{"proc": "pid", "sysfs": "net"}[m.Type]
	if owner != "" && !spec.Has(b.spec, owner) {
		m.Source, m.Type = m.Destination, "bind"
		m.Options = append([]string{"rbind"}, m.Options...)
	}
	if m.Type == "devpts" && singleID(b.spec) {
		m.Options = slices.DeleteFunc(slices.Clone(m.Options), func(o string) bool { return strings.HasPrefix(o, "gid=") })
	}
	return m
}

func (b *builder) hidePaths() {
	hasProc := slices.ContainsFunc(b.spec.Mounts, func(m specs.Mount) bool { return m.Destination == "/proc" })
	shown := func(path string) bool { return hasProc || !strings.HasPrefix(path, "/proc/") }
	for _, path := range b.spec.Linux.MaskedPaths {
		if shown(path) {
			b.add("mnt", "move_mount(2)", "Hide "+path+": it tells about the host or changes it.", &step.Mask{Root: b.root, Target: path})
		}
	}
	for _, path := range b.spec.Linux.ReadonlyPaths {
		if shown(path) {
			b.add("mnt", "move_mount(2)", "Make "+path+" read-only: writing there changes the host's kernel.", &step.ReadOnly{Root: b.root, Target: path})
		}
	}
}

func (b *builder) readOnlyRoot() {
	if b.spec.Root.Readonly && spec.Has(b.spec, "mnt") {
		b.add("mnt", "mount(2)", "Nothing below / shall be written.",
			&step.MountAttributes{Target: b.root, Flags: syscall.MS_RDONLY})
	}
}
