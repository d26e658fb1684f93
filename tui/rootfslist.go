package tui

import (
	"fmt"

	"aquarium/rootfs"
)

// rootfsList is the list of root filesystems, above on the left.
type rootfsList struct {
	list
	items []rootfs.Rootfs
}

func (l *rootfsList) set(items []rootfs.Rootfs) {
	l.items = items
	entries := make([]entry, len(items))
	for i, r := range items {
		entries[i] = entry{key: r.Name, text: r.Name}
	}
	l.list.set(entries)
}

func (l *rootfsList) selected() (rootfs.Rootfs, bool) {
	i := l.index()
	if i < 0 || i >= len(l.items) {
		return rootfs.Rootfs{}, false
	}
	return l.items[i], true
}

func (l *rootfsList) title() string { return countTitle("Root filesystems", &l.list) }

func (l *rootfsList) rows(t theme, w int, focused bool) []string {
	return l.list.rows(t, w, focused, func(i int) string { return drawRootfs(t, l.items[i], w-1) })
}

// drawRootfs shows the name; where no sandbox could start, a mark and why.
func drawRootfs(t theme, r rootfs.Rootfs, w int) string {
	name := visible(r.Name)
	if r.Problem != "" {
		return paint(t.warn, t.problem+" "+t.tail(name, max(8, w/2))) + paint(t.muted, " "+visible(r.Problem))
	}
	return "  " + t.tail(name, w-2)
}

// tail shortens a path at its front: its end tells more.
func (t theme) tail(s string, w int) string {
	if width(s) <= w {
		return s
	}
	for i := range s {
		if width(s[i:]) < w {
			return t.ellipsis + s[i:]
		}
	}
	return t.ellipsis
}

// countTitle is a list's title: how many entries, and the filter if there is one.
func countTitle(what string, l *list) string {
	if l.filter != "" {
		return fmt.Sprintf("%s (%d/%d) /%s", what, len(l.shown), len(l.all), visible(l.filter))
	}
	return fmt.Sprintf("%s (%d)", what, len(l.all))
}
