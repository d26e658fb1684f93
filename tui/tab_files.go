package tui

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"aquarium/rootfs"
	"aquarium/runtime/inspect"
)

// filesFacet browses the root as the process sees it.
func filesFacet() facet {
	return facet{
		name: "Files", shortcut: "4", read: readFiles, press: pressFiles, dead: true,
		at: filesHints,
	}
}

func filesHints(place string) []hint {
	if place == placeChanges {
		return []hint{{"Enter", "open"}, {"C", "commit…"}, {"x", "discard…"}, {"c", "all files"}}
	}
	return []hint{{"Enter", "open"}, {"Backspace", "up"}, {"c", "changes"}}
}

// Where one is in the view: a directory, a file, or the list of changes.
const (
	placeFile    = "file:"
	placeChanges = "changes"
)

func readFiles(ctx context.Context, l look) (sheet, error) {
	name, isFile := strings.CutPrefix(l.place, placeFile)
	switch {
	case isFile && l.target == nil:
		return readWritten(l, name)
	case l.place == placeChanges || l.target == nil:
		return readChanges(ctx, l)
	case isFile:
		return readContent(l, name)
	}
	return readDirectory(l, path.Join("/", l.place))
}

func readDirectory(l look, place string) (sheet, error) {
	dir, err := l.target.List(place)
	if err != nil {
		return sheet{}, err
	}
	s := section{title: place, columns: []column{
		{name: "NAME", flex: true}, {name: "SIZE", right: true, rank: 1}, {name: "OWNER", rank: 3}, {name: "MODE", right: true, rank: 4}, {name: "LAYER", rank: 2}, {name: "CHANGED", rank: 5},
	}}
	if place != "/" {
		s.rows = append(s.rows, row{key: "..", cells: []string{"..", "", "", "", "", ""}})
	}
	for _, e := range dir.Entries {
		s.rows = append(s.rows, entryRow(l, e))
	}
	for _, name := range dir.Removed {
		s.rows = append(s.rows, row{key: name, cells: []string{name, "", "", "", "REMOVED", ""}, tone: toneBad})
	}
	out := sheet{sections: []section{s}}
	if dir.Partial {
		out.note = fmt.Sprintf("the first %d", len(dir.Entries))
	}
	return out, nil
}

func entryRow(l look, e inspect.Entry) row {
	name, size := e.Name, bytesText(uint64(max(0, e.Size)))
	switch e.Kind {
	case "directory":
		name, size = name+"/", ""
	case "symlink":
		name, size = name+" "+l.theme.arrow()+" "+e.Link, ""
	case "file":
	default:
		size = strings.TrimSpace(e.Kind + " " + e.Device)
	}
	layer := strings.Replace(e.Layer, "lower", "rootfs", 1)
	r := row{key: e.Name, data: e}
	if layer == "upper" {
		layer, r.tone = "written here", toneGood
	}
	if e.Mount {
		layer = "a mount"
	}
	r.cells = []string{name, size, owner(l, e), e.Mode, layer, e.Modified.Local().Format("2006-01-02 15:04")}
	r.more = []fact{
		{"kind", e.Kind}, {"bytes", strconv.FormatInt(e.Size, 10)},
		{"inside", fmt.Sprintf("uid %d, gid %d", e.UID, e.GID)}, {"on the host", fmt.Sprintf("uid %d, gid %d", e.HostUID, e.HostGID)},
	}
	return r
}

// owner is who owns a file inside, and outside where that is another number.
func owner(l look, e inspect.Entry) string {
	text := fmt.Sprintf("%d:%d", e.UID, e.GID)
	if e.UID != e.HostUID || e.GID != e.HostGID {
		text += l.theme.arrow() + fmt.Sprintf("%d:%d", e.HostUID, e.HostGID)
	}
	return text
}

// mostContent is how much of a file is shown, in bytes.
const mostContent = 256 << 10

func readContent(l look, name string) (sheet, error) {
	content, size, err := l.target.ReadFile(name, 0, mostContent)
	if err != nil {
		return sheet{}, err
	}
	return contentSheet(name, content, size), nil
}

