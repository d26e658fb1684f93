package inspect

import (
	"context"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"aquarium/runtime/kernel"
)

// overlay is what an overlay is made of, uppermost first; see the kernel's
// filesystems/overlayfs.
type overlay struct {
	layers []layer
	path   string // of the directory that is listed, below the mount
}

type layer struct {
	name      string // "upper", "lower", "lower 2", …
	directory string // as the host sees it
}

// layers finds the overlay that path lies on; nil where it lies on none.
// Only one that the host's paths describe can be looked into.
func (t *Target) layers(name string) *overlay {
	table, err := t.mountTable(context.Background())
	if err != nil {
		return nil
	}
	name = path.Clean("/" + name)
	var covers *Mount
	for i := range table.List { // later ones lie on top
		m := &table.List[i]
		if covering(m.Target, name) && (covers == nil || len(m.Target) >= len(covers.Target)) {
			covers = m
		}
	}
	if covers == nil || covers.Type != "overlay" {
		return nil
	}
	below := strings.TrimPrefix(name, strings.TrimSuffix(covers.Target, "/"))
	return &overlay{parseOverlay(covers.Super), path.Join("/", covers.Root, below)}
}

// covering tells whether a path is, or is below, a mount point.
func covering(target, name string) bool {
	target = strings.TrimSuffix(target, "/")
	return name == target || strings.HasPrefix(name, target+"/")
}

// parseOverlay reads the layers out of an overlay's options: upperdir, and
// lowerdir with colons between, or lowerdir+ once for each. A backslash
// stands before colons and commas that belong to a name.
func parseOverlay(options string) []layer {
	var upper, lower []layer
	addLower := func(directory string) {
		name := "lower"
		if len(lower) > 0 {
			name += " " + strconv.Itoa(len(lower)+1)
		}
		lower = append(lower, layer{name, directory})
	}
	for _, option := range splitEscaped(options, ',') {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "upperdir":
			upper = []layer{{"upper", unescape(value)}}
		case "lowerdir":
			for _, directory := range splitEscaped(value, ':') {
				if directory != "" { // "::" sets data layers apart
					addLower(unescape(directory))
				}
			}
		case "lowerdir+", "datadir+":
			addLower(unescape(value))
		}
	}
	return append(upper, lower...)
}

// splitEscaped splits at separators that have no backslash before them; what
// is behind a backslash stays as it is.
func splitEscaped(text string, separator byte) []string {
	var parts []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case separator:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// mark says where each entry comes from: the uppermost layer that has it.
func (o *overlay) mark(dir *Directory) {
	if o == nil {
		return
	}
	for _, l := range o.layers {
		fd := l.open(o.path)
		if fd < 0 {
			continue
		}
		for i := range dir.Entries {
			if e := &dir.Entries[i]; e.Layer == "" && !e.Mount && has(fd, e.Name) {
				e.Layer = l.name
			}
		}
		if l.name == "upper" {
			dir.Removed = whiteouts(fd)
		}
		unix.Close(fd)
	}
}

// open opens a directory of the layer, -1 where it is not there. Layers are
// the host's files, but what is in them is not: no link leads out.
func (l layer) open(name string) int {
	root, err := unix.Open(l.directory, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	defer unix.Close(root)
	fd, err := openBelow(root, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, kernel.NoLinks)
	if err != nil {
		return -1
	}
	return fd
}

func has(dir int, name string) bool {
	var st unix.Stat_t
	return unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && !isWhiteout(&st)
}

// isWhiteout tells how an overlay writes down that a name is removed: a
// character device 0:0.
func isWhiteout(st *unix.Stat_t) bool { return st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0 }

// whiteouts lists the names that a directory of an upper layer removes.
func whiteouts(dir int) []string {
	fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	file := os.NewFile(uintptr(fd), "upper layer")
	defer file.Close()
	names, _ := file.Readdirnames(mostEntries)
	var removed []string
	for _, name := range names {
		var st unix.Stat_t
		if unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && isWhiteout(&st) {
			removed = append(removed, name)
		}
	}
	slices.Sort(removed)
	return removed
}
