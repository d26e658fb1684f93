package tui

import (
	"fmt"
	"slices"
	"strings"

	"aquarium/rootfs"
)

// view shows how far a job is: all together, then each item on a line.
func (j *job) view(t theme, w, h int) dialogView {
	v := dialogView{keys: []hint{{"Esc", "leave it running"}, {"c", "cancel"}}}
	if len(j.others.active()) > 1 {
		v.keys = append(v.keys, hint{"Tab", "next job"})
	}
	if j.canceled {
		v.keys = v.keys[:1]
		v.rows = []string{t.fit(capital(j.String())+": canceling, and clearing away what there is"+t.ellipsis, w)}
		return v
	}
	v.rows = append(v.rows, t.fit(j.headline(w), w))
	items := j.pace.Items()
	if word := j.pace.Word(); word != "" {
		v.rows = append(v.rows, t.fit("  "+visible(word), w))
	}
	if sum, _ := j.pace.Sum(); sum.Total > 0 {
		v.rows = append(v.rows, t.bar(sum.Percent(), w))
	}
	v.rows = append(v.rows, drawItems(t, items, w, h-len(v.rows))...)
	return v
}

// headline is the job as a whole, for w columns.
func (j *job) headline(w int) string {
	sum, finished := j.pace.Sum()
	line := capital(j.String())
	if n := len(j.pace.Items()); n > 1 {
		line += fmt.Sprintf(": %d of %d done", finished, n)
	}
	if sum.Total == 0 { // how long it will take nobody knows, but how long it has taken
		line += "  " + uptime(j.began)
	}
	for _, part := range []string{doneText(sum, w), sum.Speed(), sum.Remaining()} {
		if part != "" {
			line += "  " + part
		}
	}
	return line
}

// bar is a share of w columns.
func (t theme) bar(percent, w int) string {
	full, rest := "█", "░"
	if t.ascii {
		full, rest = "#", "."
	}
	n := min(w, w*percent/100)
	return paint(t.good, strings.Repeat(full, n)) + paint(t.muted, strings.Repeat(rest, w-n))
}

// drawItems draws at most h lines. Where there are more, those that move are
// what one wants to see.
func drawItems(t theme, items []rootfs.Paced, w, h int) []string {
	if len(items) > h {
		moving := slices.DeleteFunc(slices.Clone(items), func(i rootfs.Paced) bool { return i.Finished() || i.Done == 0 })
		hidden := len(items) - min(len(moving), h-1)
		items = moving[:min(len(moving), h-1)]
		rows := drawItems(t, items, w, h)
		return append(rows, paint(t.muted, fmt.Sprintf("  %d more are finished or wait", hidden)))
	}
	var rows []string
	for _, item := range items {
		rows = append(rows, drawItem(t, item, w))
	}
	return rows
}

// Columns of an item.
const (
	itemColumn   = 20
	amountColumn = 29
	speedColumn  = 13
	narrowItem   = 16 // where there is no room for the others
	narrowAmount = 5
	wideJob      = 70 // columns in which all of them fit
)

// doneText is how much is done, in as many words as fit.
func doneText(p rootfs.Paced, w int) string {
	if w < wideJob && p.Total > 0 {
		return fmt.Sprintf("%d%%", p.Percent())
	}
	return p.Amount()
}

func drawItem(t theme, item rootfs.Paced, w int) string {
	name := item.Label()
	if name == "" {
		name = visible(item.Stage)
	}
	mark, end := "  ", item.Remaining()
	switch {
	case item.Finished():
		mark, end = paint(t.good, t.finished())+" ", "done"
	case item.Done == 0:
		end = "waits"
	}
	first, second := itemColumn, amountColumn
	if w < wideJob {
		first, second = narrowItem, narrowAmount
	}
	line := mark + t.fit(name, first-2) + t.fit(doneText(item, w), second)
	if item.Finished() {
		return t.fit(line+end, w)
	}
	return t.fit(line+t.fit(item.Speed(), speedColumn)+end, w)
}

// finished marks what is complete.
func (t theme) finished() string {
	if t.ascii {
		return "x"
	}
	return "✓"
}

// drawJob is a job's row among the root filesystems.
func drawJob(t theme, j *job, w int) string {
	name := visible(j.object)
	if !j.running() {
		const end = " failed"
		return paint(t.warn, t.problem+" "+t.fit(name, w-2-len(j.verb)-1-len(end))+" "+j.verb+end)
	}
	how := ""
	switch sum, _ := j.pace.Sum(); {
	case j.canceled:
		how = t.ellipsis
	case sum.Total > 0:
		how = fmt.Sprintf("%d%%", sum.Percent())
	case sum.Done > 0:
		how = bytesText(uint64(sum.Done))
	}
	end := " " + j.verb + t.right(how, 5)
	return paint(t.warn, t.waiting) + " " + t.fit(name, w-2-width(end)) + end
}

// jobsNote says below the lists that there are jobs: their rows may be out of
// view.
func (m *root) jobsNote() string {
	t, active := m.theme, m.jobs.active()
	if failed := len(m.jobs.list) - len(active); failed > 0 {
		return paint(t.warn, fmt.Sprintf(" J %s %d failed ", t.problem, failed))
	}
	if len(active) == 0 {
		return ""
	}
	sum := 0
	for _, j := range active {
		all, _ := j.pace.Sum()
		sum += all.Percent()
	}
	return " " + paint(t.key, "J") + fmt.Sprintf(" %d under way, %d%% ", len(active), sum/len(active))
}
