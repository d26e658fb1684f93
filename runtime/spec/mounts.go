package spec

import (
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// mounts are Docker's, with its options: what is not needed is not allowed.
func mounts(o Options) []specs.Mount {
	if o.Shares("mnt") {
		return nil
	}
	var list []specs.Mount
	if !o.NoProc {
		list = append(list, specs.Mount{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}})
	}
	list = append(list,
		specs.Mount{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		specs.Mount{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "max=" + strconv.Itoa(mostTerminals), "gid=5"}},
		specs.Mount{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		specs.Mount{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		specs.Mount{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
	)
	for _, text := range o.Volumes {
		v, err := ParseVolume(text)
		if err != nil {
			continue // Check has refused it already
		}
		options := []string{"rbind"}
		if v.ReadOnly {
			options = append(options, "ro")
		}
		list = append(list, specs.Mount{Destination: v.Destination, Type: "bind", Source: v.Source, Options: options})
	}
	return list
}

// maskedPaths and readonlyPaths are Docker's lists, but for what depends on the
// machine: see Caller.Throttles.
var (
	maskedPaths = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
	}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// mostTerminals is how many pseudo-terminals a sandbox may have at a time. All
// of a machine's sandboxes together have kernel.pty.max of them, less what is
// kept for the host: 3,072 as the kernel begins.
const mostTerminals = 256
