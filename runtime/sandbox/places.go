package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
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
	tops := []string{p.Data, p.Run}
	if os.Getenv("AQUARIUM_HOME") != "" {
		tops = append([]string{filepath.Dir(p.Data)}, tops...)
	}
	for _, dir := range tops {
		if err := oursBelow(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, dir := range []string{p.sandboxes(), p.names()} {
		if err := ours(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (p Places) all() []string { return []string{p.Data, p.Run, p.sandboxes(), p.names()} }

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
