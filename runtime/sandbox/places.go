package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"aquarium/rootfs"
)

// Places says where Aquarium keeps things.
type Places struct {
	Data string // root filesystems, layers, sandboxes' bundles
	Run  string // running state and sockets
}

// FindPlaces chooses by who runs and by AQUARIUM_HOME, which puts both under
// one directory. Both paths are absolute.
func FindPlaces() (Places, error) {
	if home := os.Getenv("AQUARIUM_HOME"); home != "" {
		home, err := filepath.Abs(home)
		return Places{filepath.Join(home, "data"), filepath.Join(home, "run")}, err
	}
	if os.Geteuid() == 0 {
		return Places{"/var/lib/aquarium", "/run/aquarium"}, nil
	}
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) { // the XDG specification ignores relative paths
		home, err := os.UserHomeDir()
		if err != nil {
			return Places{}, &Error{"find data directory", err, "set AQUARIUM_HOME to a directory of yours"}
		}
		data = filepath.Join(home, ".local", "share")
	}
	p := Places{Data: filepath.Join(data, "aquarium")}
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		p.Run = filepath.Join(run, "aquarium")
	} else {
		p.Run = filepath.Join(p.Data, "run-"+strconv.Itoa(os.Getuid()))
	}
	return p, nil
}

// make creates the directories, for their owner only below the data
// directory's top: a user namespace's root must still pass through it.
func (p Places) make() error {
	for _, dir := range p.all() {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return &Error{"make state directory", err, "set AQUARIUM_HOME to a directory you may write"}
		}
	}
	return p.check()
}

// check refuses directories that others may change. Those that are missing are
// nobody's.
func (p Places) check() error {
	dirs := p.all()
	if home := os.Getenv("AQUARIUM_HOME"); home != "" {
		dirs = append(dirs, home)
	}
	for _, dir := range dirs {
		if err := ours(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (p Places) all() []string { return []string{p.Data, p.Run, p.sandboxes(), p.names()} }

// ours refuses a directory that others may change. What is written in the
// state directory is believed: whose supervisor listens where, and which
// process is to be killed.
func ours(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return &Error{"look at state directory", err, ""}
	}
	what, hint := "use state directory "+rootfs.Visible(dir), "set AQUARIUM_HOME to a directory of yours"
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() && stat.Uid != 0 {
		return &Error{what, fmt.Errorf("it belongs to another user, %d", stat.Uid), hint}
	}
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return &Error{what, errors.New("every user may write there"), hint}
	}
	return nil
}

func (p Places) sandboxes() string { return filepath.Join(p.Data, "sandboxes") }
func (p Places) names() string     { return filepath.Join(p.Data, "names") }

// bundle is the sandbox's OCI bundle: configuration, layer, trace, last state.
func (p Places) bundle(id string) string { return filepath.Join(p.sandboxes(), id) }

// run is where a sandbox's socket and running state are.
func (p Places) run(id string) string { return filepath.Join(p.Run, id) }

// failed is where traces of launches that failed are kept.
func (p Places) failed() string { return filepath.Join(p.Data, "failed") }

// name is the symlink that reserves a name for a sandbox.
func (p Places) name(name string) string { return filepath.Join(p.names(), name) }
