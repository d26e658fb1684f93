package step

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text shows the plan to people: what it gives away, and each step with its number, who does it, its
// calls as C, the reason, the manual page, and where the effect lands.
func (p Plan) Text() string {
	var out strings.Builder
	if len(p.Weaker) > 0 {
		fmt.Fprintf(&out, "not isolation: %s\n\n", strings.Join(p.Weaker, ", "))
	}
	for i, s := range p.Steps {
		if i > 0 {
			out.WriteByte('\n')
		}
		s.write(&out, i+1, textWidth)
	}
	return out.String()
}

// Columns of the text, in characters.
const (
	indentParts = 21 // beyond "  1  supervisor  "
	textWidth   = 100
	indentWords = 17
)

// Text shows one step as a plan's Text does, under the given number.
func (s Step) Text(number int) string { return s.TextIn(number, textWidth) }

// TextIn is Text with lines of at most width characters, but for calls that
// are longer by themselves.
func (s Step) TextIn(number, width int) string {
	var out strings.Builder
	s.write(&out, number, min(width, textWidth))
	return out.String()
}

func (s Step) write(out *strings.Builder, number, width int) {
	fmt.Fprintf(out, "%3d  %-10s  %s\n", number, s.Actor, s.Call())
	for _, line := range flow(s.Parts(), width-indentParts) {
		fmt.Fprintf(out, "%*s%s\n", indentParts, "", line)
	}
	for _, line := range fold(visible(s.Why), width-indentWords) {
		fmt.Fprintf(out, "%*s%s\n", indentWords, "", line)
	}
	fmt.Fprintf(out, "%*s[%s; %s]\n", indentWords, "", s.Man, s.Lands())
}

// Lands says where the step's effect is seen.
func (s Step) Lands() string {
	switch op := s.Op.(type) {
	case *Outer:
		return "in an outer mnt namespace"
	case *Cgroup:
		return "in the host's control groups"
	case *Clone:
		if op.Flags == 0 {
			return "no new namespaces"
		}
		var kinds []string
		for _, f := range cloneFlags {
			if uintptr(op.Flags)&f.bit != 0 {
				kinds = append(kinds, cloneKinds[f.bit])
			}
		}
		return "makes the namespaces " + strings.Join(kinds, ", ")
	default:
		if s.Namespace != "" {
			return "in the " + s.Namespace + " namespace"
		}
		return "this process only"
	}
}

// Parts are the calls of the step but for the one that names it, in order.
func (s Step) Parts() []Call { return s.Op.Calls()[1:] }

// manyParts is from how many alike calls on they share lines.
const manyParts = 4

// flow gives each call a line; a run of calls of one name shares lines of at
// most width characters.
func flow(calls []Call, width int) []string {
	var lines []string
	for len(calls) > 0 {
		run := 1
		for run < len(calls) && calls[run].Name == calls[0].Name && calls[run].Note == "" {
			run++
		}
		texts := make([]string, run)
		for i, c := range calls[:run] {
			texts[i] = c.String()
		}
		if run >= manyParts {
			texts = fill(texts, "; ", width)
		}
		lines = append(lines, texts...)
		calls = calls[run:]
	}
	return lines
}

// fold breaks text at spaces into lines of at most width characters, where
// its words allow that.
func fold(text string, width int) []string { return fill(strings.Fields(text), " ", width) }

// fill puts words on lines of at most width characters, where they fit.
func fill(words []string, separator string, width int) []string {
	var lines []string
	line := ""
	for _, word := range words {
		longer := word
		if line != "" {
			longer = line + separator + word
		}
		if line != "" && utf8.RuneCountInString(longer) > width {
			lines = append(lines, strings.TrimRight(line+separator, " "))
			longer = word
		}
		line = longer
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// visible replaces what a terminal would act on: reasons name paths that
// somebody else may have chosen.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}
