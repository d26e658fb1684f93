package tui

import (
	"strconv"
	"strings"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
)

// sandboxList is the list of sandboxes, below on the left.
type sandboxList struct {
	list
	items []sandbox.Sandbox
	usage map[string]usage // by id
}

func (l *sandboxList) set(items []sandbox.Sandbox) {
	l.items = items
	entries := make([]entry, len(items))
	for i, sb := range items {
		text := strings.Join([]string{sb.Name, string(sb.Status), sb.Rootfs, notIsolation(sb.Weaker)}, " ")
		entries[i] = entry{key: sb.ID, text: text}
	}
	l.list.set(entries)
}

func (l *sandboxList) selected() (sandbox.Sandbox, bool) {
	i := l.index()
	if i < 0 || i >= len(l.items) {
		return sandbox.Sandbox{}, false
	}
	return l.items[i], true
}

func (l *sandboxList) find(id string) (sandbox.Sandbox, bool) {
	for _, sb := range l.items {
		if sb.ID == id {
			return sb, true
		}
	}
	return sandbox.Sandbox{}, false
}

// inView returns the running sandboxes whose rows are in view.
func (l *sandboxList) inView() []sandbox.Sandbox {
	var out []sandbox.Sandbox
	for row := l.offset; row < len(l.shown) && row < l.offset+l.height; row++ {
		if sb := l.items[l.shown[row]]; sb.PID > 0 {
			out = append(out, sb)
		}
	}
	return out
}

func (l *sandboxList) title() string { return countTitle("Sandboxes", &l.list) }

func (l *sandboxList) rows(t theme, w int, focused bool) []string {
	return l.list.rows(t, w, focused, func(i int) string {
		sb := l.items[i]
		return drawSandbox(t, sb, l.usage[sb.ID], w-1)
	})
}

// Columns of a running sandbox's row.
const (
	pidColumn    = 7
	cpuColumn    = 5
	memoryColumn = 5
)

// drawSandbox shows status, whether it is weaker than the default, name, pid, cpu and memory; of a stopped one, how
// it ended.
func drawSandbox(t theme, sb sandbox.Sandbox, u usage, w int) string {
	mark := statusMark(t, sb.Status) + weakerMark(t, sb.Weaker)
	if sb.Status == supervisor.Stopped {
		end := t.cut(outcome(sb.State), w/2)
		return mark + t.fit(visible(sb.Name), w-2-width(end)-1) + " " + paint(t.muted, end)
	}
	columns := ""
	if sb.PID > 0 {
		columns = t.right(strconv.Itoa(sb.PID), pidColumn)
		if w >= 2+8+pidColumn+cpuColumn+memoryColumn {
			columns += t.right(u.percent(), cpuColumn) + t.right(u.size(), memoryColumn)
		}
	} else {
		columns = " " + string(sb.Status)
	}
	return mark + t.fit(visible(sb.Name), w-2-width(columns)) + columns
}

func statusMark(t theme, status supervisor.Status) string {
	switch status {
	case supervisor.Running:
		return paint(t.good, t.running)
	case supervisor.Stopped:
		return paint(t.muted, t.stopped)
	case supervisor.Paused:
		return paint(t.warn, t.paused)
	}
	return paint(t.warn, t.waiting)
}

// outcome says in a few words how a sandbox ended.
func outcome(st supervisor.State) string {
	switch {
	case strings.HasPrefix(st.Reason, "out of memory"):
		return "out of memory"
	case st.Signal > 0:
		return signalName(st.Signal)
	case st.ExitCode != nil:
		return "exit " + strconv.Itoa(*st.ExitCode)
	}
	return "stopped"
}

// add puts in a sandbox that the next listing will have.
func (l *sandboxList) add(sb sandbox.Sandbox) {
	if _, known := l.find(sb.ID); !known {
		l.set(append(l.items[:len(l.items):len(l.items)], sb))
	}
}
