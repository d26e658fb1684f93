package ids

import (
	"strconv"
	"strings"
)

// Range is ids that subuid(5) or subgid(5) give to somebody.
type Range struct{ Start, Count int }

// end is the first id after the range.
func (r Range) end() int { return r.Start + r.Count }

// overlaps tells whether two ranges have an id in common.
func (r Range) overlaps(other Range) bool { return r.Start < other.end() && other.Start < r.end() }

// limit is one more than the largest id; -1 means "leave as it is" to
// chown(2).
const limit = 1<<32 - 1

// Parse reads the ranges of one owner, who is named by login name or number,
// from the text of /etc/subuid or /etc/subgid. As newuidmap(1) does, it passes
// over lines that it does not understand.
func Parse(text, name string, number int) []Range {
	return parse(text, func(owner string) bool { return owner == name || owner == strconv.Itoa(number) })
}

// parse reads the ranges of those owners that are wanted.
func parse(text string, wanted func(owner string) bool) []Range {
	var ranges []Range
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(fields) != 3 || fields[0] == "" || !wanted(fields[0]) {
			continue
		}
		start, startErr := strconv.ParseUint(fields[1], 10, 32)
		count, countErr := strconv.ParseUint(fields[2], 10, 32)
		r := Range{int(start), int(count)}
		if startErr != nil || countErr != nil || count == 0 || r.end() > limit {
			continue
		}
		ranges = append(ranges, r)
	}
	return ranges
}
