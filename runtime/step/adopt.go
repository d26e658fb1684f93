package step

import (
	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Adopt makes the supervisor the parent of whatever the program leaves behind
// when it ends. In a pid namespace of its own that would end with PID 1; among
// the host's processes the supervisor has to end it.
type Adopt struct{}

var subreaper = call("prctl", raw("PR_SET_CHILD_SUBREAPER"), 1, 0, 0, 0)

// Calls implements Op.
func (*Adopt) Calls() []Call { return []Call{subreaper} }

// Changes implements Op.
func (*Adopt) Changes() []observe.Change {
	return []observe.Change{{Kind: "orphans", After: "children of the supervisor"}}
}

// Do implements Op.
func (*Adopt) Do(*World) error {
	return failed(subreaper, kernel.Prctl(kernel.PR_SET_CHILD_SUBREAPER, 1))
}
