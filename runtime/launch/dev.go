package launch

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/step"
)

// devices of a minimal /dev, with their numbers in the kernel's
// admin-guide/devices.txt.
var devices = []step.Device{
	{Name: "null", Major: 1, Minor: 3}, {Name: "zero", Major: 1, Minor: 5}, {Name: "full", Major: 1, Minor: 7},
	{Name: "random", Major: 1, Minor: 8}, {Name: "urandom", Major: 1, Minor: 9}, {Name: "tty", Major: 5, Minor: 0},
}

var deviceLinks = []step.Link{
	{Name: "fd", Target: "/proc/self/fd"}, {Name: "stdin", Target: "/proc/self/fd/0"}, {Name: "stdout", Target: "/proc/self/fd/1"},
	{Name: "stderr", Target: "/proc/self/fd/2"}, {Name: "ptmx", Target: "pts/ptmx"},
}

func (b *builder) devices() {
	if !slices.ContainsFunc(b.spec.Mounts, func(m specs.Mount) bool { return m.Destination == "/dev" && m.Type == "tmpfs" }) {
		return
	}
	b.add("mnt", "move_mount(2)", "The devices that every program expects, and no others. They are the host's: a device node that is made in the sandbox opens nothing.",
		&step.BindDevices{Root: b.root, Dir: "/dev", Devices: devices})
	b.add("mnt", "symlink(2)", "The usual names for a process's own descriptors.", &step.Symlink{Root: b.root, Dir: "/dev", Links: deviceLinks})
}

func (b *builder) console() {
	if p := b.spec.Process; p.Terminal {
		b.add("mnt", "pty(7)", "Open a terminal in the sandbox's own devpts, with the right size before the program starts; the supervisor keeps the other end.",
			&step.Console{Root: b.root, Ptmx: "/dev/pts/ptmx", Bind: true, Cols: int(p.ConsoleSize.Width), Rows: int(p.ConsoleSize.Height)})
	}
}

// hostConsole opens a terminal of the host's, for a sandbox that shares its
// mount namespace and so has no devpts of its own.
func (b *builder) hostConsole() {
	if p := b.spec.Process; p.Terminal {
		b.add("", "pty(7)", "Open a terminal of the host's: this sandbox shares its mounts.",
			&step.Console{Root: "/", Ptmx: "/dev/ptmx", Cols: int(p.ConsoleSize.Width), Rows: int(p.ConsoleSize.Height)})
	}
}
