package sandbox

import (
	"aquarium/rootfs"
	"aquarium/runtime/spec"
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
	var list []rootfs.Written
	for _, o := range overlays {
		list = append(list, rootfs.Written{Dest: o.Dest, Upper: o.Upper, Lower: o.Lower})
	}
	return list, nil
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
