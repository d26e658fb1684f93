package tui

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/observe"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
)

// twinsRun is a pair of twins that is launched, looked at and removed. Its
// owner does not leave without it; where it is killed, their supervisors remove
// them.
type twinsRun struct {
	leaving atomic.Bool
	done    chan struct{} // closed when neither is left
}

// end launches no more, and waits until the one that there is has been removed:
// a fraction of a second, if the kernel answers at all.
func (r *twinsRun) end() {
	if r == nil {
		return
	}
	r.leaving.Store(true)
	select {
	case <-r.done:
	case <-time.After(requestTimeout):
	}
}

// twinSelected launches the selected root filesystem twice, and compares.
func (m *root) twinSelected() tea.Cmd {
	r, ok := m.trees.selected()
	if !ok || r.Problem != "" {
		return m.launchSelected() // which says what the problem is
	}
	if m.twins != nil {
		m.notice = "Twins are being looked at already" + m.theme.ellipsis
		return nil
	}
	m.notice = "Launching " + visible(r.Name) + " twice" + m.theme.ellipsis
	store, o := m.store, m.sized(spec.Options{Rootfs: r.Name, TTY: true, Interactive: true, Remove: true, Tied: true})
	run := &twinsRun{done: make(chan struct{})}
	m.twins = run
	return func() tea.Msg {
		pair := run.look(store, o)
		return errand(func(m *root) tea.Cmd {
			m.notice, m.twins = "", nil
			if err := errors.Join(pair[0].err, pair[1].err); err != nil {
				m.fail(err)
				return nil
			}
			return m.openScreen(&twinsScreen{theme: m.theme, name: r.Name, pair: pair})
		})
	}
}

// look looks at one after the other.
func (r *twinsRun) look(store *sandbox.Store, o spec.Options) (pair [2]twin) {
	defer close(r.done)
	for i, how := range []spec.RootSwitch{spec.Chroot, spec.PivotRoot} {
		if r.leaving.Load() {
			break // nobody will see them
		}
		o.RootSwitch = how
		pair[i] = lookAtTwin(store, o)
	}
	return pair
}

// lookAtTwin launches a sandbox, looks at its root from all sides, and removes
// it again.
func lookAtTwin(store *sandbox.Store, o spec.Options) (t twin) {
	t.how = o.RootSwitch
	sb, conn, err := store.Launch(o)
	if err != nil {
		t.err = err
		return t
	}
	defer conn.Close()
	defer func() { t.err = errors.Join(t.err, removeTwin(sb)) }()
	if t.err = sb.WaitStarted(conn); t.err != nil {
		return t
	}
	now, err := store.Find(sb.ID)
	if err == nil {
		t.link, err = os.Readlink("/proc/" + strconv.Itoa(now.PID) + "/root")
	}
	if err != nil {
		t.err = &sandbox.Error{What: "look at " + sb.Name, Err: err}
		return t
	}
	mounts, _ := observe.Mounts(now.PID)
	for _, m := range mounts {
		t.mounts = append(t.mounts, m.Point)
	}
	t.err = t.look(now.PID)
	return t
}

// removeTwin kills and removes a sandbox; one that has ended is gone already.
func removeTwin(sb sandbox.Sandbox) error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	err := sb.Remove(ctx, true)
	if _, gone := os.Stat(sb.Bundle); errors.Is(gone, os.ErrNotExist) {
		return nil
	}
	return err
}
