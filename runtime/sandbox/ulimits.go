package sandbox

import (
	"fmt"

	"aquarium/runtime/kernel"
	"aquarium/runtime/spec"
)

// Shortfalls says, in a line each, what of the options this machine will not
// do though the sandbox is launched all the same: resource limits that may
// not be raised so far.
func Shortfalls(o spec.Options) []string {
	const sysResource = 1 << 24 // CAP_SYS_RESOURCE
	effective, _, _, err := kernel.Capget()
	if err == nil && effective&sysResource != 0 && caller().Privileged && o.UserNS != spec.UserNSAuto {
		return nil
	}
	var lines []string
	for _, text := range o.Ulimits {
		limit, err := spec.ParseUlimit(text)
		if err != nil {
			continue // the launch will say so
		}
		number, _ := kernel.RlimitNumber(limit.Type)
		if _, highest, err := kernel.Getrlimit(number); err == nil && limit.Hard > highest {
			lines = append(lines, fmt.Sprintf("ulimit %s: it stays at %d, because raising it needs CAP_SYS_RESOURCE outside of user namespaces", text, highest))
		}
	}
	return lines
}
