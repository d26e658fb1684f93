package spec

import (
	"fmt"
	"slices"
	"strings"

	"aquarium/runtime/kernel"
)

// DefaultCapabilities is Docker's default bounding set but for CAP_MKNOD: there
// whoever makes a node of the host's disk cannot open it, since a control group
// of devices forbids that; here nobody makes one.
var DefaultCapabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_NET_RAW", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}

// Capabilities is the bounding set that the options ask for, sorted by number.
// As docker: drops apply to the default, adds to the result, ALL is all.
func (o Options) Capabilities() ([]string, error) {
	keep := make(map[string]bool)
	for _, name := range DefaultCapabilities {
		keep[name] = true
	}
	for _, change := range []struct {
		names []string
		value bool
	}{{o.CapDrop, false}, {o.CapAdd, true}} {
		for _, name := range change.names {
			set, err := capabilitySet(name)
			if err != nil {
				return nil, err
			}
			for _, one := range set {
				keep[one] = change.value
			}
		}
	}
	return slices.DeleteFunc(kernel.Capabilities(), func(name string) bool { return !keep[name] }), nil
}

func capabilitySet(name string) ([]string, error) {
	full := strings.ToUpper(name)
	if full == "ALL" {
		return kernel.Capabilities(), nil
	}
	if !strings.HasPrefix(full, "CAP_") {
		full = "CAP_" + full
	}
	if _, ok := kernel.CapabilityNumber(full); !ok {
		return nil, &Refusal{fmt.Sprintf("capability %s: unknown", abbreviate(name)), "capabilities(7) lists them; NET_ADMIN and CAP_NET_ADMIN are the same"}
	}
	return []string{full}, nil
}