// readWritten reads a file that a sandbox has written and that has stopped.
func readWritten(l look, name string) (sheet, error) {
	if l.who.subject == nil {
		return sheet{}, inspect.ErrGone
	}
	written, err := l.who.subject.Written()
	if err != nil {
		return sheet{}, err
	}
	content, size, err := rootfs.ReadWritten(written, name, mostContent)
	if err != nil {
		return sheet{}, err
	}
	return contentSheet(name, content, size), nil
}

// contentSheet shows a file's beginning: as text, or else in hexadecimal.
func contentSheet(name string, content []byte, size int64) sheet {
	s := sheet{sections: []section{{title: name, columns: []column{{right: true}, {flex: true}}}}}
	s.note = fmt.Sprintf("%s, Backspace goes back", bytesText(uint64(size)))
	if size > int64(len(content)) {
		s.note = fmt.Sprintf("the first %s of %s", bytesText(uint64(len(content))), bytesText(uint64(size)))
	}
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	if bytes.IndexByte(content, 0) >= 0 {
		lines = strings.Split(strings.TrimSuffix(hex.Dump(content[:min(len(content), 16<<10)]), "\n"), "\n")
	}
	for i, line := range lines {
		number := strconv.Itoa(i + 1)
		s.sections[0].rows = append(s.sections[0].rows, row{key: number, cells: []string{number, strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "    ")}})
	}
	return s
}

// readChanges lists what this sandbox wrote, changed and removed.
func readChanges(ctx context.Context, l look) (sheet, error) {
	if l.who.subject == nil {
		return sheet{}, errors.New("changes are known of sandboxes only")
	}
	written, err := l.who.subject.Written()
	if err != nil {
		return sheet{}, err
	}
	if len(written) == 0 {
		return sheet{}, errors.New("it writes into its root filesystem itself: there is nothing to compare with")
	}
	changes, err := rootfs.Diff(ctx, written)
	if err != nil {
		return sheet{}, err
	}
	s := section{title: fmt.Sprintf("Changes of this sandbox (%d)", len(changes)), columns: []column{{}, {flex: true}}}
	words := map[rootfs.ChangeKind]string{rootfs.Added: "added", rootfs.Changed: "changed", rootfs.Deleted: "REMOVED"}
	tones := map[rootfs.ChangeKind]tone{rootfs.Added: toneGood, rootfs.Deleted: toneBad}
	for _, c := range changes {
		s.rows = append(s.rows, row{key: c.Path, cells: []string{words[c.Kind], c.Path}, tone: tones[c.Kind], data: c})
	}
	if len(changes) == 0 {
		s.rows = append(s.rows, row{key: "none", cells: []string{"", "none: it has written nothing"}})
	}
	return sheet{sections: []section{s}}, nil
}

// pressFiles opens what is selected, and goes back.
func pressFiles(in *inspection, key string) (tea.Cmd, bool) {
	_, r := in.page.selected()
	switch key {
	case "enter":
		return openFile(in, r)
	case "backspace", "-":
		return in.goUp()
	case "c":
		if in.place == placeChanges {
			return in.goTo(""), true
		}
		return in.goTo(placeChanges), true
	}
	return nil, false
}

func openFile(in *inspection, r *row) (tea.Cmd, bool) {
	if r == nil {
		return nil, false
	}
	if r.key == ".." && r.data == nil {
		return in.goUp()
	}
	switch e := r.data.(type) {
	case inspect.Entry:
		place := path.Join("/", in.place, e.Name)
		switch e.Kind {
		case "directory":
			return in.goTo(place), true
		case "file":
			return in.goTo(placeFile + place), true
		}
	case rootfs.Change:
		switch {
		case e.Kind == rootfs.Deleted:
		case in.who.pid == 0:
			return in.goTo(placeFile + e.Path), true
		default:
			in.page.seek = path.Base(e.Path)
			return in.goTo(path.Dir(e.Path)), true
		}
	}
	return nil, false
}

// goUp goes to the directory that this one, or this file, is in.
func (in *inspection) goUp() (tea.Cmd, bool) {
	name, isFile := strings.CutPrefix(in.place, placeFile)
	switch {
	case in.place == placeChanges:
		return in.goTo(""), true
	case in.who.pid == 0:
		in.page.seek = name
		return in.goTo(placeChanges), true
	case !isFile && path.Join("/", name) == "/":
		return nil, true
	}
	in.page.seek = path.Base(name)
	return in.goTo(path.Dir(name)), true
}
