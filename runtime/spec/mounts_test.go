package spec

import (
	"slices"
	"testing"
)

// What Docker hides and protects, by daemon/pkg/oci/defaults.go of moby, as of
// August 2026; it adds what New's caller names as Throttles.
var (
	dockersMaskedPaths = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
		"/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
	}
	dockersReadonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// Every default sandbox hides and protects at least what Docker's do.
func TestPathsAreDockers(t *testing.T) {
	t.Parallel()
	const throttle = "/sys/devices/system/cpu/cpu0/thermal_throttle"
	for _, caller := range []Caller{{Privileged: true, Throttles: []string{throttle}}, {UID: 1000, GID: 1000, Throttles: []string{throttle}}} {
		s, err := New(Options{Name: "n", Rootfs: "/r", Command: []string{"sh"}, RootSwitch: PivotRoot}, Root{Path: "/r", Mountpoint: "/m"}, caller)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range append(slices.Clone(dockersMaskedPaths), throttle) {
			if !slices.Contains(s.Linux.MaskedPaths, path) {
				t.Errorf("%s is not hidden", path)
			}
		}
		for _, path := range dockersReadonlyPaths {
			if !slices.Contains(s.Linux.ReadonlyPaths, path) {
				t.Errorf("%s can be written", path)
			}
		}
	}
}
