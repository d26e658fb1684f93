package tui

import (
	"context"
	"strconv"
	"strings"
)

// environmentFacet is what the process was given and has open.
func environmentFacet() facet {
	return facet{name: "Environment", shortcut: "9", read: readEnvironment}
}

func readEnvironment(_ context.Context, l look) (sheet, error) {
	e, err := l.target.Environment()
	if err != nil {
		return sheet{}, err
	}
	places := named("Places",
		fact{"executable", e.Executable}, fact{"arguments", quoteWords(e.Arguments)}, fact{"directory", e.Cwd}, fact{"root", e.Root})
	for _, part := range []struct {
		word  string
		names []string
		tone  tone
	}{{"needs root", e.Denied, toneWarn}, {"does not answer", e.Hung, toneBad}, {"not all of", e.Partial, toneWarn}} {
		if len(part.names) > 0 {
			places.add(part.word, strings.Join(part.names, ", "), part.tone)
		}
	}
	variables := section{title: counted("Environment at its start", len(e.Variables)), columns: []column{{}, {flex: true}}}
	for _, v := range e.Variables {
		name, value, _ := strings.Cut(v, "=")
		variables.rows = append(variables.rows, row{key: name, cells: []string{name, value}})
	}
	open := section{title: counted("Open files", len(e.Descriptors)), columns: []column{{name: "FD", right: true}, {name: "MODE"}, {name: "POINTS TO", flex: true}}}
	for _, d := range e.Descriptors {
		number := strconv.Itoa(d.Number)
		open.rows = append(open.rows, row{key: number, cells: []string{number, d.Flags, d.Target}})
	}
	return sheet{sections: []section{places, variables, open}}, nil
}
