package spec

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/cgroup"
)

// DefaultPids is how many processes and threads a sandbox may have where
// nothing else is said, and the machine lets that be limited: more than any
// ordinary program needs, and few enough that one that forks without end
// leaves the machine's others alone (pid_max may be 32,768).
const DefaultPids = 4096

// NoLimit, for Pids, is none at all.
const NoLimit = -1

// The least that a sandbox can be launched with: init runs inside.
const (
	LeastMemory = 6 << 20 // bytes
	minCPUs     = 0.01    // a millisecond in each period, the kernel's least
	minPids     = 16      // as many threads as init has, and a few
)

// checkLimits refuses limits that cannot be.
func (o Options) checkLimits() error {
	if o.Memory != 0 && o.Memory < LeastMemory {
		return &Refusal{fmt.Sprintf("memory limit of %d bytes: too little to launch with", o.Memory), "it is 6M at least; write 64M or 1.5G"}
	}
	if o.CPUs != 0 && !(o.CPUs >= minCPUs && o.CPUs <= math.MaxInt32) {
		return &Refusal{fmt.Sprintf("limit of %g processors: out of range", o.CPUs), "it is 0.01 at least; 1.5 is one and a half"}
	}
	if o.Pids < NoLimit || o.Pids > 0 && o.Pids < minPids {
		return &Refusal{fmt.Sprintf("limit of %d processes: out of range", o.Pids), fmt.Sprintf("it is %d at least, or %d for none", minPids, NoLimit)}
	}
	return nil
}

// Limits are the limits that were asked for; pidsDefault is what holds for
// processes where nothing was.
func (o Options) Limits() (l cgroup.Limits, pidsDefault int64) {
	l = cgroup.Limits{Memory: o.Memory, CPU: int64(math.Round(o.CPUs * cgroup.Period)), Pids: max(0, o.Pids)}
	if o.Pids == 0 {
		pidsDefault = DefaultPids
	}
	return l, pidsDefault
}

// ParseSize reads a number of bytes as docker does: "64m", "1.5G", "512KiB".
// Units are powers of 1024.
func ParseSize(s string) (int64, error) {
	text := strings.ToLower(strings.TrimSpace(s))
	text = strings.TrimSuffix(strings.TrimSuffix(text, "b"), "i")
	factor := 1.0
	if n := len(text); n > 0 {
		if unit := strings.IndexByte("kmgt", text[n-1]); unit >= 0 {
			text, factor = strings.TrimSpace(text[:n-1]), math.Pow(1024, float64(unit+1))
		}
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !(number >= 0 && number*factor < 1<<62) || strings.ContainsAny(text, "xpin_") {
		return 0, &Refusal{fmt.Sprintf("size %s: not a number of bytes", abbreviate(s)), "write 64M or 1.5G"}
	}
	return int64(number * factor), nil
}

// SetGroups notes the control groups that the machine lets the sandbox have,
// and in OCI's words what they limit.
func SetGroups(s *specs.Spec, groups cgroup.Groups, limits cgroup.Limits) error {
	if len(groups) == 0 {
		return nil
	}
	document, err := json.Marshal(groups)
	if err != nil {
		return fmt.Errorf("describe control groups: %w", err)
	}
	s.Annotations[AnnotationGroups] = string(document)
	s.Linux.CgroupsPath = "/" + cgroup.Parent + "/" + groups[0].ID
	s.Linux.Resources = resources(limits)
	if Has(s, "cgroup") {
		mountGroups(s)
	}
	return nil
}

// mountGroups shows the sandbox its own groups, as docker does, where it has
// a /sys of its own.
func mountGroups(s *specs.Spec) {
	i := slices.IndexFunc(s.Mounts, func(m specs.Mount) bool { return m.Destination == "/sys" })
	if i >= 0 {
		s.Mounts = slices.Insert(s.Mounts, i+1, specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", "ro"}})
	}
}

func resources(l cgroup.Limits) *specs.LinuxResources {
	r := new(specs.LinuxResources)
	if l.Memory > 0 {
		r.Memory = &specs.LinuxMemory{Limit: &l.Memory, Swap: &l.Memory}
	}
	if l.CPU > 0 {
		period := uint64(cgroup.Period)
		r.CPU = &specs.LinuxCPU{Quota: &l.CPU, Period: &period}
	}
	if l.Pids > 0 {
		r.Pids = &specs.LinuxPids{Limit: &l.Pids}
	}
	return r
}

// Groups reads back the control groups of a configuration.
func Groups(s *specs.Spec) (cgroup.Groups, error) {
	text, ok := s.Annotations[AnnotationGroups]
	if !ok {
		return nil, nil
	}
	var groups cgroup.Groups
	if err := json.Unmarshal([]byte(text), &groups); err != nil {
		return nil, fmt.Errorf("read annotation %s: %w", AnnotationGroups, err)
	}
	return groups, nil
}
