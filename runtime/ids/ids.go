// Package ids finds the user and group ids that sandboxes may have of their
// own: the ranges that /etc/subuid and /etc/subgid give to a user, see
// subuid(5), and the programs newuidmap(1) and newgidmap(1) that map them.
package ids

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"aquarium/runtime/userns"
)

// Source is where ranges and programs are looked for.
type Source struct {
	SubUID, SubGID string // files
	UIDMap, GIDMap string // of this process: what it cannot name, it cannot hand on
}

// System is this machine's.
func System() Source {
	return Source{SubUID: "/etc/subuid", SubGID: "/etc/subgid", UIDMap: "/proc/self/uid_map", GIDMap: "/proc/self/gid_map"}
}

// Missing is why there are no ids but one's own.
type Missing struct{ What, Knob string }

func (m *Missing) Error() string { return m.What }

// Hint is the exact way to have them.
func (m *Missing) Hint() string { return m.Knob }

// Own is the map for an ordinary user's sandboxes: root inside is the user,
// and from 1 on come the ids of the user's ranges. Without ranges, or without
// the programs that map them, the error is a *Missing.
func (s Source) Own() (userns.Map, error) {
	name := loginName()
	uids, err := s.own(s.SubUID, s.UIDMap, name, os.Geteuid())
	if err != nil {
		return userns.Map{}, err
	}
	gids, err := s.own(s.SubGID, s.GIDMap, name, os.Getegid())
	if err != nil {
		return userns.Map{}, err
	}
	m := userns.Map{UIDs: uids, GIDs: gids}
	if m.UIDHelper, err = helper("newuidmap"); err != nil {
		return userns.Map{}, err
	}
	m.GIDHelper, err = helper("newgidmap")
	return m, err
}

// Width is how many users, and how many groups, a range of a sandbox has: as
// many as 16 bits number, nobody (65534) among them.
const Width = 1 << 16

// Free is the map for a sandbox of root's with ids that nobody else has: the
// first Width ids of the ranges kept for that which none of the taken maps has.
// They are those of the user "aquarium" or, without one, "containers", which
// podman uses too. Without either the error is a *Missing: which ids of the
// machine are free, its administrator knows, and nobody else.
func (s Source) Free(taken []userns.Map) (userns.Map, error) {
	var uids, gids []userns.IDMap
	for _, m := range taken {
		uids, gids = append(uids, m.UIDs...), append(gids, m.GIDs...)
	}
	uid, err := s.free(s.SubUID, s.UIDMap, uids)
	if err != nil {
		return userns.Map{}, err
	}
	gid, err := s.free(s.SubGID, s.GIDMap, gids)
	return userns.Map{
		UIDs: []userns.IDMap{{Inside: 0, Outside: uid, Count: Width}},
		GIDs: []userns.IDMap{{Inside: 0, Outside: gid, Count: Width}}, Foreign: true,
	}, err
}

// keepers are whose ranges sandboxes of root's are given from.
var keepers = []string{"aquarium", "containers"}

func (s Source) free(file, ownMap string, taken []userns.IDMap) (start int, err error) {
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return 0, &Missing{"read " + file + ": " + cause(err), "chmod 644 " + file}
	}
	for _, keeper := range keepers {
		ranges := Parse(string(text), keeper, nobody)
		for _, r := range ranges {
			for start := r.Start; start+Width <= r.end(); start += Width {
				if slot := (Range{start, Width}); !inUse(slot, taken) && mapped(ownMap, slot) {
					return start, nil
				}
			}
		}
		if len(ranges) > 0 {
			return 0, &Missing{fmt.Sprintf("no %d ids are free of what %s gives %s", Width, file, keeper), "remove sandboxes, or give " + keeper + " a larger range"}
		}
	}
	return 0, &Missing{"neither aquarium nor containers has a range in " + file, reserve}
}

// nobody is the number of a name that has no account.
const nobody = -1

// reserve is the line to add: of the ids that no useradd gives anyone, and no
// systemd (UIDS-GIDS.md), 1,024 ranges.
const reserve = "echo aquarium:1879048192:67108864 | tee -a /etc/subuid /etc/subgid"

func inUse(r Range, taken []userns.IDMap) bool {
	for _, m := range taken {
		if r.overlaps(Range{m.Outside, m.Count}) {
			return true
		}
	}
	return false
}

// Version changes when anything does that decides which ids are mapped: the
// files, or the programs of a map.
func (s Source) Version(m userns.Map) string {
	var version strings.Builder
	for _, file := range []string{s.SubUID, s.SubGID, m.UIDHelper, m.GIDHelper} {
		var stat unix.Stat_t
		_ = unix.Stat(file, &stat) // what is not there is all zeros
		fmt.Fprintf(&version, "%d:%d:%d.%d ", stat.Dev, stat.Ino, stat.Ctim.Sec, stat.Ctim.Nsec)
	}
	return version.String()
}

