package seccomp

import (
	"maps"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"
)

// Offsets in struct seccomp_data, see seccomp(2). The machines here are
// little-endian: an argument's low half comes first.
const (
	numberOffset = 0
	archOffset   = 4
	argsOffset   = 16
	argSize      = 8
	halfSize     = 4
)

// x32Bit marks calls of amd64's x32 ABI.
const x32Bit = 0x40000000

// code is a piece of a program that always ends in a verdict.
type code []bpf.Instruction

// compile makes one program for all ABIs. A call that no rule is about gets one
// verdict, one of an ABI that is none of these another.
//
//	load the ABI
//	is it the first one's?   load the number; search among its rules; verdict
//	is it the second one's?  …
//	the stranger's verdict
func compile(tables []table, otherwise, stranger verdict) code {
	program := code{load(archOffset)}
	for _, t := range tables {
		own := t.compile(otherwise)
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(t.abi.ID), SkipTrue: 1},
			bpf.Jump{Skip: uint32(len(own))})
		program = append(program, own...)
	}
	return append(program, give(stranger))
}

func load(offset uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: offset, Size: 4} }

func give(v verdict) bpf.Instruction { return bpf.RetConstant{Val: uint32(v)} }

// span is a run of call numbers, from the first up to the next span's, that
// have the same rule.
type span struct {
	first uint32
	rule  rule
}

func (t table) compile(otherwise verdict) code {
	var spans []span
	next, newest := uint32(0), t.newest()
	rest := func(first uint32) rule {
		if first > newest && refuses(otherwise) {
			return rule{verdict: unknown}
		}
		return rule{verdict: otherwise}
	}
	add := func(first uint32, r rule) {
		if last := len(spans) - 1; last < 0 || len(r.only) > 0 || len(spans[last].rule.only) > 0 || spans[last].rule.verdict != r.verdict {
			spans = append(spans, span{first, r})
		}
	}
	for _, number := range slices.Sorted(maps.Keys(t.rules)) {
		if number > next {
			add(next, rest(next))
		}
		add(number, t.rules[number])
		next = number + 1
	}
	add(next, rest(next))
	if t.abi.Name == "x86_64" {
		add(x32Bit, rule{verdict: unknown})
	}
	return append(code{load(numberOffset)}, search(spans, otherwise)...)
}

// search finds the span of the number that is loaded, by halves.
func search(spans []span, otherwise verdict) code {
	if len(spans) == 1 {
		return spans[0].rule.compile(otherwise)
	}
	middle := len(spans) / 2
	below, above := search(spans[:middle], otherwise), search(spans[middle:], otherwise)
	// A conditional jump reaches 255 instructions, an unconditional one any.
	decide := code{
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: spans[middle].first, SkipFalse: 1},
		bpf.Jump{Skip: uint32(len(below))},
	}
	if len(below) <= 255 {
		decide = code{bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: spans[middle].first, SkipTrue: uint8(len(below))}}
	}
	return append(append(decide, below...), above...)
}

func (r rule) compile(otherwise verdict) code {
	if len(r.only) == 0 {
		return code{give(r.verdict)}
	}
	if r.isChoice() {
		return r.choose(otherwise)
	}
	var all code
	for _, list := range r.only {
		all = append(all, conditions(list).compile(r.verdict)...)
	}
	return append(all, give(otherwise))
}

// isChoice tells whether it is small numbers of one argument that are looked
// for, such as the families of socket(2).
func (r rule) isChoice() bool {
	return !slices.ContainsFunc(r.only, func(list []specs.LinuxSeccompArg) bool {
		a := list[0]
		return len(list) > 1 || a.Index != r.only[0][0].Index || a.Value>>32 != 0 || a.Op != specs.OpEqualTo && a.Op != specs.OpLessThan
	}) && len(r.only) < 250
}

// choose loads the argument only once.
func (r rule) choose(otherwise verdict) code {
	low := uint32(argsOffset + argSize*r.only[0][0].Index)
	left := uint8(len(r.only)) // comparisons to come, and the verdict behind them
	all := code{load(low + halfSize), bpf.JumpIf{Cond: bpf.JumpNotEqual, SkipTrue: left + 1}, load(low)}
	for _, list := range r.only {
		comparison := bpf.JumpEqual
		if list[0].Op == specs.OpLessThan {
			comparison = bpf.JumpLessThan
		}
		all = append(all, bpf.JumpIf{Cond: comparison, Val: uint32(list[0].Value), SkipTrue: left})
		left--
	}
	return append(all, give(otherwise), give(r.verdict))
}

// compile gives the verdict where every condition is met, and otherwise goes
// on behind it.
func (c conditions) compile(v verdict) code {
	const far = 250 // conditional jumps reach 255 instructions, and a test has a few itself
	met := code{give(v)}
	for _, a := range slices.Backward(c) {
		if len(met) > far {
			met = append(code{bpf.Jump{Skip: 1}, bpf.Jump{Skip: uint32(len(met))}}, met...)
			met = append(test(a, 1), met...)
			continue
		}
		met = append(test(a, len(met)), met...)
	}
	return met
}

// orders are how numbers of two halves are compared: by the high ones, which
// may decide one way or the other, and if they are equal by the low ones.
var orders = map[specs.LinuxSeccompOperator]struct{ met, never, not bpf.JumpTest }{
	specs.OpLessThan:     {bpf.JumpLessThan, bpf.JumpGreaterThan, bpf.JumpGreaterOrEqual},
	specs.OpLessEqual:    {bpf.JumpLessThan, bpf.JumpGreaterThan, bpf.JumpGreaterThan},
	specs.OpGreaterThan:  {bpf.JumpGreaterThan, bpf.JumpLessThan, bpf.JumpLessOrEqual},
	specs.OpGreaterEqual: {bpf.JumpGreaterThan, bpf.JumpLessThan, bpf.JumpLessThan},
}

// test compares one argument, of which BPF sees one half at a time, and leaves
// out what follows, so many instructions, where the condition is not met.
func test(a specs.LinuxSeccompArg, follow int) code {
	low := uint32(argsOffset + argSize*a.Index)
	high, skip := low+halfSize, uint8(follow)
	value, mask := a.Value, ^uint64(0)
	if a.Op == specs.OpMaskedEqual { // OCI's names: value is the mask, valueTwo what is left
		value, mask = a.ValueTwo, a.Value
	}
	if order, ok := orders[a.Op]; ok {
		return code{
			load(high),
			bpf.JumpIf{Cond: order.met, Val: uint32(value >> 32), SkipTrue: 3},
			bpf.JumpIf{Cond: order.never, Val: uint32(value >> 32), SkipTrue: skip + 2},
			load(low),
			bpf.JumpIf{Cond: order.not, Val: uint32(value), SkipTrue: skip},
		}
	}
	if a.Op == specs.OpNotEqual {
		return code{
			load(high),
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(value >> 32), SkipTrue: 2},
			load(low),
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(value), SkipTrue: skip},
		}
	}
	return code{
		load(high),
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: uint32(mask >> 32)},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(value >> 32), SkipTrue: skip + 3},
		load(low),
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: uint32(mask)},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(value), SkipTrue: skip},
	}
}
