package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"aquarium/runtime/cgroup"
	"aquarium/runtime/userns"
)

// Status is where a sandbox is in its life, by OCI's words.
type Status string

// The statuses of the OCI runtime specification, runtime.md.
const (
	Creating Status = "creating"
	Created  Status = "created" // a stepped launch that waits
	Running  Status = "running"
	Stopped  Status = "stopped"
	Paused   Status = "paused"
)

// State is what is known of a sandbox besides its configuration.
type State struct {
	ID         string        `json:"id"`
	Name       string        `json:"name"`
	Status     Status        `json:"status"`
	PID        int           `json:"pid,omitempty"`      // the program, as the host numbers it
	PIDStart   uint64        `json:"pidStart,omitempty"` // clock ticks after boot, see StartTime
	Keeper     int           `json:"keeper"`             // the supervisor; the creator while creating
	KeepStart  uint64        `json:"keeperStart"`
	KeepSpace  uint64        `json:"keeperNamespace,omitempty"` // inode of the PID namespace that numbers it
	Bundle     string        `json:"bundle"`
	Rootfs     string        `json:"rootfs"`
	Command    []string      `json:"command"`
	RootSwitch string        `json:"rootSwitch"`
	Shared     []string      `json:"shared,omitempty"` // namespaces kept from the host
	Weaker     []string      `json:"weaker,omitempty"` // what makes it hold less than a default one, see spec.Weaker
	IDs        userns.Map    `json:"ids,omitzero"`     // of its user namespace
	Groups     cgroup.Groups `json:"cgroups,omitempty"`
	Notes      []string      `json:"notes,omitempty"` // what could not be as it should, in words
	TTY        bool          `json:"tty"`
	Remove     bool          `json:"remove,omitempty"`
	Created    time.Time     `json:"created"`
	Started    time.Time     `json:"started,omitzero"`
	Finished   time.Time     `json:"finished,omitzero"`
	ExitCode   *int          `json:"exitCode,omitempty"` // nil until it has stopped
	Signal     int           `json:"signal,omitempty"`   // that ended it
	Reason     string        `json:"reason,omitempty"`   // in words, where the code does not say enough
}

// KeepSelf makes this process the sandbox's keeper.
func (s *State) KeepSelf() (err error) {
	s.Keeper, s.KeepSpace = os.Getpid(), pidNamespace()
	s.KeepStart, err = StartTime(s.Keeper)
	return err
}

// pidNamespace is the inode of our own PID namespace, 0 where it is not to be
// had; see namespaces(7).
func pidNamespace() uint64 {
	var stat syscall.Stat_t
	if syscall.Stat("/proc/self/ns/pid", &stat) != nil {
		return 0
	}
	return stat.Ino
}

// Alive tells whether the keeper of the sandbox with that running directory
// still runs.
func (s State) Alive(run string) bool {
	if s.Keeper == 0 {
		return false
	}
	if here := pidNamespace(); s.KeepSpace != 0 && here != 0 && s.KeepSpace != here {
		return s.Status == Creating || answers(run) // its number means nothing here
	}
	start, err := StartTime(s.Keeper)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	// What cannot be read, for want of descriptors say, is no proof of death.
	return err != nil || start == s.KeepStart
}

// answers tells whether a supervisor listens in a running directory.
func answers(run string) bool {
	conn, err := Dial(run)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED)
	}
	conn.Close()
	return true
}

// StateFile is the name of a state document in its directory.
const StateFile = "state.json"

// Save replaces the state document in dir, whole or not at all.
func (s State) Save(dir string) error {
	document, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return WriteFile(dir+"/"+StateFile, document)
}

// Reserve sets space aside for the next Save in dir, which then succeeds on a
// full disk too: the program may have taken all there was. In vain, where the
// disk is full already or the filesystem always writes elsewhere (btrfs).
func Reserve(dir string) {
	file, err := os.OpenFile(dir+"/"+StateFile+nextSuffix, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	defer file.Close()
	const size = 4096 // a state has some hundred bytes, and the command line
	if syscall.Fallocate(int(file.Fd()), 0, 0, size) != nil {
		file.Write(make([]byte, size))
	}
}

// nextSuffix is what the name of a file has while it is being written.
const nextSuffix = ".next"

// WriteFile replaces a file by one rename: a reader, a full disk or a kill
// finds the old or the new one, never half. The mode is 0600.
func WriteFile(path string, content []byte) error {
	next := path + nextSuffix
	if err := overwrite(next, content); err != nil {
		os.Remove(next)
		return err
	}
	return os.Rename(next, path)
}

// overwrite writes a file where it is: what is there gives its space, see
// Reserve.
func overwrite(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Truncate(int64(len(content)))
	}
	return errors.Join(err, file.Close())
}

// StartTime is when a process started, in clock ticks after boot: field 22
// of /proc/PID/stat, see proc_pid_stat(5). A process is the same one as
// before only if its number and its start time are.
func StartTime(pid int) (uint64, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	// The second field, the command in parentheses, may hold anything.
	end := strings.LastIndexByte(string(stat), ')')
	fields := strings.Fields(string(stat[end+1:]))
	const afterCommand = 22 - 3
	if end < 0 || len(fields) <= afterCommand {
		return 0, fmt.Errorf("read /proc/%d/stat: not as proc_pid_stat(5) says", pid)
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return 0, os.ErrProcessDone // a zombie keeps nothing
	}
	return strconv.ParseUint(fields[afterCommand], 10, 64)
}
