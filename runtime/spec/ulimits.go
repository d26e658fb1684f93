package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/kernel"
)

// Resource limits of a default sandbox. 1024 open files is what programs that
// use select(2) can take, and what they may raise it to is as in Docker's
// systemd unit. A core dump is not written: it would fill the sandbox's layer.
const (
	DefaultFiles     = 1024
	DefaultMostFiles = 524288
)

// OOMScore is how much sooner, in thousandths of the memory there is, a
// sandbox is killed than who launched it when memory runs out.
const OOMScore = 100

const mostOOMScore = 1000 // OOM_SCORE_ADJ_MAX

// ParseUlimit reads "NAME=SOFT[:HARD]", as docker run takes it: "nofile=1024",
// "core=0:unlimited". -1 is unlimited too.
func ParseUlimit(s string) (specs.POSIXRlimit, error) {
	bad := func(why string) (specs.POSIXRlimit, error) {
		return specs.POSIXRlimit{}, &Refusal{fmt.Sprintf("ulimit %s: %s", abbreviate(s), why),
			"write --ulimit NAME=SOFT[:HARD], numbers or unlimited; the names are " + strings.Join(ulimitNames(), ", ")}
	}
	name, values, ok := strings.Cut(s, "=")
	if !ok {
		return bad("not NAME=SOFT[:HARD]")
	}
	limit := specs.POSIXRlimit{Type: "RLIMIT_" + strings.ToUpper(name)}
	if _, known := kernel.RlimitNumber(limit.Type); !known || name != strings.ToLower(name) {
		return bad("there is no such limit")
	}
	soft, hard, both := strings.Cut(values, ":")
	if !both {
		hard = soft
	}
	var ok2 bool
	limit.Soft, ok = limitNumber(soft)
	limit.Hard, ok2 = limitNumber(hard)
	switch {
	case !ok || !ok2:
		return bad("not a number")
	case limit.Soft > limit.Hard:
		return bad("the soft limit is above the hard one")
	}
	return limit, nil
}

func limitNumber(s string) (uint64, bool) {
	if s == "unlimited" || s == "-1" {
		return kernel.Unlimited, true
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

func ulimitNames() []string {
	var names []string
	for _, full := range kernel.Rlimits() {
		names = append(names, strings.ToLower(strings.TrimPrefix(full, "RLIMIT_")))
	}
	slices.Sort(names)
	return names
}

// rlimits are the default limits with those that the options set.
func rlimits(o Options, caller Caller) []specs.POSIXRlimit {
	most := uint64(DefaultMostFiles)
	if caller.MostFiles > 0 {
		most = min(most, caller.MostFiles) // more would need a privilege
	}
	limits := []specs.POSIXRlimit{
		{Type: "RLIMIT_CORE"},
		{Type: "RLIMIT_NOFILE", Soft: min(DefaultFiles, most), Hard: most},
	}
	for _, text := range o.Ulimits {
		limit, err := ParseUlimit(text)
		if err != nil {
			continue // Check has refused it already
		}
		at := slices.IndexFunc(limits, func(l specs.POSIXRlimit) bool { return l.Type == limit.Type })
		if at >= 0 {
			limits[at] = limit
		} else {
			limits = append(limits, limit)
		}
	}
	return limits
}
