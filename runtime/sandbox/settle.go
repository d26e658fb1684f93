package sandbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aquarium/runtime/supervisor"
)

// readState reads the state in a sandbox's directory. Everything of a sandbox is
// found, and removed, by its id: a state with another one is none.
func readState(dir string) (supervisor.State, error) {
	var st supervisor.State
	document, err := os.ReadFile(filepath.Join(dir, supervisor.StateFile))
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(document, &st); err != nil {
		return st, &brokenState{dir, err}
	}
	if st.ID != filepath.Base(dir) {
		return supervisor.State{}, &brokenState{dir, errors.New("it is not this sandbox's")}
	}
	return st, nil
}

// brokenState is a state document that is none: not of our writing, which is
// whole or not there.
type brokenState struct {
	dir string
	err error
}

func (e *brokenState) Error() string { return "read state in " + e.dir + ": " + e.err.Error() }

func broken(err error) bool { return errors.As(err, new(*brokenState)) }

// readRunning reads a sandbox's running state. Where somebody has damaged that
// of one that is kept, its supervisor writes it anew; of a supervisor that does
// not answer the configuration has to tell.
func (s *Store) readRunning(id string) (supervisor.State, error) {
	st, err := readState(s.run(id))
	if !broken(err) && !errors.Is(err, fs.ErrNotExist) {
		return st, err
	}
	conn, gone := supervisor.Dial(s.run(id))
	if gone != nil {
		return st, err // nobody keeps it
	}
	defer conn.Close()
	gone = conn.Save(changePatience)
	if gone == nil {
		st, err = readState(s.run(id))
		if err == nil && s.Notice != nil {
			s.Notice("the state of " + cmp.Or(st.Name, id) + " was damaged, and has been written anew")
		}
		return st, err
	}
	if _, running := readState(s.bundle(id)); running == nil || errors.Is(gone, supervisor.ErrGone) {
		return st, err // it has just stopped
	}
	if st, unknown := s.describe(id); unknown == nil {
		return st, nil
	}
	return st, &Error{"ask the supervisor of " + id, errors.New("no answer, and its state is damaged"), ""}
}

// lost is the exit status of a sandbox whose end nobody saw.
const lost = 137

// Sweep settles everything that crashes have left, of all sandboxes and root
// filesystems, and tells Notice what it did, and what it could not do.
func (s *Store) Sweep() {
	if n := s.Catalogue.Sweep(); n > 0 && s.Notice != nil {
		s.Notice(fmt.Sprintf("cleaned up after killed commands: %d root filesystems or layers, half made or half removed", n))
	}
	ids, err := s.ids()
	if err != nil {
		return // whatever comes next wants to read them too, and says why it cannot
	}
	for _, id := range ids {
		if s.unsettled(id) {
			s.settle(id)
		}
	}
}

// unsettled tells whether nobody keeps a sandbox, and it is not just a stopped
// one.
func (s *Store) unsettled(id string) bool {
	running, err := readState(s.run(id))
	if err == nil {
		return !running.Alive(s.run(id))
	}
	_, noRun := os.Lstat(s.run(id))
	_, noRecord := os.Lstat(filepath.Join(s.bundle(id), supervisor.StateFile))
	return noRun == nil || noRecord != nil
}

// settle brings a sandbox whose keeper is gone to its end: the program went
// with the supervisor (PR_SET_PDEATHSIG), or is killed now, so it is recorded
// as stopped, or deleted where it was never ready or was to be removed. What its ledger lists
// is undone. It looks again under the lock: another command may have been
// first.
func (s *Store) settle(id string) (supervisor.State, error) {
	unlock, err := s.lock()
	if err != nil {
		return supervisor.State{}, err
	}
	defer unlock()
	running, runErr := s.readRunning(id)
	if runErr == nil && running.Alive(s.run(id)) {
		return running, nil
	}
	if runErr != nil && !errors.Is(runErr, fs.ErrNotExist) && !broken(runErr) {
		return running, runErr // out of descriptors, say: no proof of anything
	}
	running.KillLost()
	if runErr == nil && running.Remove {
		return running, errors.Join(fs.ErrNotExist, s.eraseLost(running))
	}
	stopped, err := readState(s.bundle(id))
	if err == nil {
		return stopped, s.release(stopped) // the supervisor was killed after the record
	}
	if !errors.Is(err, fs.ErrNotExist) && !broken(err) {
		return stopped, err
	}
	if runErr != nil {
		running, err = s.rebuild(id)
		if err != nil {
			return running, err
		}
	}
	if running.Remove || running.Status == supervisor.Creating || running.Status == supervisor.Created {
		return running, errors.Join(fs.ErrNotExist, s.eraseLost(running))
	}
	return s.record(running)
}

