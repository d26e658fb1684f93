package doctor

import (
	"errors"
	"fmt"
	"os"

	"aquarium/runtime/ids"
	"aquarium/runtime/userns"
)

// subordinateIDs has newuidmap(1) and newgidmap(1) map the user's ranges.
func subordinateIDs(source ids.Source) Finding {
	f := Finding{What: "subordinate ids", OK: true}
	if os.Geteuid() == 0 {
		f.Detail = "root needs none"
		return f
	}
	found, err := source.Own()
	if err == nil {
		err = found.Try()
	}
	if err == nil {
		f.Detail = fmt.Sprintf("%d users and %d groups besides your own, mapped by %s and %s", count(found.UIDs), count(found.GIDs), found.UIDHelper, found.GIDHelper)
		return f
	}
	f.OK, f.Detail = false, err.Error()
	f.Effect = "one user and one group exist inside: package managers and su want more"
	f.Knob = "see newuidmap(1), which refuses to map them"
	var missing *ids.Missing
	if errors.As(err, &missing) {
		f.Knob = missing.Knob
	}
	return f
}

// count is how many ids a map has besides root.
func count(maps []userns.IDMap) int {
	n := -1
	for _, m := range maps {
		n += m.Count
	}
	return n
}
