package inspect

import "slices"

// walk visits a forest from the top, each before its children, which visit
// returns. A chain of 100,000 must not be 100,000 calls deep, so it keeps a
// stack of its own.
func walk(tops []int, visit func(index, depth int) (children []int)) {
	type place struct{ index, depth int }
	var left []place
	push := func(indices []int, depth int) {
		for _, index := range slices.Backward(indices) {
			left = append(left, place{index, depth})
		}
	}
	for push(tops, 0); len(left) > 0; {
		next := left[len(left)-1]
		left = left[:len(left)-1]
		push(visit(next.index, next.depth), next.depth+1)
	}
}
