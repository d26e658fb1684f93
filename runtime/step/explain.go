package step

import "errors"

// explainer is an operation that can look for the reason of a refusal. It is
// asked right after the call, in the process that made it, where the evidence
// still is as the kernel saw it.
type explainer interface {
	// explain returns one clause, "" where nothing is known.
	explain(refused *CallError) string
}

// explain adds to a refused call what can be seen of the reason.
func explain(op Op, err error) {
	var refused *CallError
	if !errors.As(err, &refused) || refused.Detail != "" {
		return
	}
	if e, ok := op.(explainer); ok {
		refused.Detail = e.explain(refused)
	}
}
