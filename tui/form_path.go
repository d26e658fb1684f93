package tui

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// pathEditor is a line of text that ends in a path of this machine's. Tab
// completes it as a shell does; where it cannot, Tab says what there is to
// choose from, and then goes on like everywhere else.
type pathEditor struct {
	editor
	line   *input
	begins func(text string) int // where the path begins; -1 where none does
	names  []string              // to choose from, after a Tab that added nothing
}

// newPathEditor is an editor for a path and nothing else.
func newPathEditor(line *input, drawn editor) *pathEditor {
	return &pathEditor{editor: drawn, line: line, begins: func(string) int { return 0 }}
}

// typedPath makes a field for a path.
func typedPath(label, about string, empty func() string) (formField, *emptyEditor) {
	field, line := typed(label, about, empty)
	path := newPathEditor(&line.input, line)
	field.edit, field.about = path, func() string { return path.about(about) }
	return field, line
}

func (e *pathEditor) press(key tea.KeyPressMsg) bool {
	e.names = nil
	return e.editor.press(key)
}

func (e *pathEditor) insert(text string) {
	e.names = nil
	e.line.insert(text)
}

// about is what there is to choose from, or else what the field is for.
func (e *pathEditor) about(usual string) string {
	if len(e.names) == 0 {
		return usual
	}
	return visible(strings.Join(e.names, "  "))
}

// pressTab is what the Tab key does in a field: it completes a path, as far as
// there is one. after is told whether that was of any use.
func pressTab(edit editor, after func(useful bool)) decision {
	e, ok := edit.(*pathEditor)
	if !ok || !e.open() {
		after(false)
		return nil
	}
	typed := e.line.value()
	path := typed[e.begins(typed):]
	return errand(func(m *root) tea.Cmd {
		m.typing.waiting = true
		return func() tea.Msg {
			found := findPathSoon(path)
			return errand(func(m *root) tea.Cmd {
				after(e.line.value() == typed && e.take(found))
				return m.takeTyped(m.typing.release())
			})
		}
	})
}

// tabHint is what the Tab key would do in a field.
func tabHint(edit editor) hint {
	if e, ok := edit.(*pathEditor); ok && e.open() {
		return hint{"Tab", "complete"}
	}
	return hint{"Tab", "next"}
}

// open tells whether there is a path that may go on where the cursor is.
func (e *pathEditor) open() bool {
	typed := e.line.value()
	begin := e.begins(typed)
	return begin >= 0 && begin < len(typed) && e.line.cursor == len(e.line.text) && len(e.names) == 0
}

// take puts in what was found, and tells false where there was nothing.
func (e *pathEditor) take(found pathFound) bool {
	if found.more != "" {
		e.insert(found.more)
		return true
	}
	e.names = found.names
	return len(e.names) > 0
}

// pathFound is how a path could go on.
type pathFound struct {
	more  string   // what all that it could be have in common, beyond what is typed
	names []string // what it could be, where there is more than one
}

// pathPatience is how long a directory may take to be read, which may be on
// another machine.
const pathPatience = time.Second

func findPathSoon(typed string) pathFound {
	found := make(chan pathFound, 1)
	go func() { found <- findPath(typed) }()
	select {
	case f := <-found:
		return f
	case <-time.After(pathPatience):
		return pathFound{}
	}
}

// findPath looks for what a path could go on as. Names that cannot be typed
// are left out, and hidden ones until their dot is typed.
func findPath(typed string) (found pathFound) {
	if typed == "~" {
		return pathFound{more: "/"}
	}
	dir, base := filepath.Split(typed)
	entries, err := os.ReadDir(expandHome(filepath.Join(dir, ".")))
	if err != nil {
		return pathFound{}
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, base) || visible(name) != name || name[0] == '.' && base == "" {
			continue
		}
		if leadsToDirectory(expandHome(dir), entry) {
			name += "/"
		}
		found.names = append(found.names, name)
	}
	if len(found.names) > 0 {
		found.more = shared(found.names)[len(base):]
	}
	if len(found.names) == 1 {
		found.names = nil
	}
	return found
}

func leadsToDirectory(dir string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.IsDir()
	}
	info, err := os.Stat(filepath.Join(dir, entry.Name()))
	return err == nil && info.IsDir()
}

// shared is what all names begin with.
func shared(names []string) string {
	first := []rune(names[0])
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, string(first)) {
			first = first[:len(first)-1]
		}
	}
	return string(first)
}

// expandHome replaces a leading ~ as shells do.
func expandHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && rest[0] != '/' {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(home, rest)
}
