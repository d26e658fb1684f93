package tui

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"
)

// onJob tells whether a job's row is selected.
func onJob(m *root) bool { return m.focus == panelRootfs && m.trees.selectedJob() != nil }

func hasJobs(m *root) bool { return len(m.jobs.list) > 0 }

// openJob shows the selected job: how far it is, or why it failed.
func (m *root) openJob() tea.Cmd {
	m.showJob(m.trees.selectedJob())
	return nil
}

// showJob opens a job's form. Of one that has failed there is nothing left but
// what was filled in.
func (m *root) showJob(j *job) {
	if !j.running() {
		m.jobs.remove(j)
		m.jobsChanged()
	}
	m.dropDialog(j.form)
	m.open(j.form)
}

// openJobs shows the job that has failed first, or else the oldest.
func (m *root) openJobs() tea.Cmd {
	list := m.jobs.list
	if i := slices.IndexFunc(list, func(j *job) bool { return !j.running() }); i >= 0 {
		list = list[i:]
	}
	m.showJob(list[0])
	return nil
}

// showNextJob goes from the job in front to the next.
func (m *root) showNextJob() tea.Cmd {
	front, ok := m.dialogs[len(m.dialogs)-1].(*form)
	if !ok {
		return nil
	}
	active := m.jobs.active()
	i := slices.Index(active, front.job)
	if len(active) > 1 {
		m.closeDialog()
		m.showJob(active[(i+1)%len(active)])
	}
	return nil
}

// cancelJob cancels the selected job, or forgets that it has failed.
func (m *root) cancelJob() tea.Cmd {
	j := m.trees.selectedJob()
	if j.running() {
		j.cancel()
		return nil
	}
	m.jobs.remove(j)
	m.jobsChanged()
	return nil
}

// quit leaves, unless jobs are under way: what becomes of them is asked first.
func (m *root) quit() tea.Cmd {
	if len(m.jobs.active()) > 0 {
		m.open(&quitDialog{theme: m.theme, jobs: &m.jobs})
		return nil
	}
	return m.leave()
}

// leave ends the program. The last picture stays out of the terminal's own
// screen.
func (m *root) leave() tea.Cmd {
	if m.keyboard.attached() {
		m.keyboard.detach()
	}
	return tea.Quit
}

// quitDialog asks what becomes of the jobs, and shows what still keeps the
// program from ending.
type quitDialog struct {
	theme theme
	jobs  *jobs
}

func (d *quitDialog) title() string { return "Quit?" }

func (d *quitDialog) press(key tea.KeyPressMsg) decision {
	switch key.String() {
	case "c", "ctrl+c":
		return errand(func(m *root) tea.Cmd {
			if d.canceled() {
				return m.leave() // asked twice: the next command clears the rest
			}
			for _, j := range m.jobs.active() {
				j.cancel()
			}
			return d.await(m)
		})
	case "w", "enter":
		return errand(d.await)
	case "esc", "n":
		d.jobs.leaving = false
		return dismissed{}
	}
	return nil
}

func (d *quitDialog) await(m *root) tea.Cmd {
	if len(m.jobs.active()) == 0 {
		return m.leave()
	}
	m.jobs.leaving = true
	return nil
}

// canceled tells whether all are being cleared away.
func (d *quitDialog) canceled() bool {
	return d.jobs.leaving && !slices.ContainsFunc(d.jobs.active(), func(j *job) bool { return !j.canceled })
}

func (d *quitDialog) view(w, h int) dialogView {
	t, active := d.theme, d.jobs.active()
	v := dialogView{keys: []hint{{"c", "cancel and quit"}, {"w", "wait, then quit"}, {"Esc", "stay"}}}
	question := fmt.Sprintf("%d under way. They end with Aquarium; what is canceled leaves nothing.", len(active))
	switch {
	case len(active) == 0:
		question = "All is done."
		v.keys = []hint{{"Enter", "quit"}, {"Esc", "stay"}}
	case d.canceled():
		question = "Canceling, and clearing away" + t.ellipsis
		v.keys = []hint{{"c", "quit at once"}, {"Esc", "stay"}}
	case d.jobs.leaving:
		question = "Quits when this is done. Sandboxes run on."
		v.keys = []hint{{"c", "cancel and quit"}, {"Esc", "stay"}}
	case len(active) == 1:
		question = "One is under way. It ends with Aquarium; canceled, it leaves nothing."
	}
	v.rows = append(wrap(question, w), "")
	for i, j := range active {
		if len(v.rows) >= h-1 && i < len(active)-1 {
			v.rows = append(v.rows, fmt.Sprintf("  and %d more", len(active)-i))
			break
		}
		v.rows = append(v.rows, t.fit(t.waiting+" "+j.headline(w), w))
	}
	return v
}