// loginName is the user's, or the number where there is no name.
func loginName() string {
	if u, err := user.LookupId(strconv.Itoa(os.Geteuid())); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Geteuid())
}

// own maps root to id, and the ranges of the user in a file to what follows.
func (s Source) own(file, ownMap, name string, id int) ([]userns.IDMap, error) {
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return nil, &Missing{"read " + file + ": " + cause(err), "chmod 644 " + file}
	}
	maps := []userns.IDMap{{Inside: 0, Outside: id, Count: 1}}
	next := 1
	for _, r := range Parse(string(text), name, os.Geteuid()) {
		if r.overlaps(Range{id, 1}) {
			return nil, &Missing{fmt.Sprintf("the range %d:%d in %s holds %s's own id %d", r.Start, r.Count, file, name, id), s.knob(name)}
		}
		if !mapped(ownMap, r) {
			return nil, &Missing{fmt.Sprintf("the ids %d to %d that %s gives %s are not there in this user namespace", r.Start, r.end()-1, file, name), "run outside of the container, or give it these ids"}
		}
		maps = append(maps, userns.IDMap{Inside: next, Outside: r.Start, Count: r.Count})
		next += r.Count
	}
	if len(maps) == 1 {
		return nil, &Missing{file + " gives " + name + " no range", s.knob(name)}
	}
	if len(maps) > mostLines {
		return nil, &Missing{fmt.Sprintf("%s gives %s %d ranges, and a map takes %d", file, name, len(maps)-1, mostLines-1), "join the ranges in " + file}
	}
	return maps, nil
}

// mostLines is the kernel's own limit, UID_GID_MAP_MAX_EXTENTS.
const mostLines = 340

// firstSubordinate is the first id that useradd(8) gives as a subordinate one,
// by its default, SUB_UID_MIN of login.defs(5).
const firstSubordinate = 100000

// knob gives a user a range that nobody else has.
func (s Source) knob(name string) string {
	free := Range{firstSubordinate, Width}
	var taken []Range
	for _, file := range []string{s.SubUID, s.SubGID} {
		text, _ := os.ReadFile(file) // without a file nothing is taken
		taken = append(taken, parse(string(text), func(string) bool { return true })...)
	}
	for slices.ContainsFunc(taken, free.overlaps) && free.end()+Width < limit {
		free.Start += Width
	}
	ids := fmt.Sprintf("%d-%d", free.Start, free.end()-1)
	return "usermod --add-subuids " + ids + " --add-subgids " + ids + " " + name
}

// mapped tells whether a range exists in this process's user namespace, whose
// map is in file; see user_namespaces(7).
func mapped(file string, r Range) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return true // no evidence against it
	}
	for line := range strings.Lines(string(text)) {
		var inside, outside, count int
		if n, _ := fmt.Sscan(line, &inside, &outside, &count); n == 3 && inside <= r.Start && r.end() <= inside+count {
			return true
		}
	}
	return false
}

// helper finds a program of the host's that may map more than one's own id.
// It looks before anything of a root filesystem is opened, and never in one.
func helper(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil || !filepath.IsAbs(path) {
		return "", &Missing{name + " is not installed", "apt install uidmap (Fedora: shadow-utils-subid)"}
	}
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return "", &Missing{"look at " + path + ": " + cause(err), "apt install --reinstall uidmap"}
	}
	_, noCapability := unix.Getxattr(path, "security.capability", nil)
	trusted := stat.Uid == 0 && stat.Mode&unix.S_ISUID != 0 || noCapability == nil
	if os.Geteuid() != 0 && !trusted {
		return "", &Missing{path + " is neither set-user-ID root nor has it a capability", "chmod u+s " + path}
	}
	var filesystem unix.Statfs_t
	if err := unix.Statfs(path, &filesystem); err == nil && filesystem.Flags&unix.ST_NOSUID != 0 {
		return "", &Missing{path + " lies on a filesystem that is mounted nosuid", "put it on another"}
	}
	if set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && set == 1 {
		return "", &Missing{"no_new_privs is set, so that " + name + " may do no more than this process", "start aquarium without it"}
	}
	return path, nil
}

// cause is an error without the call and the path.
func cause(err error) string {
	if path, ok := err.(*os.PathError); ok {
		return path.Err.Error()
	}
	if errno, ok := err.(syscall.Errno); ok {
		return errno.Error()
	}
	return err.Error()
}
