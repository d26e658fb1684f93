package tui

import (
	"fmt"
	"slices"

	"aquarium/rootfs"
)

// rootfsList is the list of root filesystems, above on the left, and of the
// jobs that make or take them out.
type rootfsList struct {
	list
	items []rootfs.Rootfs
	jobs  []*job
}

func (l *rootfsList) set(items []rootfs.Rootfs) {
	l.items = items
	l.renew()
}

// setJobs replaces the jobs. Where the selected one is gone, what it was about is selected.
func (l *rootfsList) setJobs(jobs []*job) {
	was := l.selectedJob()
	l.jobs = jobs
	l.renew()
	if was != nil && !slices.Contains(jobs, was) {
		l.choose(was.object)
	}
}

func (l *rootfsList) renew() {
	var entries []entry
	for _, r := range l.items {
		entries = append(entries, entry{key: r.Name, text: r.Name})
	}
	for _, j := range l.jobs {
		entries = append(entries, entry{key: j.key, text: j.String()})
	}
	l.list.set(entries)
}

// seek selects what has just been made, whatever the filter is.
func (l *rootfsList) seek(key string) {
	l.setFilter("")
	l.choose(key)
}

func (l *rootfsList) isSelected(key string) bool {
	now, ok := l.key()
	return ok && now == key
}

func (l *rootfsList) selected() (rootfs.Rootfs, bool) {
	i := l.index()
	if i < 0 || i >= len(l.items) {
		return rootfs.Rootfs{}, false
	}
	return l.items[i], true
}

// selectedJob is the job whose row is selected; nil where none is.
func (l *rootfsList) selectedJob() *job {
	if i := l.index() - len(l.items); i >= 0 {
		return l.jobs[i]
	}
	return nil
}

func (l *rootfsList) title() string {
	if l.filter != "" {
		return countTitle("Root filesystems", &l.list)
	}
	return fmt.Sprintf("Root filesystems (%d)", len(l.items))
}

func (l *rootfsList) rows(t theme, w int, focused bool) []string {
	return l.list.rows(t, w, focused, func(i int) string {
		if n := len(l.items); i >= n {
			return drawJob(t, l.jobs[i-n], w-1)
		}
		return drawRootfs(t, l.items[i], w-1)
	})
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
