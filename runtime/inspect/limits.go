package inspect

import (
	"slices"
	"strconv"
	"strings"
)

// Limits is the view of what the process may use, and uses.
type Limits struct {
	Cgroups   []Cgroup   `json:"cgroups"`
	OOMScore  int        `json:"oomScoreAdj"` // see proc_pid_oom_score_adj(5)
	Resources []Resource `json:"rlimits"`
}

// Resource is one of the process's own limits, see getrlimit(2).
type Resource struct {
	Name string `json:"name"` // "Max open files"
	Soft string `json:"soft"` // a number or "unlimited"
	Hard string `json:"hard"`
	Unit string `json:"unit,omitempty"`
}

// Limits reads the process's cgroups and resource limits.
func (t *Target) Limits() (*Limits, error) {
	limits := &Limits{}
	content, err := t.text("limits")
	if err != nil {
		return nil, t.failure("read limits", err)
	}
	if limits.Resources, err = parseResources(content); err != nil {
		return nil, t.failure("read limits", err)
	}
	if content, err = t.text("oom_score_adj"); err == nil {
		limits.OOMScore, err = strconv.Atoi(strings.TrimSpace(content))
	}
	if err != nil {
		return nil, t.failure("read oom score", err)
	}
	if content, err = t.text("cgroup"); err != nil {
		return nil, t.failure("read cgroups", err)
	}
	limits.Cgroups = readCgroups(cgroupRoots(), content)
	own := strings.Split(hostText("/proc/self/cgroup"), "\n")
	for i := range limits.Cgroups {
		g := &limits.Cgroups[i]
		g.Shared = slices.Contains(own, g.line)
	}
	return limits, nil
}

// parseResources reads /proc/PID/limits; see proc_pid_limits(5). Its columns
// are of fixed width, and names and "Max" have blanks in them, so the head
// line tells where each begins.
func parseResources(text string) ([]Resource, error) {
	head, rest, _ := strings.Cut(text, "\n")
	soft, hard, unit := strings.Index(head, "Soft Limit"), strings.Index(head, "Hard Limit"), strings.Index(head, "Units")
	if soft <= 0 || hard <= soft || unit <= hard {
		return nil, errFormat
	}
	var all []Resource
	lines(rest, func(line string) {
		if len(line) < hard {
			return
		}
		cell := func(from, to int) string {
			return strings.TrimSpace(line[min(from, len(line)):min(to, len(line))])
		}
		all = append(all, Resource{cell(0, soft), cell(soft, hard), cell(hard, unit), cell(unit, len(line))})
	})
	return all, nil
}
