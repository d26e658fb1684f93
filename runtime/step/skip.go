package step

// Unskippable says why a step of a stepped launch may not be left out; ""
// when it may.
func (p Plan) Unskippable(index int) string {
	if index < 0 || index >= len(p.Steps) {
		return "there is no such step"
	}
	if _, outer := p.Steps[0].Op.(*Outer); !outer {
		return "only a launch in an outer mount namespace may go wrong on purpose"
	}
	switch p.Steps[index].Op.(type) {
	case *Outer:
		return "it keeps what goes wrong from the host"
	case *Adopt:
		return "what the program leaves behind would run on"
	case *Cgroup:
		return "it keeps what goes wrong from the neighbours"
	case *Clone, *Exec, *Reap:
		return "there would be nothing to launch"
	case *Bounding:
		return "with every capability the program could leave the outer mount namespace"
	}
	return ""
}
