package doctor

import (
	"errors"
	"os"
	"strings"

	"aquarium/runtime/cgroup"
)

// limits are what control groups can limit, each with a limit to try.
var limits = []struct {
	what string
	try  cgroup.Limits
}{
	{"memory", cgroup.Limits{Memory: 64 << 20}},
	{"processors", cgroup.Limits{CPU: cgroup.Period}},
	{"processes", cgroup.Limits{Pids: 100}},
}

// cgroups finds out where a sandbox's control groups would be, without making
// them.
func cgroups() Finding {
	f := Finding{What: "control groups"}
	host, err := cgroup.Find(os.Geteuid() == 0)
	if err != nil {
		f.Detail = cause(err)
		return f
	}
	var can, cannot []string
	for _, limit := range limits {
		groups, _, err := host.Place("doctor", limit.try, 0)
		if err != nil {
			cannot = append(cannot, limit.what)
			f.Detail = cause(err)
			var refused *cgroup.Unavailable
			if errors.As(err, &refused) {
				f.Knob = refused.Way
			}
			continue
		}
		can = append(can, limit.what)
		f.Detail = "limits for " + strings.Join(can, ", ") + "; " + versionText(groups)
	}
	if f.OK = len(cannot) == 0; !f.OK {
		f.Effect = "no limits for " + strings.Join(cannot, ", ")
		if host.Obstacle() != nil {
			f.Effect += ", and no pause; use is read from each process"
		}
	}
	return f
}

func versionText(groups cgroup.Groups) string {
	if groups[0].Version == cgroup.V1 {
		return "hierarchies of version 1"
	}
	return "version 2, below " + groups[0].Base
}
