package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"aquarium/rootfs"
)

// ours refuses a directory that others may change. What is written in the
// state directory is believed: whose supervisor listens where, and which
// process is to be killed.
func ours(dir string) error { return onlyOurs(dir, dir) }

// oursBelow is ours, and refuses what lies in a directory whose entries others
// may rename, as sshd(8) does with StrictModes; also on the way of a symlink.
func oursBelow(dir string) error {
	if err := ours(dir); err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return &Error{"look at state directory", err, ""}
	}
	for _, path := range []string{dir, resolved} {
		for path != "/" {
			path = filepath.Dir(path)
			if err := onlyOurs(path, dir); err != nil {
				return err
			}
		}
		if resolved == dir {
			break
		}
	}
	return nil
}

// onlyOurs refuses a directory, which is dir or above it, where others than
// the user and root may write, or rename what is not theirs.
func onlyOurs(path, dir string) error {
	info, err := os.Stat(path)
	if err != nil {
		return &Error{"look at state directory", err, ""}
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	shown := rootfs.Visible(path)
	refuse := func(why error, hint string) error {
		return &Error{"use state directory " + rootfs.Visible(dir), why, hint}
	}
	where, who := "there", "it"
	if path != dir {
		where, who = "in "+shown, shown
	}
	const elsewhere = "set AQUARIUM_HOME to a directory of yours"
	held := info.Mode()&fs.ModeSticky != 0 // there everybody renames only what is his own
	switch mode := info.Mode().Perm(); {
	case int(stat.Uid) != os.Geteuid() && stat.Uid != 0 && (path == dir || !unmapped(stat.Uid)):
		return refuse(fmt.Errorf("%s belongs to another user, %d", who, stat.Uid), elsewhere)
	case mode&0o002 != 0 && !held:
		return refuse(errors.New("every user may write "+where), "run `chmod o-w "+shown+"`, or "+elsewhere)
	case mode&0o020 != 0 && !held && !private(stat.Gid) && (path == dir || stat.Gid != 0):
		return refuse(fmt.Errorf("group %d may write %s", stat.Gid, where), "run `chmod g-w "+shown+"`, or "+elsewhere)
	}
	return nil
}

// private tells whether a group is the user's own, in which there is nobody
// else: many distributions give every user one, of the same name, and let it
// write all that the user makes. Root has none.
func private(gid uint32) bool {
	if os.Geteuid() == 0 || int(gid) != os.Getegid() {
		return false
	}
	me, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if err != nil {
		return false
	}
	group, err := user.LookupGroupId(me.Gid)
	return err == nil && me.Gid == strconv.Itoa(int(gid)) && group.Name == me.Username
}

// unmapped tells whether an owner is nobody in this process's user namespace:
// who owns the host's directories cannot be seen in it.
func unmapped(uid uint32) bool {
	const overflow = 65534 // /proc/sys/kernel/overflowuid
	if uid != overflow {
		return false
	}
	all, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(all)), " ") != "0 0 4294967295"
}
