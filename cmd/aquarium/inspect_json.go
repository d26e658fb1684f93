package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"aquarium/runtime/inspect"
)

// member is one name and value of a JSON object whose order is kept.
type member struct {
	name  string
	value any
}

// members are the members of the document: who it is, and one for each view.
// What two views tell beside their lists has members of its own.
func (i *inspection) members() []member {
	all := []member{{"id", i.ID}, {"name", i.Name}, {"pid", i.pid}, {"status", i.status}}
	if i.ID != "" {
		all = append(all, member{"weaker", append([]string{}, i.Weaker...)})
	}
	refused := make(map[string]string)
	for _, v := range i.views {
		if v.err != nil {
			refused[v.name] = v.err.Error()
			all = append(all, member{v.name, nil})
			continue
		}
		switch value := v.value.(type) {
		case *inspect.Processes:
			all = append(all, member{v.name, value.List}, member{"signals", map[string][]string{"ignored": value.Ignored, "caught": value.Caught}})
		case *inspect.Mounts:
			all = append(all, member{v.name, value.List}, member{"mountsOfHostOnly", value.Missing})
		default:
			all = append(all, member{v.name, value})
		}
		if notes := notesOf(v.value); len(notes) > 0 {
			all = append(all, member{v.name + "Notes", notes})
		}
	}
	if len(refused) > 0 {
		all = append(all, member{"errors", refused})
	}
	return all
}

// notesOf says in words what is missing in a view.
func notesOf(value any) (notes []string) {
	note := func(when bool, format string, arguments ...any) {
		if when {
			notes = append(notes, fmt.Sprintf(format, arguments...))
		}
	}
	const partial = "there is more than what is shown"
	switch v := value.(type) {
	case *inspect.Processes:
		note(v.Denied > 0, "%d other processes could not be looked at: needs root", v.Denied)
		note(v.Partial, partial)
	case *inspect.Mounts:
		note(v.Unreadable > 0, "%d mounts have lines too long to read", v.Unreadable)
		note(v.Partial, partial)
	case *inspect.Directory:
		note(v.Partial, partial)
	case *inspect.Network:
		notes = append(notes, v.Unknown...)
		note(v.Partial, partial)
	case *inspect.IPC:
		notes = append(notes, v.Unknown...)
		note(v.Partial, partial)
	case *inspect.Environment:
		for _, part := range v.Denied {
			note(true, "%s: needs root", part)
		}
		for _, part := range v.Hung {
			note(true, "%s: does not answer", part)
		}
		for _, part := range v.Partial {
			note(true, "%s: longer than what is shown", part)
		}
	}
	return notes
}

func (i *inspection) writeJSON(w io.Writer) error {
	var compact bytes.Buffer
	for n, m := range i.members() {
		separator := byte(',')
		if n == 0 {
			separator = '{'
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return err
		}
		compact.WriteByte(separator)
		fmt.Fprintf(&compact, "%q:%s", m.name, value)
	}
	compact.WriteByte('}')
	var document bytes.Buffer
	if err := json.Indent(&document, compact.Bytes(), "", "  "); err != nil {
		return err
	}
	document.WriteByte('\n')
	_, err := w.Write(escapeInvisible(document.Bytes()))
	return err
}
