package step

// Unskippable says why a step of a stepped launch may not be left out; ""
// when it may.
func (p Plan) Unskippable(index int) string {
	if index < 0 || index >= len(p.Steps) {
		return "there is no such step"
	}
	switch p.Steps[index].Op.(type) {
	case *Clone, *Exec:
		return "there would be nothing to launch"
	}
	return "only a launch with --what-if, in an outer mount namespace, may go wrong on purpose"
}
