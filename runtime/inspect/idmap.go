package inspect

import (
	"strconv"
)

// Range is a row of a uid or gid map: Count ids, from Inside on in the user
// namespace, are those from Outside on in this process's; see user_namespaces(7).
type Range struct {
	Inside  int `json:"inside"`
	Outside int `json:"outside"`
	Count   int `json:"count"`
}

type idMap []Range

// mostRanges is the kernel's own limit, UID_GID_MAP_MAX_EXTENTS.
const mostRanges = 340

// parseIDMap reads /proc/PID/uid_map or gid_map.
func parseIDMap(text string) (idMap, error) {
	all := idMap{}
	var bad error
	lines(text, func(line string) {
		numbers, err := integers(line)
		if err != nil || len(numbers) != 3 || len(all) == mostRanges {
			bad = errFormat
			return
		}
		all = append(all, Range{numbers[0], numbers[1], numbers[2]})
	})
	return all, bad
}

// inside turns an id of the host into the one seen inside.
func (m idMap) inside(outside int) (id int, ok bool) {
	for _, r := range m {
		if offset := outside - r.Outside; offset >= 0 && offset < r.Count {
			return r.Inside + offset, true
		}
	}
	return overflowID, false
}

// overflowID is how an id without a mapping shows, the usual value of
// /proc/sys/kernel/overflowuid.
const overflowID = 65534

// name is "root" for id 0, which the kernel knows itself, and a number for
// every other: what they are called is a file of the sandbox's.
func (m idMap) name(outside int) string {
	id, _ := m.inside(outside)
	if id == 0 {
		return "root"
	}
	return strconv.Itoa(id)
}
