package cgroup

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"time"

	"aquarium/runtime/kernel"
)

// ErrNoFreezer: without control groups of its own, a sandbox cannot be paused.
var ErrNoFreezer = errors.New("it has no control group to freeze")

// Freeze stops every process of the sandbox where it is, and waits until all
// have stopped.
func (gs Groups) Freeze() error {
	g, ok := gs.Of(freezer)
	if !ok {
		return ErrNoFreezer
	}
	err := g.freeze()
	if err != nil {
		thaw(g.Directory()) // nothing half done
	}
	return err
}

func (g Group) freeze() error {
	deadline := time.Now().Add(patience)
	if g.Version == V2 {
		if err := set(g.Directory()+"/cgroup.freeze", "1"); err != nil {
			return err
		}
		if !await(g.Directory(), "frozen 1", deadline) {
			return errSlow
		}
		return nil
	}
	state := g.Directory() + "/freezer.state"
	for pause := time.Millisecond; time.Now().Before(deadline); pause = min(2*pause, 50*time.Millisecond) {
		// Writing it again looks again for processes that came meanwhile. The
		// kernel does not say when it is done.
		if err := set(state, "FROZEN"); err != nil {
			return err
		}
		if content, err := os.ReadFile(state); err != nil || strings.TrimSpace(string(content)) == "FROZEN" {
			return err
		}
		time.Sleep(pause)
	}
	return errSlow
}

var errSlow = errors.New("its processes do not stop")

// Thaw lets the processes of the sandbox run on.
func (gs Groups) Thaw() error {
	g, ok := gs.Of(freezer)
	if !ok {
		return ErrNoFreezer
	}
	return thaw(g.Directory())
}

// thaw thaws the group in a directory, of whatever version.
func thaw(directory string) error {
	err := kernel.Put(directory+"/cgroup.freeze", "0")
	if err == syscall.ENOENT {
		return set(directory+"/freezer.state", "THAWED")
	}
	return err
}

func set(path, value string) error {
	if err := kernel.Put(path, value); err != nil {
		return &os.PathError{Op: "write " + value, Path: path, Err: err}
	}
	return nil
}
