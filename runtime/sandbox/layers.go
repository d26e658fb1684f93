package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aquarium/rootfs"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

// Written is what the sandbox has written into layers of its own, for
// rootfs.Diff and Catalogue.Commit. It is empty with --writable.
func (sb Sandbox) Written() ([]rootfs.Written, error) {
	config, err := readConfig(sb.Bundle)
	if err != nil {
		return nil, &Error{"read configuration of " + sb.Name, err, ""}
	}
	overlays, err := spec.Overlays(config)
	if err != nil {
		return nil, err
	}
	copied, err := spec.Copied(config)
	if err != nil {
		return nil, err
	}
	var points []string
	for _, m := range config.Mounts {
		points = append(points, m.Destination)
	}
	var list []rootfs.Written
	for _, o := range append(overlays, copied...) {
		list = append(list, rootfs.Written{Dest: o.Dest, Upper: o.Upper, Lower: o.Lower, IDs: spec.IDs(config), Whole: len(copied) > 0, Points: points})
	}
	return list, nil
}

// lowerDirs are the directories that the roots of all sandboxes are made of.
func (s *Store) lowerDirs() ([]string, error) {
	ids, err := s.ids()
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, id := range ids {
		config, err := readConfig(s.bundle(id))
		if errors.Is(err, fs.ErrNotExist) {
			continue // just being made, or just gone
		}
		var overlays []spec.Overlay
		if err == nil {
			overlays, err = spec.Overlays(config)
		}
		if err == nil {
			var copied []spec.Overlay
			copied, err = spec.Copied(config)
			overlays = append(overlays, copied...)
		}
		if err != nil {
			return nil, &Error{"read configuration of " + id, cause(err), ""}
		}
		for _, o := range overlays {
			dirs = append(dirs, o.Lower...)
		}
	}
	return dirs, nil
}

// Users returns the names of the sandboxes, running or stopped, whose root is
// made from r.
func (s *Store) Users(r rootfs.Rootfs) ([]string, error) {
	list, err := s.List()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, sb := range list {
		used, err := s.Catalogue.Find(sb.Rootfs)
		if sb.Rootfs == r.Name || err == nil && used.Path == r.Path {
			names = append(names, sb.Name)
		}
	}
	return names, nil
}

// Commit makes a root filesystem of what a sandbox started from and what it
// wrote. The sandbox may be running.
func (s *Store) Commit(ctx context.Context, sb Sandbox, name string, report func(rootfs.Progress)) (rootfs.Rootfs, error) {
	r, err := s.commit(ctx, sb, name, report)
	if _, missing := os.Lstat(filepath.Join(sb.Bundle, configName)); err != nil && (missing != nil || sb.Rootfs == "") {
		err = &Error{"commit " + sb.Name, errors.New("it is just being launched, or removed"), "`aquarium ps -a` tells which"}
	}
	return r, err
}

func (s *Store) commit(ctx context.Context, sb Sandbox, name string, report func(rootfs.Progress)) (rootfs.Rootfs, error) {
	base, err := s.Catalogue.Find(sb.Rootfs)
	if err != nil {
		return rootfs.Rootfs{}, err
	}
	written, err := sb.Written()
	if err != nil {
		return rootfs.Rootfs{}, err
	}
	o := rootfs.ImportOptions{Source: "sandbox " + sb.Name, Progress: report}
	return s.Catalogue.Commit(ctx, name, base, written, o)
}

// Discard throws away what a stopped sandbox has written: its layers are empty
// again, its record and its output stay. While it runs it is refused, because
// its root is made of them.
func (sb Sandbox) Discard() error {
	what := "discard the changes of " + sb.Name
	if sb.Status != supervisor.Stopped {
		return &Error{what, fmt.Errorf("it is %s", sb.Status), "stop it first: aquarium stop " + sb.Name}
	}
	unlock, err := sb.store.lock()
	if err != nil {
		return err
	}
	defer unlock()
	config, err := readConfig(sb.Bundle)
	if err != nil {
		return &Error{what, err, ""}
	}
	overlays, err := spec.Overlays(config)
	if err != nil {
		return &Error{what, err, ""}
	}
	if len(overlays) == 0 {
		if copied, err := spec.Copied(config); err != nil || len(copied) > 0 {
			return &Error{what, errors.New("it wrote into a copy of its root filesystem"), "remove it: aquarium rm " + sb.Name}
		}
		return &Error{what, errors.New("it wrote into its root filesystem itself"), ""}
	}
	for _, o := range overlays {
		err := errors.Join(supervisor.RemoveOwned(o.Upper, sb.IDs), supervisor.RemoveOwned(o.Work, sb.IDs))
		if err == nil {
			err = makeLayer(o, sb.IDs)
		}
		if err != nil {
			return &Error{what, cause(err), ""}
		}
	}
	return nil
}