// record writes down the end of a sandbox that nobody saw, or that its
// supervisor had no space left to write down.
func (s *Store) record(st supervisor.State) (supervisor.State, error) {
	var said []string
	if st.Status != supervisor.Stopped {
		code := lost
		st.Status, st.ExitCode, st.Finished = supervisor.Stopped, &code, time.Now().UTC()
		st.Reason = "its supervisor is gone: killed, or the machine was restarted"
		st.PID, st.PIDStart, st.Keeper, st.KeepStart = 0, 0, 0, 0
		said = []string{"recorded that it has stopped"}
		if slices.Contains(st.Shared, "pid") && len(st.Groups) == 0 {
			said = append(said, "what it started among the host's processes may run on")
		}
	}
	if st.Save(s.bundle(st.ID)) != nil {
		return st, nil // no space left: it stays to be done
	}
	return st, s.release(st, said...)
}

// release undoes what a stopped sandbox no longer needs.
func (s *Store) release(st supervisor.State, said ...string) error {
	did, err := s.belongings(st).Release()
	s.notify(st, append(said, did...), err)
	return nil // it is a stopped sandbox, whatever is left of the running one
}

func (s *Store) eraseLost(st supervisor.State) error {
	did, err := s.belongings(st).Erase(st.Name)
	s.notify(st, did, err)
	return err
}

// notify words what was cleaned up, and what could not be, as one line each.
func (s *Store) notify(st supervisor.State, did []string, err error) {
	if s.Notice == nil {
		return
	}
	name := cmp.Or(st.Name, st.ID)
	if len(did) > 0 {
		s.Notice("cleaned up after " + name + ": " + strings.Join(slices.Compact(did), ", "))
	}
	if err != nil {
		s.Notice("cannot clean up after " + name + ", and the next command tries again: " + err.Error())
	}
}

// rebuild makes a state from the configuration alone, for a sandbox that ran
// when the machine went down and took the running state with it.
func (s *Store) rebuild(id string) (supervisor.State, error) {
	st, err := s.describe(id)
	if err != nil {
		return st, errors.Join(fs.ErrNotExist, s.eraseLost(supervisor.State{ID: id}))
	}
	return st, nil
}

// describe is a running sandbox's state as far as its configuration tells; no
// process of the sandbox's is in it.
func (p Places) describe(id string) (supervisor.State, error) {
	config, err := readConfig(p.bundle(id))
	if err != nil {
		return supervisor.State{}, err
	}
	info, err := os.Stat(p.bundle(id))
	if err != nil {
		return supervisor.State{}, err
	}
	st := stateOf(id, p.bundle(id), config)
	st.Created, st.Status = info.ModTime().UTC(), supervisor.Running
	return st, nil
}

// belongings is what a sandbox has outside its own namespaces.
func (p Places) belongings(st supervisor.State) supervisor.Belongings {
	return supervisor.Belongings{ID: st.ID, IDs: st.IDs, Groups: st.Groups, Run: p.run(st.ID), Bundle: p.bundle(st.ID), Names: p.names(), Leases: p.leases()}
}

// condemn writes down that a sandbox is being removed, by this process: what a
// kill leaves of it, the next command removes. Where there is no space for
// that, it is removed nevertheless, to make some.
func (p Places) condemn(st supervisor.State) {
	made := p.makeRun(st.ID)
	st.Remove = true
	st.KeepSelf()
	if st.Save(p.run(st.ID)) != nil && made {
		os.RemoveAll(p.run(st.ID))
	}
}

// makeRun makes the running directory of a stopped sandbox, and tells false
// where there is one, with the ledger of what could not be undone. One without
// a state is going: its supervisor is deleting it, and would delete what is
// written there.
func (p Places) makeRun(id string) (made bool) {
	for deadline := time.Now().Add(changePatience); ; time.Sleep(changePause) {
		err := os.Mkdir(p.run(id), 0o700)
		if !errors.Is(err, fs.ErrExist) || time.Now().After(deadline) {
			return err == nil
		}
		if _, err := readState(p.run(id)); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
}

// erase deletes everything of a sandbox.
func (p Places) erase(st supervisor.State) error {
	_, err := p.belongings(st).Erase(st.Name)
	return err
}
