package tui

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"aquarium/rootfs"
)

// task is something to be done with a root filesystem that may take a while.
type task struct {
	verb   string // in the words of the command line: "pull"
	object string // what it is about: a name of the catalogue
	makes  bool   // it makes a root filesystem of that name
	run    func(ctx context.Context, report func(rootfs.Progress)) (said string, err error)
}

func (t task) String() string { return t.verb + " " + visible(t.object) }

// job is a task under way, or one that has failed. It goes on whatever is on
// the screen.
type job struct {
	task
	key      string // of its row
	others   *jobs
	form     *form // where it was described; it comes back when the job fails
	pace     rootfs.Pace
	began    time.Time
	stop     context.CancelFunc
	canceled bool
	err      error         // why it has failed
	ended    chan struct{} // closed when all is cleared away
}

func (j *job) running() bool { return j.err == nil }

// cancel stops the work and has it cleared away.
func (j *job) cancel() {
	j.canceled = true
	j.stop()
}

// jobs are those under way and those that have failed, the oldest first.
type jobs struct {
	list    []*job
	count   int // of all there ever were
	litter  *litter
	ticking bool
	leaving bool // quit when the last has ended
}

// jobTick is how often the progress is drawn.
const jobTick = 200 * time.Millisecond

// active are the jobs under way.
func (js *jobs) active() []*job {
	return slices.DeleteFunc(slices.Clone(js.list), func(j *job) bool { return !j.running() })
}

// making finds the job that makes a root filesystem of that name.
func (js *jobs) making(name string) *job {
	for _, j := range js.active() {
		if j.makes && j.object == name {
			return j
		}
	}
	return nil
}

func (js *jobs) remove(j *job) {
	js.list = slices.DeleteFunc(slices.Clone(js.list), func(other *job) bool { return other == j })
}

// close cancels what is under way, and waits a while for it to be cleared
// away. What is left then, the next command clears.
func (js *jobs) close() {
	late := time.After(closePatience)
	for _, j := range js.active() {
		j.cancel()
	}
	for _, j := range js.active() {
		select {
		case <-j.ended:
		case <-late:
			return
		}
	}
}

// closePatience is longer than a program that is killed may hold its output.
const closePatience = 12 * time.Second

// litter is what canceled jobs leave: layers that were finished. They are in
// nobody's way, but whoever cancels wants nothing left.
type litter struct {
	catalogue *rootfs.Catalogue
	mu        sync.Mutex
	active    int
	digests   []string
}

func (l *litter) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active++
}

// end notes the layers of a job that was canceled. The last job that ends
// clears them away: until then another may need them.
func (l *litter) end(abandoned []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active--
	l.digests = append(l.digests, abandoned...)
	if l.active == 0 && len(l.digests) > 0 {
		if l.catalogue.RemoveUnneeded(l.digests) == nil {
			l.digests = nil
		}
	}
}

// startJob begins what a form describes.
func (m *root) startJob(f *form, t task) tea.Cmd {
	ctx, stop := context.WithCancel(context.Background())
	m.jobs.count++
	j := &job{task: t, key: "job " + strconv.Itoa(m.jobs.count), others: &m.jobs, form: f, began: time.Now(), stop: stop, ended: make(chan struct{})}
	f.job, f.err = j, nil
	m.jobs.list = append(m.jobs.list, j)
	m.jobs.litter.begin()
	m.jobsChanged()
	m.trees.seek(j.key)
	litter := m.jobs.litter
	run := func() tea.Msg {
		defer stop()
		said, err := t.run(ctx, func(p rootfs.Progress) { j.pace.Take(p) })
		if ctx.Err() != nil && err != nil {
			err = context.Canceled // whatever came of it
		}
		litter.end(abandoned(j, err))
		close(j.ended)
		trees, listErr := litter.catalogue.List() // what is made is there before it is said
		return errand(func(m *root) tea.Cmd {
			if listErr == nil {
				m.takeTrees(treesListed{list: trees})
			}
			return m.endJob(j, said, err)
		})
	}
	return tea.Batch(run, m.tickJobs())
}

// abandoned are the layers that a canceled job may have finished.
func abandoned(j *job, err error) []string {
	if !errors.Is(err, context.Canceled) {
		return nil
	}
	var digests []string
	for _, item := range j.pace.Items() {
		digests = append(digests, item.Item)
	}
	return digests
}

// tickJobs draws the progress again and again, as long as there is any.
func (m *root) tickJobs() tea.Cmd {
	if m.jobs.ticking || len(m.jobs.active()) == 0 {
		return nil
	}
	m.jobs.ticking = true
	return tea.Tick(jobTick, func(time.Time) tea.Msg {
		return errand(func(m *root) tea.Cmd {
			m.jobs.ticking = false
			return m.tickJobs()
		})
	})
}

// endJob takes the end of a job.
func (m *root) endJob(j *job, said string, err error) tea.Cmd {
	var cmd tea.Cmd
	switch open := slices.Contains(m.dialogs, dialog(j.form)); {
	case err == nil:
		cmd = m.jobDone(j, said, open)
	case errors.Is(err, context.Canceled):
		m.jobs.remove(j)
		j.form.job, j.form.note = nil, capital(j.String())+": canceled, and nothing of it is left"
		if !open {
			m.notice = j.form.note
		}
	default:
		m.jobFailed(j, err, open)
	}
	m.jobsChanged()
	if m.jobs.leaving && len(m.jobs.active()) == 0 {
		return m.leave()
	}
	return cmd
}

// jobDone says what has come of it, and selects what was made for who has
// waited for it.
func (m *root) jobDone(j *job, said string, open bool) tea.Cmd {
	chosen := m.trees.isSelected(j.key)
	m.jobs.remove(j)
	m.dropDialog(j.form)
	m.notice = said
	if !j.makes || !open && !chosen {
		return nil
	}
	m.trees.seek(j.object)
	if !open {
		return nil
	}
	m.notice += ": Enter launches it, c checks it"
	return m.focusOn(panelRootfs)
}

// jobFailed shows why where it was described, or keeps the row until somebody
// looks.
func (m *root) jobFailed(j *job, err error, open bool) {
	j.err = err
	j.form.job = nil
	j.form.refuse(err)
	if m.jobs.leaving { // whoever has waited for it wants to know
		m.jobs.leaving = false
		m.dialogs = []dialog{j.form}
		open = true
	}
	if open {
		m.jobs.remove(j)
		return
	}
	m.notice = capital(j.String()) + " failed: Enter on its row says why"
}

func (m *root) dropDialog(d dialog) {
	m.dialogs = slices.DeleteFunc(slices.Clone(m.dialogs), func(other dialog) bool { return other == d })
}

// jobsChanged shows the rows of the jobs there are.
func (m *root) jobsChanged() {
	m.trees.setJobs(m.jobs.list)
	m.arrange()
}

// capital makes a sentence of words.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
