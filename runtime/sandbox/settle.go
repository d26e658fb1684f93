package sandbox

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"aquarium/runtime/network"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

func readState(dir string) (supervisor.State, error) {
	var st supervisor.State
	document, err := os.ReadFile(filepath.Join(dir, supervisor.StateFile))
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal(document, &st)
}

// lost is the exit status of a sandbox whose end nobody saw.
const lost = 137

// settle brings a sandbox whose keeper is gone to its end: the program went
// with the supervisor (PR_SET_PDEATHSIG), so it is recorded as stopped, or
// deleted where it was never ready or was to be removed. It looks again under
// the lock: another command may have been first.
func (s *Store) settle(id string) (supervisor.State, error) {
	unlock, err := s.lock()
	if err != nil {
		return supervisor.State{}, err
	}
	defer unlock()
	running, runErr := readState(s.run(id))
	if runErr == nil && running.Alive() {
		return running, nil
	}
	stopped, err := readState(s.bundle(id))
	if err == nil {
		return stopped, supervisor.RemoveTree(s.run(id)) // the supervisor was killed after the record
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return stopped, err
	}
	if runErr != nil {
		running, err = s.rebuild(id)
		if err != nil {
			return running, err
		}
	}
	neverRan := running.Status == supervisor.Creating || running.Status == supervisor.Created
	if neverRan || running.Remove {
		s.erase(running)
		return running, fs.ErrNotExist
	}
	if running.Status != supervisor.Stopped {
		code := lost
		running.Status, running.ExitCode, running.Finished = supervisor.Stopped, &code, time.Now().UTC()
		running.Reason = "its supervisor is gone: killed, or the machine was restarted"
		running.PID, running.PIDStart, running.Keeper, running.KeepStart = 0, 0, 0, 0
	}
	if running.Save(s.bundle(id)) != nil {
		return running, nil // no space left: it stays to be done
	}
	return running, errors.Join(network.Release(s.leases(), id), supervisor.RemoveTree(s.run(id)))
}

// rebuild makes a state from the configuration alone, for a sandbox that ran
// when the machine went down and took the running state with it.
func (s *Store) rebuild(id string) (supervisor.State, error) {
	config, err := readConfig(s.bundle(id))
	if err != nil {
		s.erase(supervisor.State{ID: id, Bundle: s.bundle(id)})
		return supervisor.State{}, fs.ErrNotExist
	}
	info, err := os.Stat(s.bundle(id))
	if err != nil {
		return supervisor.State{}, err
	}
	st := stateOf(id, s.bundle(id), config)
	st.Created, st.Status = info.ModTime().UTC(), supervisor.Running
	return st, nil
}

// erase deletes everything of a sandbox. The name goes last: until then
// nobody can take it.
func (p Places) erase(st supervisor.State) error {
	err := errors.Join(network.Release(p.leases(), st.ID), supervisor.RemoveTree(p.run(st.ID)), supervisor.RemoveTree(p.bundle(st.ID)))
	if spec.CheckName(st.Name) == nil {
		if id, readErr := os.Readlink(p.name(st.Name)); readErr == nil && id == st.ID {
			err = errors.Join(err, os.Remove(p.name(st.Name)))
		}
	}
	return err
}
