package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"aquarium/runtime/ids"
	"aquarium/runtime/kernel"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/userns"
)

// caller tells whether this process may do without a user namespace.
func caller() spec.Caller {
	effective, _, _, err := kernel.Capget()
	const sysAdmin = 1 << 21 // CAP_SYS_ADMIN
	_, files, _ := kernel.Getrlimit(syscall.RLIMIT_NOFILE)
	return spec.Caller{
		UID: os.Geteuid(), GID: os.Getegid(), MostFiles: files, OOMScore: oomScore(), Throttles: throttles(),
		Privileged: err == nil && os.Geteuid() == 0 && effective&sysAdmin != 0 && inInitialUserNamespace(),
	}
}

// throttles are the counters of overheating, by which a sandbox could tell what
// others do on the same processor.
func throttles() []string {
	if _, err := os.Stat("/sys/devices/system/cpu/cpu0/thermal_throttle"); err != nil {
		return nil // as in most virtual machines
	}
	found, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle") // the pattern is well-formed
	return found
}

// oomScore is this process's oom_score_adj, 0 where it cannot be read.
func oomScore() int {
	content, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return 0
	}
	score, _ := strconv.Atoi(strings.TrimSpace(string(content)))
	return score
}

// inInitialUserNamespace looks for the map that only the initial user
// namespace has: all ids onto themselves; see user_namespaces(7).
func inInitialUserNamespace() bool {
	content, err := os.ReadFile("/proc/self/uid_map")
	var inside, outside, count uint64
	n, _ := fmt.Sscan(string(content), &inside, &outside, &count)
	return err == nil && n == 3 && inside == 0 && outside == 0 && count == 1<<32-1
}

// callerFor is the caller with the ids that a sandbox with these options gets:
// those it has been allotted, if it has.
func (s *Store) callerFor(o spec.Options, allotted userns.Map) spec.Caller {
	c := caller()
	c.IDs = allotted
	if c.Privileged || o.UserNS == spec.UserNSSingle {
		return c
	}
	found, err := s.ownIDs()
	if err != nil {
		c.NoIDs = err.Error()
		return c
	}
	c.IDs = found
	return c
}

// ownIDs are those of an ordinary user's ranges.
func (s *Store) ownIDs() (userns.Map, error) {
	found, err := s.Subordinate.Own()
	if err == nil {
		err = s.granted(found)
	}
	return found, err
}

// allot gives a sandbox of root's, which has been claimed, ids that no other
// sandbox has, running or stopped: those of a stopped one own what it has
// written. They are recorded before anybody else can look.
func (s *Store) allot(o spec.Options, id string) (userns.Map, error) {
	if o.UserNS != spec.UserNSAuto || !caller().Privileged {
		return userns.Map{}, nil
	}
	unlock, err := s.lock()
	if err != nil {
		return userns.Map{}, err
	}
	defer unlock()
	found, err := s.vacant()
	if err != nil {
		return found, err
	}
	st, err := readState(s.run(id))
	if err == nil {
		st.IDs = found
		err = st.Save(s.run(id))
	}
	return found, wrap("write running state", err)
}

// vacant are ids that no sandbox has.
func (s *Store) vacant() (userns.Map, error) {
	all, err := s.ids()
	if err != nil {
		return userns.Map{}, err
	}
	var taken []userns.Map
	for _, id := range all {
		for _, dir := range []string{s.run(id), s.bundle(id)} {
			if st, err := readState(dir); err == nil {
				taken = append(taken, st.IDs)
			}
		}
		if config, err := readConfig(s.bundle(id)); err == nil { // after a restart of the machine that is all there is
			taken = append(taken, spec.IDs(config))
		}
	}
	found, err := s.Subordinate.Free(taken)
	return found, noIDs(err)
}

// noIDs is the error of a sandbox that wants ids of its own.
func noIDs(err error) error {
	var missing *ids.Missing
	if errors.As(err, &missing) {
		return &spec.Refusal{What: "userns auto: " + missing.What, Way: missing.Knob}
	}
	return err
}

// granted tells whether the helpers map these ids, by having them do it once.
// What they have granted is kept in a file, so that later launches need not
// ask, until something about it changes.
func (s *Store) granted(found userns.Map) error {
	key := fmt.Sprintf("%v %s\n", found, s.Subordinate.Version(found))
	file := filepath.Join(s.Run, grantedName)
	if known, err := os.ReadFile(file); err == nil && string(known) == key {
		return nil
	}
	if err := found.Try(); err != nil {
		return err
	}
	return wrap("note what ids are granted", supervisor.WriteFile(file, []byte(key)))
}

// grantedName is the file below Run with the ids that the helpers have mapped.
const grantedName = "ids"

// checkUserNS refuses a user namespace that the caller cannot have, or cannot
// do without.
func checkUserNS(o spec.Options, privileged bool) error {
	switch {
	case o.Shares("user") && !privileged:
		return &spec.Refusal{What: "share user: without root every sandbox needs a user namespace of its own", Way: "run as root, or leave user out of --share"}
	case o.UserNS == spec.UserNSHost && !privileged:
		return &spec.Refusal{What: "userns host: without root every sandbox needs a user namespace of its own", Way: "run as root, or leave --userns out"}
	case o.UserNS == spec.UserNSSingle && privileged:
		return &spec.Refusal{What: "userns single: root's only id inside would be the host's root", Way: "--userns auto gives ids that mean nobody outside"}
	}
	return nil
}
